#include <metalaudio/core/error.h>
#include <metalaudio/separation/output_name.h>

#include <algorithm>

namespace metalaudio::separation {
namespace {

std::string without_slashes(std::string text) {
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

std::string field_value(std::string_view name, const OutputFields& fields) {
  if (name == "track") return fields.track;
  if (name == "trackext") return without_slashes(fields.track_extension);
  if (name == "stem") return without_slashes(fields.stem);
  if (name == "ext") return fields.extension;
  if (name == "folder") return fields.folder;
  fail(ErrorCode::invalid_argument,
       "a file name has the field {{{}}}; it may have {{track}}, {{trackext}}, {{stem}}, {{ext}}, "
       "{{folder}}",
       name);
}

/// What stands between two slashes of a pattern, filled in.
class PartialName {
 public:
  void add(char c) { text_ += c; }
  void add_field(const std::string& value) {
    text_ += value;
    has_field_ = true;
  }
  std::string take() {
    std::string name;
    std::string_view rest = text_;
    for (bool more = has_field_; more;) {
      const std::size_t slash = rest.find('/');
      more = slash != std::string_view::npos;
      const std::string_view part = rest.substr(0, slash);
      const bool leads_out = part.empty() || part == "." || part == "..";
      name += leads_out ? std::string(std::max<std::size_t>(part.size(), 1), '_') : part;
      if (more) name += '/';
      rest.remove_prefix(more ? slash + 1 : rest.size());
    }
    if (!has_field_) name = text_;
    *this = {};
    return name;
  }

 private:
  std::string text_;
  bool has_field_ = false;
};

}  // namespace

std::string expand_output_name(std::string_view pattern, const OutputFields& fields) {
  std::string name;
  PartialName part;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    const bool brace = c == '{' || c == '}';
    if (brace && i + 1 < pattern.size() && pattern[i + 1] == c) {
      part.add(c);
      ++i;
    } else if (c == '{') {
      const std::size_t end = pattern.find('}', i);
      if (end == std::string_view::npos)
        fail(ErrorCode::invalid_argument, "the file name {}: a {{ is not closed", pattern);
      part.add_field(field_value(pattern.substr(i + 1, end - i - 1), fields));
      i = end;
    } else if (c == '}') {
      fail(ErrorCode::invalid_argument, "the file name {}: a }} without its {{", pattern);
    } else if (c == '/') {
      name += part.take() + '/';
    } else {
      part.add(c);
    }
  }
  return name + part.take();
}

bool names_each_stem(std::string_view pattern) {
  const OutputFields one{"track", "ext", "one", "ext"};
  OutputFields other = one;
  other.stem = "other";
  return expand_output_name(pattern, one) != expand_output_name(pattern, other);
}

std::string model_folder_name(std::string_view model) {
  constexpr std::string_view kHub = "hf://";
  std::string name(model);
  for (std::size_t at = name.find(kHub); at != std::string::npos; at = name.find(kHub))
    name.erase(at, kHub.size());
  return without_slashes(name);
}

}  // namespace metalaudio::separation

#include <metalaudio/core/error.h>
#include <metalaudio/core/printable.h>
#include <metalaudio/nn/io/json_text.h>

#include <set>
#include <string>
#include <string_view>

namespace metalaudio::nn {

using nlohmann::json;

json parse_json_text(std::string_view text, std::string_view what) {
  constexpr int kMaxDepth = 32;
  std::set<std::string> names;
  const auto check = [&](int depth, json::parse_event_t event, json& parsed) {
    if (depth > kMaxDepth) fail(ErrorCode::invalid_data, "{} is nested too deeply", what);
    if (event == json::parse_event_t::key && depth == 1 &&
        !names.insert(parsed.get<std::string>()).second) {
      fail(ErrorCode::invalid_data, "{} names '{}' twice", what,
           printable(parsed.get<std::string>()));
    }
    return true;
  };
  try {
    return json::parse(text, check);
  } catch (const json::exception& error) {
    fail(ErrorCode::invalid_data, "{} is not JSON: {}", what, json_failure(error));
  }
}

// "[json.exception.parse_error.101] parse error at line 1, column 5: syntax error while parsing
// value - invalid literal; last read: '<'"
std::string json_failure(const json::exception& error) {
  std::string text = error.what();
  const auto remove = [&](std::string_view from, std::string_view to) {
    const std::size_t begin = text.find(from);
    const std::size_t end = begin == text.npos ? begin : text.find(to, begin);
    if (end != text.npos) text.erase(begin, end + to.size() - begin);
  };
  remove("[json.exception", "] ");
  remove("parse error", "at ");
  remove("syntax error while parsing", "- ");
  return printable(text);
}

}  // namespace metalaudio::nn

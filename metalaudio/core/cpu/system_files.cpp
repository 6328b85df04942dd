#include <metalaudio/core/cpu/system_files.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>
#include <system_error>

namespace metalaudio {

namespace {
constexpr std::size_t kMostIndices = 65536;
constexpr const char* kBlanks = ": \t";
}  // namespace

std::optional<std::string> read_line(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::string line;
  if (!std::getline(stream, line)) return std::nullopt;
  return line;
}

std::optional<std::int64_t> read_number(const std::filesystem::path& file) {
  const std::optional<std::string> line = read_line(file);
  return line ? parse_number(*line) : std::nullopt;
}

std::optional<std::string> read_value(const std::filesystem::path& file, const std::string& key) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    if (!line.starts_with(key) || line.find_first_of(kBlanks, key.size()) != key.size()) continue;
    const std::size_t value = line.find_first_not_of(kBlanks, key.size());
    return value == std::string::npos ? "" : line.substr(value);
  }
  return std::nullopt;
}

std::optional<std::int64_t> parse_number(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  return number;
}

std::vector<std::size_t> parse_index_list(const std::string& text) {
  std::vector<std::size_t> indices;
  std::istringstream stream(text);
  for (std::string range; std::getline(stream, range, ',');) {
    const std::size_t dash = range.find('-');
    const auto first = parse_number(range);
    const auto last = dash == std::string::npos ? first : parse_number(range.substr(dash + 1));
    if (!first || !last || *first < 0 || *last < *first ||
        static_cast<std::size_t>(*last - *first) >= kMostIndices) {
      return {};
    }
    for (std::int64_t i = *first; i <= *last; ++i) indices.push_back(static_cast<std::size_t>(i));
  }
  return indices;
}

std::vector<std::filesystem::path> entries(const std::filesystem::path& folder,
                                           const std::string& prefix) {
  std::vector<std::filesystem::path> found;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().filename().string().starts_with(prefix)) found.push_back(entry->path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace metalaudio

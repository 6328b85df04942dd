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

std::string json_failure(const json::exception& error) {
  std::string_view text = error.what();
  if (const std::size_t end = text.find("] "); text.starts_with('[') && end != text.npos)
    text.remove_prefix(end + 2);
  return printable(text);
}

}  // namespace metalaudio::nn

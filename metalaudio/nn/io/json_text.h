#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace metalaudio::nn {

/// Parses untrusted JSON of limited depth in which no object of the outermost level repeats a name.
/// Errors:   throws Error{invalid_data} that begins with `what`.
nlohmann::json parse_json_text(std::string_view text, std::string_view what);

/// Where the parser stopped and why: "line 1, column 5: invalid literal; last read: '<'".
std::string json_failure(const nlohmann::json::exception& error);

}  // namespace metalaudio::nn

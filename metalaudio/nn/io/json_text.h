#pragma once

#include <nlohmann/json.hpp>

#include <string_view>

namespace metalaudio::nn {

/// Parses untrusted JSON of limited depth in which no object of the outermost level repeats a name.
/// Errors:   throws Error{invalid_data} that begins with `what`.
nlohmann::json parse_json_text(std::string_view text, std::string_view what);

}  // namespace metalaudio::nn

#pragma once

#include <string_view>

namespace metalaudio::models {

/// An error's line without the operation in brackets, to be told as another one's.
inline std::string_view without_operation(std::string_view message) {
  const std::size_t end = message.starts_with('[') ? message.find("] ") : std::string_view::npos;
  return end == std::string_view::npos ? message : message.substr(end + 2);
}

}  // namespace metalaudio::models

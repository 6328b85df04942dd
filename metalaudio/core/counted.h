#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace metalaudio {

/// "1 track", "2 tracks", "1 axis", "3 axes": a count in a message.
template <typename Count>
std::string counted(const Count& count, std::string_view noun) {
  if (count == Count{1}) return fmt::format("{} {}", count, noun);
  if (noun == "axis") return fmt::format("{} axes", count);
  if (noun == "index") return fmt::format("{} indices", count);
  if (noun == "copy") return fmt::format("{} copies", count);
  return fmt::format("{} {}s", count, noun);
}

}  // namespace metalaudio

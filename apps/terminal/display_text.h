#pragma once

#include <string>
#include <string_view>

namespace metalaudio::apps {

/// A text of any bytes as one line of valid UTF-8 that is safe on a terminal and in a picture: what
/// is not UTF-8 becomes U+FFFD, control characters become spaces, and those that turn the direction
/// of writing become U+FFFD.
std::string display_text(std::string_view text);

/// How many characters a UTF-8 text has.
std::size_t character_count(std::string_view text);

}  // namespace metalaudio::apps

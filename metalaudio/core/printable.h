#pragma once

#include <string>
#include <string_view>

namespace metalaudio {

/// Untrusted text made fit for a one-line message: shortened, control characters replaced.
std::string printable(std::string_view text);

}  // namespace metalaudio

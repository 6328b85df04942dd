#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace metalaudio::audio {

/// What an audio file says of itself.
struct AudioFormat {
  int sample_rate_hz = 0;
  std::size_t channels = 0;
  /// Near the truth for lossy formats, exact for the others, none where only decoding tells.
  std::optional<std::int64_t> frames;
};

}  // namespace metalaudio::audio

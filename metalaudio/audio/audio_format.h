#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace metalaudio::audio {

/// What an audio file says of itself.
struct AudioFormat {
  int sample_rate_hz = 0;
  std::size_t channels = 0;
  /// The speakers as WAVE numbers them, a bit each, in whose order the channels are (front left,
  /// front right, front centre, LFE, back left …); 0 where the file does not say.
  std::uint32_t channel_mask = 0;
  /// What the file states or lets guess. Only decoding tells: it is for progress, not for lengths.
  std::optional<std::int64_t> frames = std::nullopt;
};

}  // namespace metalaudio::audio

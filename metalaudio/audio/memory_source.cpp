#include <metalaudio/audio/frame_range.h>
#include <metalaudio/audio/memory_source.h>
#include <metalaudio/core/error.h>

#include <algorithm>
#include <utility>

namespace metalaudio::audio {

MemorySource::MemorySource(AudioBuffer samples, int sample_rate_hz)
    : samples_(std::move(samples)), sample_rate_hz_(sample_rate_hz) {
  if (sample_rate_hz < 1)
    fail(ErrorCode::invalid_argument, "[MemorySource] sample rate {} Hz: expected 1 or more",
         sample_rate_hz);
}

void MemorySource::read(std::int64_t first_frame, std::size_t frames,
                        std::span<float* const> out) const {
  check_read(out.size(), channels());
  const FrameRange range = overlap(first_frame, frames, this->frames());
  clear_outside(range, frames, out);
  for (std::size_t channel = 0; channel < out.size() && range.count > 0; ++channel) {
    const auto part =
        samples_.channel(channel).subspan(static_cast<std::size_t>(range.first), range.count);
    std::copy(part.begin(), part.end(), out[channel] + range.lead);
  }
}

}  // namespace metalaudio::audio

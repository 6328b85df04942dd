#include <metalaudio/audio/frame_range.h>
#include <metalaudio/core/counted.h>
#include <metalaudio/core/error.h>

#include <algorithm>

namespace metalaudio::audio {

FrameRange overlap(std::int64_t first_frame, std::size_t frames, std::int64_t length) noexcept {
  // Compared before any subtraction, so that a first frame near the limits does not overflow.
  const auto wanted = static_cast<std::int64_t>(frames);
  if (first_frame >= length || first_frame <= -wanted) return {};
  const std::int64_t begin = std::max<std::int64_t>(first_frame, 0);
  const std::int64_t lead = begin - first_frame;
  const std::int64_t count = std::min(wanted - lead, length - begin);
  return {begin, static_cast<std::size_t>(count), static_cast<std::size_t>(lead)};
}

void clear_outside(const FrameRange& range, AudioView out) {
  for (std::size_t c = 0; c < out.channels(); ++c) {
    const std::span<float> channel = out.channel(c);
    std::ranges::fill(channel.first(range.lead), 0.0f);
    std::ranges::fill(channel.subspan(range.lead + range.count), 0.0f);
  }
}

void check_read(AudioView out, std::size_t channels) {
  if (out.channels() != channels)
    fail(ErrorCode::invalid_argument, "[AudioSource] read into {} of {}",
         counted(out.channels(), "channel"), channels);
}

}  // namespace metalaudio::audio

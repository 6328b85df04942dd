#include <metalaudio/audio/frame_range.h>
#include <metalaudio/audio/view_source.h>
#include <metalaudio/core/error.h>

#include <algorithm>

namespace metalaudio::audio {

ViewSource::ViewSource(ConstAudioView samples, int sample_rate_hz)
    : samples_(samples), sample_rate_hz_(sample_rate_hz) {
  if (sample_rate_hz < 1)
    fail(ErrorCode::invalid_argument, "[AudioSource] sample rate {} Hz: expected 1 or more",
         sample_rate_hz);
}

void ViewSource::read(std::int64_t first_frame, AudioView out) const {
  check_read(out, channels());
  const FrameRange range = overlap(first_frame, out.frames(), frames());
  clear_outside(range, out);
  for (std::size_t channel = 0; channel < out.channels() && range.count > 0; ++channel) {
    const auto part =
        samples_.channel(channel).subspan(static_cast<std::size_t>(range.first), range.count);
    std::ranges::copy(part, out.channel(channel).begin() + static_cast<std::ptrdiff_t>(range.lead));
  }
}

}  // namespace metalaudio::audio

#pragma once

#include <metalaudio/core/audio_view.h>
#include <metalaudio/core/realtime/marker.h>

#include <cmath>

namespace metalaudio::nn {

/// Silence in place of infinities and NaNs; whether there were none.
/// Realtime: yes.
METALAUDIO_REALTIME inline bool silence_what_is_not_finite(const AudioView& samples) noexcept {
  bool finite = true;
  for (std::size_t c = 0; c < samples.channels(); ++c) {
    for (float& sample : samples.channel(c)) {
      if (std::isfinite(sample)) continue;
      sample = 0.0F;
      finite = false;
    }
  }
  return finite;
}

}  // namespace metalaudio::nn

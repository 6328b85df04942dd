#pragma once

#include <metalaudio/core/audio_view.h>
#include <metalaudio/core/realtime/marker.h>

namespace metalaudio::nn {

/// What the guard options do to audio. Both return whether all of it was finite.
/// Realtime: both.
METALAUDIO_REALTIME bool replace_not_finite(const AudioView& audio) noexcept;  ///< by 0, each
METALAUDIO_REALTIME bool silence_not_finite(const AudioView& audio) noexcept;  ///< all of it

}  // namespace metalaudio::nn

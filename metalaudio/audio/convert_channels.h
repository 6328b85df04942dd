#pragma once

#include <metalaudio/core/audio_view.h>

#include <cstddef>
#include <string_view>
#include <vector>

namespace metalaudio::audio {

/// Throws Error{unsupported}, naming `what`, unless convert_channels can do it: from is `to`, 1 or
/// more than `to`.
void check_channel_conversion(std::string_view what, std::size_t from, std::size_t to);

/// Upstream's convert_audio_channels: to one channel the mean of all, from one channel copies of
/// it, otherwise the first channels. The view lives as long as `in` and `mean`, which is scratch.
ConstAudioView convert_channels(ConstAudioView in, std::size_t channels, std::vector<float>& mean);

}  // namespace metalaudio::audio

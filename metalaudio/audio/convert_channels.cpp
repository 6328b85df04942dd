#include <metalaudio/audio/convert_channels.h>
#include <metalaudio/core/counted.h>
#include <metalaudio/core/error.h>

namespace metalaudio::audio {

void check_channel_conversion(std::string_view what, std::size_t from, std::size_t to) {
  if (from == 1 || (from >= to && to >= 1)) return;
  fail(ErrorCode::unsupported, "[convert_channels] {}: {}, where {} or 1 are needed", what,
       counted(from, "channel"), to);
}

ConstAudioView convert_channels(ConstAudioView in, std::size_t channels, std::vector<float>& mean) {
  check_channel_conversion("audio", in.channels(), channels);
  const float* data = in.channel(0).data();
  if (in.channels() == 1) return {data, channels, in.frames(), 0};
  if (channels > 1) return in.some_channels(0, channels);
  mean.assign(in.frames(), 0.0f);
  for (std::size_t channel = 0; channel < in.channels(); ++channel) {
    const auto samples = in.channel(channel);
    for (std::size_t frame = 0; frame < mean.size(); ++frame) mean[frame] += samples[frame];
  }
  const auto count = static_cast<float>(in.channels());
  for (float& sample : mean) sample /= count;
  return {mean.data(), 1, mean.size(), mean.size()};
}

}  // namespace metalaudio::audio

#include <metalaudio/audio/reading/format_adapter.h>

#include <algorithm>

namespace metalaudio::audio {
namespace {

AudioBuffer with_channels(const DecodedBlock& block, std::size_t channels) {
  const std::size_t frames = block.interleaved.size() / block.channels;
  AudioBuffer result(channels, frames);
  const bool mean = channels == 1;
  for (std::size_t frame = 0; frame < frames; ++frame) {
    const auto in = block.interleaved.subspan(frame * block.channels, block.channels);
    if (mean) {
      float sum = 0.0f;
      for (const float sample : in) sum += sample;
      result.channel(0)[frame] = sum / static_cast<float>(block.channels);
      continue;
    }
    for (std::size_t channel = 0; channel < channels; ++channel)
      result.channel(channel)[frame] = block.channels == 1        ? in[0]
                                       : channel < block.channels ? in[channel]
                                                                  : 0.0f;
  }
  return result;
}

}  // namespace

void FormatAdapter::add(const DecodedBlock& block, std::vector<float>& out) {
  if (resampler_ && block.sample_rate_hz != part_rate_hz_) flush(out);
  const bool same_rate = block.sample_rate_hz == format_.sample_rate_hz;
  if (same_rate && block.channels == format_.channels) {
    out.insert(out.end(), block.interleaved.begin(), block.interleaved.end());
    return;
  }
  const AudioBuffer converted = with_channels(block, format_.channels);
  if (same_rate) return append(converted, out);
  if (!resampler_) {
    resampler_.emplace(block.sample_rate_hz, format_.sample_rate_hz, format_.channels);
    part_rate_hz_ = block.sample_rate_hz;
  }
  append(resampler_->process(converted), out);
}

void FormatAdapter::flush(std::vector<float>& out) {
  if (resampler_) append(resampler_->flush(), out);
  resampler_.reset();
}

void FormatAdapter::append(ConstAudioView view, std::vector<float>& out) const {
  const std::size_t first = out.size();
  const std::size_t channels = format_.channels;
  out.resize(first + view.frames() * channels);
  for (std::size_t channel = 0; channel < channels; ++channel) {
    const auto samples = view.channel(channel);
    for (std::size_t frame = 0; frame < samples.size(); ++frame)
      out[first + frame * channels + channel] = samples[frame];
  }
}

}  // namespace metalaudio::audio

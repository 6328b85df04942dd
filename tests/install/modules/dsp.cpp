// A plug-in's signal path, an impulse through all of it: use_dsp
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/dsp/biquad_filter.h>
#include <metalaudio/dsp/convolution.h>
#include <metalaudio/dsp/filter_bank.h>
#include <metalaudio/dsp/stft_stream.h>

#include <cmath>
#include <vector>

using namespace metalaudio;

int main() {
  AudioBuffer audio(1, 1024);
  audio.channel(0)[0] = 1.0F;
  const std::vector<float> ir(1000, 0.01F);
  dsp::Convolution convolution(ir);
  convolution.process(audio, audio);
  dsp::BiquadFilter filter(dsp::BiquadDesign{.frequency_hz = 1000.0});
  filter.process(audio, audio);
  dsp::StftStream stream({.fft_size = 256, .hop_samples = 64, .center = false});
  stream.process(audio.channel(0), audio.channel(0), [](std::span<std::complex<float>>) {});
  return std::isfinite(audio.channel(0)[1023]) ? 0 : 1;
}

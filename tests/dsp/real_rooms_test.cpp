// Real impulse responses and dry signals, which are not part of the repository.
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/dsp/convolution.h>
#include <metalaudio/dsp/convolve.h>

#include <gtest/gtest.h>
#include <sndfile.h>

#include <string>

#include "signals.h"

namespace metalaudio::dsp {
namespace {

AudioBuffer read_wav(const std::string& name) {
  SF_INFO info{};
  const std::string path = std::string(METALAUDIO_SHARED_DIR) + "/audio/" + name;
  SNDFILE* file = sf_open(path.c_str(), SFM_READ, &info);
  EXPECT_NE(file, nullptr) << path;
  if (file == nullptr) return AudioBuffer(1, 1);
  const auto channels = static_cast<std::size_t>(info.channels);
  const auto frames = static_cast<std::size_t>(info.frames);
  std::vector<float> interleaved(channels * frames);
  sf_readf_float(file, interleaved.data(), info.frames);
  sf_close(file);
  AudioBuffer audio(channels, frames);
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t i = 0; i < frames; ++i) audio.channel(c)[i] = interleaved[i * channels + c];
  }
  return audio;
}

/// Streams the first channels of `dry` through all routes, and compares each output with the sum of
/// one-shot transforms.
void check_room(const std::string& ir_name, const std::string& dry_name, std::size_t inputs,
                std::size_t outputs) {
  const AudioBuffer ir = read_wav(ir_name), dry = read_wav(dry_name);
  const std::size_t frames = std::min<std::size_t>(dry.frames(), 100000);
  const auto routes = convolution_routes(ir, inputs, outputs);
  Convolution convolution(routes, {.inputs = inputs, .outputs = outputs});
  AudioBuffer wet(outputs, frames);
  for (std::size_t at = 0; at < frames; at += 480) {
    const std::size_t count = std::min<std::size_t>(480, frames - at);
    convolution.process(dry.view().some_channels(0, inputs).part(at, count),
                        wet.view().part(at, count));
  }
  EXPECT_EQ(convolution.status(), Trouble::none);
  for (std::size_t o = 0; o < outputs; ++o) {
    std::vector<float> expected(frames, 0.0F);
    for (const ConvolutionRoute& route : routes) {
      if (route.output != o) continue;
      const auto part = convolve(dry.channel(route.input).first(frames), route.ir,
                                 {.method = ConvolveMethod::fft});
      for (std::size_t i = 0; i < frames; ++i) expected[i] += part[i];
    }
    const auto got = wet.channel(o);
    // Two float32 ways through transforms of up to 2^19 points.
    EXPECT_LT(relative_error(std::vector<float>(got.begin(), got.end()), expected), 2e-6)
        << ir_name << " output " << o;
  }
}

TEST(RealRooms, MonoStereoTrueStereoAndAmbisonic) {
  check_room("tan_testresponse_2ch_48k.wav", "was_white-noise_2ch_44k.wav", 2, 2);
  check_room("was_warehouse-omni-35-10_2ch_44k.wav", "was_penny-spinning_2ch_44k.wav", 2, 2);
  check_room("was_kitchen-true-stereo_4ch_44k.wav", "was_penny-spinning_2ch_44k.wav", 2, 2);
  check_room("was_ambisonic-1o-ir_4ch_48k.wav", "tan_pulsetrain_1ch_48k.wav", 1, 4);
  check_room("was_binaural-s3_r4_bd_2ch_48k.wav", "tan_pulsetrain_1ch_48k.wav", 1, 2);
}

}  // namespace
}  // namespace metalaudio::dsp

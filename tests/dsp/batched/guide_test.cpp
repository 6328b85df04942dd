// The example of docs/guides/dsp.md, as it stands there.
#include <metalaudio/core/tensor.h>
#include <metalaudio/dsp/batched_stft.h>

#include "tests/dsp/batched/device.h"

namespace metalaudio::dsp {
namespace {

TEST(BatchedGuide, TheExampleGivesTheSignalBack) {
  const std::vector<float> audio = noise(2 * 48000);
  const std::int64_t channels = 2, samples = 48000;
  // A GPU where one answers and so much work pays there, by what `metalaudio calibrate` saved.
  const auto device = choose_device(channels * samples, ToleranceConfiguration::load());
  BatchedStft stft({.fft_size = 1024}, {.device = device});
  const auto frames = static_cast<std::int64_t>(stft.frames(samples));
  Tensor x({channels, samples}, DataType::f32, device);
  Tensor spectra({channels, frames, 513, 2}, DataType::f32, device);
  x.copy_from(audio);
  stft.forward(x.view(), spectra.view());
  stft.inverse(spectra.view(), x.view());
  // The last frame ends before the last hop's samples do where they are no whole hops.
  const std::vector<float> back = values_of(x);
  const std::size_t covered = static_cast<std::size_t>(frames - 1) * 256;
  for (const std::size_t channel : {0, 1}) {
    EXPECT_LE(relative_error<float>(std::span(back).subspan(channel * 48000, covered),
                                    std::span(audio).subspan(channel * 48000, covered)),
              3 * fft_tolerance(1024));
  }
}

TEST(ChooseDevice, ASmallSizeStaysOnTheCpu) {
  EXPECT_EQ(choose_device(0)->properties().type, DeviceType::cpu);
  EXPECT_EQ(choose_device(2048)->properties().type, DeviceType::cpu);
}

}  // namespace
}  // namespace metalaudio::dsp

#include <metalaudio/dsp/batched_stft.h>

#include <complex>
#include <cstdint>

#include "tests/dsp/batched/device.h"
#include "tests/support/test_folder.h"

namespace metalaudio::dsp {
namespace {

std::int64_t extent(std::size_t n) { return static_cast<std::int64_t>(n); }

struct Case {
  StftOptions options{};
  std::size_t channels = 1;
  std::size_t samples = 0;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  // Powers of two are kernels of our own; the others go through cuFFT.
  for (const std::size_t size : {16, 64, 512, 4096, 16384, 100, 101, 480, 2000}) {
    for (const std::size_t hop : {size / 4, size / 2, size, size / 3 + 1}) {
      all.push_back({{.fft_size = size, .hop_samples = hop}, 2, 7 * size + 13});
    }
  }
  for (const StftPadding padding :
       {StftPadding::reflect, StftPadding::constant, StftPadding::replicate}) {
    for (const bool normalized : {false, true}) {
      for (const std::size_t size : {256, 300}) {
        StftOptions options{.fft_size = size, .padding = padding, .normalized = normalized};
        options.window_samples = size - 56;
        all.push_back({options, 3, 1001});
        options.center = false;
        all.push_back({options, 3, 1001});
      }
    }
  }
  // One frame, as few samples as can be reflected, one channel and hundreds.
  all.push_back({{.fft_size = 64, .center = false}, 1, 64});
  all.push_back({{.fft_size = 64}, 1, 33});
  all.push_back({{.fft_size = 128, .hop_samples = 32}, 257, 500});
  all.push_back({{.fft_size = 1024, .hop_samples = 1}, 1, 1500});
  return all;
}

TEST(BatchedStft, EqualsStftChannelByChannel) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(testing::Message() << "fft " << c.options.fft_size << " hop "
                                    << c.options.hop_samples << " channels " << c.channels);
    const Stft reference(c.options);
    BatchedStft stft(c.options, batched_test_options());
    const std::size_t frames = stft.frames(c.samples);
    ASSERT_EQ(frames, reference.frames(c.samples));
    const std::vector<float> x = noise(c.channels * c.samples);
    std::vector<std::complex<float>> expected(c.channels * frames * stft.bins());
    for (std::size_t i = 0; i < c.channels; ++i) {
      reference.forward(
          {x.data() + i * c.samples, c.samples},
          std::span(expected).subspan(i * frames * stft.bins(), frames * stft.bins()));
    }
    Tensor spectra = poisoned({extent(c.channels), extent(frames), extent(stft.bins()), 2});
    stft.forward(tensor_of(x, {extent(c.channels), extent(c.samples)}).view(), spectra.view());
    const auto* const flat = reinterpret_cast<const float*>(expected.data());
    // Both round, each as a transform does.
    EXPECT_LE(relative_error<float>(values_of(spectra), std::span(flat, 2 * expected.size())),
              2 * fft_tolerance(c.options.fft_size));
  }
}

TEST(BatchedStft, InverseEqualsStftChannelByChannel) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(testing::Message() << "fft " << c.options.fft_size << " hop "
                                    << c.options.hop_samples << " channels " << c.channels);
    // Windows that reach zero leave the ends of a signal that is not centred uncovered.
    Case there = c;
    there.options.window.shape = WindowShape::hamming;
    there.options.window_samples = 0;
    const Stft reference(there.options);
    BatchedStft stft(there.options, batched_test_options());
    const std::size_t frames = stft.frames(c.samples);
    // Spectra of no signal, so that nothing cancels; and an output past the last frame.
    const std::vector<float> bins = noise(2 * c.channels * frames * stft.bins());
    const std::size_t samples = c.samples + 5;
    std::vector<float> expected(c.channels * samples);
    const auto* const in = reinterpret_cast<const std::complex<float>*>(bins.data());
    for (std::size_t i = 0; i < c.channels; ++i) {
      reference.inverse(std::span(in + i * frames * stft.bins(), frames * stft.bins()),
                        std::span(expected).subspan(i * samples, samples));
    }
    Tensor x = poisoned({extent(c.channels), extent(samples)});
    stft.inverse(
        tensor_of(bins, {extent(c.channels), extent(frames), extent(stft.bins()), 2}).view(),
        x.view());
    EXPECT_LE(relative_error<float>(values_of(x), expected), 2 * fft_tolerance(c.options.fft_size));
  }
}

TEST(BatchedStft, RefusesWhatStftRefuses) {
  BatchedStft stft({.fft_size = 64}, batched_test_options());
  Tensor x = poisoned({1, 32});
  Tensor spectra = poisoned({1, 1, 33, 2});
  expect_error(ErrorCode::invalid_argument, "too few",
               [&] { stft.forward(x.view(), spectra.view()); });
  Tensor longer = poisoned({1, 100});
  expect_error(ErrorCode::invalid_argument, "expected [1, 7, 33, 2]",
               [&] { stft.forward(longer.view(), spectra.view()); });
  // A Hann window covers its first sample by zero.
  BatchedStft bare({.fft_size = 64, .center = false}, batched_test_options());
  Tensor exact = poisoned({1, 64});
  expect_error(ErrorCode::invalid_argument, "covered by no window",
               [&] { bare.inverse(spectra.view(), exact.view()); });
  // So does a hop past the window, in the middle of a long signal.
  BatchedStft gaps({.fft_size = 64, .hop_samples = 80, .window = {.shape = WindowShape::hamming}},
                   batched_test_options());
  const std::size_t frames = gaps.frames(4000);
  Tensor far = poisoned({1, 4000});
  Tensor some = tensor_of(noise(frames * 33 * 2), {1, extent(frames), 33, 2});
  expect_error(ErrorCode::invalid_argument, "covered by no window",
               [&] { gaps.inverse(some.view(), far.view()); });
}

}  // namespace
}  // namespace metalaudio::dsp

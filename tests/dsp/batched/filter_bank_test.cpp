#include <metalaudio/dsp/batched_filter_bank.h>
#include <metalaudio/dsp/biquad/cpu/reference.h>
#include <metalaudio/dsp/biquad_design.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "tests/dsp/batched/device.h"
#include "tests/support/test_folder.h"

namespace metalaudio::dsp {
namespace {

constexpr double kRate = 48000;

std::int64_t extent(std::size_t n) { return static_cast<std::int64_t>(n); }

/// Of one and many sections, sharp and dull, from 20 Hz to near half the rate.
std::vector<FilterSections> mixed_bands() {
  std::vector<FilterSections> bands;
  bands.push_back({design_biquad({BiquadShape::low_pass, 20.0, kRate, Q(0.7)})});
  bands.push_back({design_biquad({BiquadShape::peaking, 1000.0, kRate, Q(200.0), 12.0})});
  for (FilterSections& band :
       design_band_passes(octave_bands(OctaveFraction::third_octave, 31.5, 8000), kRate)) {
    bands.push_back(std::move(band));
  }
  bands.push_back(design_butterworth(PassBand::high, 64, 100.0, kRate));
  return bands;
}

/// The largest error over the peak, or over full scale where that is more.
double worst_error(std::span<const float> values, std::span<const double> reference) {
  double error = 0;
  double peak = 1;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    error = std::max(error, std::abs(values[i] - reference[i]));
    peak = std::max(peak, std::abs(reference[i]));
  }
  return error / peak;
}

std::vector<float> run(BatchedFilterBank& bank, const std::vector<float>& x, std::size_t frames) {
  Tensor out = poisoned({extent(bank.channels()), extent(bank.bands()), extent(frames)});
  bank.process(tensor_of(x, {extent(bank.channels()), extent(frames)}).view(), out.view());
  return values_of(out);
}

TEST(BatchedFilterBank, EqualsTheDifferenceEquationForEveryChannelAndBand) {
  const std::vector<FilterSections> bands = mixed_bands();
  // Runs of 16, warps of 512 and tiles of 4096 samples, whole and not.
  for (const std::size_t frames : {1, 15, 16, 17, 511, 512, 513, 4096, 4097, 20000}) {
    const std::size_t channels = frames < 1000 ? 5 : 2;
    BatchedFilterBank bank(bands, channels, batched_test_options());
    const std::vector<float> x = noise(channels * frames);
    const std::vector<float> out = run(bank, x, frames);
    for (std::size_t c = 0; c < channels; ++c) {
      for (std::size_t b = 0; b < bands.size(); ++b) {
        const std::vector<double> expected =
            reference_biquads(bands[b], std::span(x).subspan(c * frames, frames));
        // What the CPU's banks promise: the last rounding is that of float32.
        EXPECT_LE(
            worst_error(std::span(out).subspan((c * bands.size() + b) * frames, frames), expected),
            1e-7)
            << frames << " frames, channel " << c << ", band " << b;
      }
    }
    EXPECT_EQ(bank.take_status(), Trouble::none);
  }
}

TEST(BatchedFilterBank, BlocksGoOnWhereTheLastOneEnded) {
  const std::vector<FilterSections> bands = mixed_bands();
  constexpr std::size_t kFrames = 6000;
  const std::vector<float> x = noise(2 * kFrames);
  BatchedFilterBank whole(bands, 2, batched_test_options());
  const std::vector<float> expected = run(whole, x, kFrames);
  BatchedFilterBank bank(bands, 2, batched_test_options());
  std::vector<float> out(expected.size());
  std::size_t at = 0;
  for (const std::size_t frames : {1, 64, 100, 512, 0, 17, 4100, 1206}) {
    std::vector<float> part;
    for (const std::size_t c : {0, 1}) {
      const auto from = x.begin() + static_cast<std::ptrdiff_t>(c * kFrames + at);
      part.insert(part.end(), from, from + static_cast<std::ptrdiff_t>(frames));
    }
    const std::vector<float> some = run(bank, part, frames);
    for (std::size_t row = 0; row < 2 * bands.size(); ++row) {
      std::copy_n(some.begin() + static_cast<std::ptrdiff_t>(row * frames), frames,
                  out.begin() + static_cast<std::ptrdiff_t>(row * kFrames + at));
    }
    at += frames;
  }
  ASSERT_EQ(at, kFrames);
  const std::vector<double> wide(expected.begin(), expected.end());
  EXPECT_LE(worst_error(out, wide), 1.2e-7);  // each within 6e-8, the rounding of float32
  // And silence behind after a reset.
  bank.reset();
  EXPECT_EQ(run(bank, {x.begin(), x.begin() + 600}, 300),
            run(*std::make_unique<BatchedFilterBank>(bands, 2, batched_test_options()),
                {x.begin(), x.begin() + 600}, 300));
}

TEST(BatchedFilterBank, HundredsOfChannelsThroughACascade) {
  const std::vector<FilterSections> bands{design_butterworth(PassBand::low, 8, 500.0, kRate)};
  BatchedFilterBank bank(bands, 300, batched_test_options());
  const std::vector<float> x = noise(300 * 700);
  const std::vector<float> out = run(bank, x, 700);
  for (const std::size_t c : {0, 1, 150, 299}) {
    EXPECT_LE(worst_error(std::span(out).subspan(c * 700, 700),
                          reference_biquads(bands[0], std::span(x).subspan(c * 700, 700))),
              1e-7);
  }
}

TEST(BatchedFilterBank, TakesWhatIsNotFiniteForSilenceAndSaysSo) {
  const std::vector<FilterSections> bands{
      {design_biquad({BiquadShape::low_pass, 500.0, kRate, Q(0.7)})}};
  std::vector<float> x = noise(1000);
  std::vector<float> clean = x;
  x[10] = std::numeric_limits<float>::quiet_NaN();
  x[700] = std::numeric_limits<float>::infinity();
  x[999] = -2e30F;
  clean[10] = clean[700] = clean[999] = 0;
  BatchedFilterBank bank(bands, 1, batched_test_options());
  BatchedFilterBank other(bands, 1, batched_test_options());
  EXPECT_EQ(run(bank, x, 1000), run(other, clean, 1000));
  EXPECT_EQ(bank.take_status(), Trouble::input_replaced);
  EXPECT_EQ(bank.take_status(), Trouble::none);
  EXPECT_EQ(other.take_status(), Trouble::none);
}

TEST(BatchedFilterBank, RefusesBandsChannelsAndShapes) {
  const std::vector<FilterSections> none;
  const std::vector<FilterSections> one(1, FilterSections(1));
  const std::vector<FilterSections> wild{{{.b0 = 1, .a2 = 1.5}}};
  expect_error(ErrorCode::invalid_argument, "0 bands",
               [&] { BatchedFilterBank(none, 1, batched_test_options()); });
  expect_error(ErrorCode::invalid_argument, "0 channels",
               [&] { BatchedFilterBank(one, 0, batched_test_options()); });
  expect_error(ErrorCode::invalid_argument, "BatchedFilterBank",
               [&] { BatchedFilterBank(wild, 1, batched_test_options()); });
  BatchedFilterBank bank(one, 2, batched_test_options());
  Tensor in = poisoned({2, 10});
  Tensor out = poisoned({2, 10});
  expect_error(ErrorCode::invalid_argument, "expected [2, 1, 10]",
               [&] { bank.process(in.view(), out.view()); });
  expect_error(ErrorCode::invalid_argument, "expected [2, 0]",
               [&] { bank.process(poisoned({20}).view(), out.view()); });
}

}  // namespace
}  // namespace metalaudio::dsp

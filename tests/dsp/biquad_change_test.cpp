#include <metalaudio/core/error.h>
#include <metalaudio/dsp/biquad/cpu/reference.h>
#include <metalaudio/dsp/biquad_design.h>
#include <metalaudio/dsp/biquad_filter.h>

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <numbers>
#include <thread>
#include <type_traits>
#include <vector>

#include "realtime_guard.h"
#include "signals.h"

namespace metalaudio::dsp {
namespace {

using Sections = std::vector<BiquadCoefficients>;
constexpr double kRate = 48000.0;

BiquadCoefficients section(BiquadShape shape, double frequency_hz, double q = 0.7,
                           double gain_db = 0.0) {
  return design_biquad({shape, frequency_hz, kRate, Q(q), gain_db});
}

Sections eight(double scale) {
  Sections sections;
  for (int i = 0; i < 8; ++i) {
    sections.push_back(section(BiquadShape::peaking, scale * 40.0 * std::pow(2.0, i), 2.0, 6.0));
  }
  return sections;
}

/// A 100 Hz tone on a constant, on every channel; the change comes at frame 24000. Returns the last
/// channel.
std::vector<float> run_through_change(const Sections& before, const Sections& after,
                                      const BiquadOptions& options, std::size_t block) {
  BiquadCascade cascade(before, options);
  const std::size_t channels = options.channels;
  std::vector<float> x(96000 * channels);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto frame = static_cast<double>(i / channels);
    x[i] = static_cast<float>(0.3 + 0.5 * std::sin(2.0 * std::numbers::pi * 100.0 * frame / kRate));
  }
  for (std::size_t first = 0; first < 96000; first += block) {
    if (first == 24000) {
      EXPECT_TRUE(cascade.set_coefficients(after));
    }
    const auto part = std::span(x).subspan(first * channels, block * channels);
    cascade.process(part, part);
  }
  std::vector<float> last;
  for (std::size_t i = channels - 1; i < x.size(); i += channels) last.push_back(x[i]);
  return last;
}

/// The largest sample above 6 kHz from just before the change on: what the ear hears as a click.
double click_db(const std::vector<float>& y) {
  const auto high = reference_biquads(design_butterworth(PassBand::high, 8, 6000.0, kRate), y);
  double largest = 1e-12;
  for (std::size_t i = 20000; i < y.size(); ++i) largest = std::max(largest, std::abs(high[i]));
  return 20.0 * std::log10(largest);
}

struct Change {
  const char* name;
  BiquadCoefficients before, after;
};

std::vector<Change> changes() {
  using enum BiquadShape;
  return {
      {"low pass 300 -> 6000 Hz", section(low_pass, 300), section(low_pass, 6000)},
      {"low pass 40 -> 41 Hz", section(low_pass, 40), section(low_pass, 41)},
      {"high pass 20 -> 200 Hz", section(high_pass, 20), section(high_pass, 200)},
      {"peak -12 -> 12 dB", section(peaking, 1000, 1, -12), section(peaking, 1000, 1, 12)},
      {"peak 0 -> 12 dB", section(peaking, 200, 2, 0), section(peaking, 200, 2, 12)},
      {"shelf 0 -> 9 dB", section(low_shelf, 150, 0.7, 0), section(low_shelf, 150, 0.7, 9)},
      {"notch 90 -> 5000 Hz", section(notch, 90, 4), section(notch, 5000, 4)},
  };
}

TEST(BiquadChange, GlidesWithoutAClick) {
  for (const std::size_t channels : {1U, 16U}) {
    for (const Change& change : changes()) {
      const auto y =
          run_through_change({change.before}, {change.after}, {.channels = channels}, 480);
      // Steps of 1/256 every 4 samples leave sidebands below this, as quiet as the noise of 11
      // bits.
      EXPECT_LT(click_db(y), -70.0) << change.name << ", " << channels << " channels";
      for (const float v : y) ASSERT_LT(std::abs(v), 4.0F) << change.name;
    }
  }
}

TEST(BiquadChange, AJumpClicksSoTheMeasureIsOne) {
  const auto y =
      run_through_change({section(BiquadShape::peaking, 1000, 1, -12)},
                         {section(BiquadShape::high_shelf, 1000, 1, 12)}, {.ramp_samples = 0}, 480);
  EXPECT_GT(click_db(y), -40.0);
}

TEST(BiquadChange, EndsAtTheNewFilterWhateverTheBlockSize) {
  for (const std::size_t channels : {1U, 16U}) {
    const Sections before = {section(BiquadShape::low_pass, 300)};
    const Sections after = {section(BiquadShape::low_pass, 6000)};
    const auto expected = run_through_change(before, after, {.channels = channels}, 480);
    for (const std::size_t block : {1U, 25U, 800U, 6000U}) {
      EXPECT_EQ(run_through_change(before, after, {.channels = channels}, block), expected)
          << block;
    }
    const auto settled = run_through_change(after, after, {.channels = channels}, 480);
    for (std::size_t i = 90000; i < 96000; ++i) ASSERT_NEAR(expected[i], settled[i], 2e-6F);
  }
}

TEST(BiquadChange, RefusesUnstableCoefficientsAndGoesOn) {
  BiquadFilter filter(section(BiquadShape::low_pass, 1000));
  BiquadFilter untouched(section(BiquadShape::low_pass, 1000));
  const BiquadCoefficients unstable{1, 0, 0, -2.1, 1.2};
  const BiquadCoefficients nan{std::nan(""), 0, 0, 0, 0};
  EXPECT_EQ(filter.status(), Trouble::none);
  EXPECT_FALSE(filter.set_coefficients(unstable));
  EXPECT_EQ(filter.status(), Trouble::parameters_refused);
  EXPECT_EQ(filter.take_status(), Trouble::parameters_refused);
  EXPECT_EQ(filter.status(), Trouble::none);
  EXPECT_FALSE(filter.set_coefficients(nan));
  EXPECT_THROW(filter.request_coefficients(unstable), Error);
  EXPECT_THROW(filter.request_coefficients(nan), Error);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(filter.process(0.5F), untouched.process(0.5F));

  BiquadCascade cascade(eight(1.0));
  EXPECT_FALSE(cascade.set_coefficients(Sections(7)));
  EXPECT_EQ(cascade.status(), Trouble::parameters_refused);
  EXPECT_THROW(cascade.request_coefficients(Sections(9)), Error);
}

TEST(BiquadChange, SaysWhereThePoleIs) {
  try {
    BiquadFilter filter(BiquadCoefficients{1, 0, 0, 0, 1.21});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(
        error.what(),
        "[BiquadCascade] section 0 is unstable: a1 = 0, a2 = 1.21 put a pole at radius 1.1, "
        "expected < 1");
  }
}

TEST(BiquadChange, ResetGivesTheSameBitsAgain) {
  for (const std::size_t channels : {1U, 16U}) {
    BiquadCascade cascade(eight(1.0), {.channels = channels});
    const auto x = noise(channels * 1000, 3);
    std::vector<float> first(x.size());
    std::vector<float> second(x.size());
    cascade.process(x, first);
    cascade.reset();
    cascade.process(x, second);
    EXPECT_EQ(first, second);
    // Half way through a glide, reset() is at its end.
    cascade.set_coefficients(eight(1.5));
    cascade.process(x, second);
    cascade.reset();
    cascade.process(x, second);
    BiquadCascade fresh(eight(1.5), {.channels = channels});
    fresh.process(x, first);
    EXPECT_EQ(first, second);
  }
}

TEST(BiquadFaults, BadSamplesBecomeSilenceAndAreReported) {
  for (const std::size_t channels : {1U, 2U, 16U}) {
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(),
                            -std::numeric_limits<float>::infinity(), 2e30F}) {
      BiquadCascade cascade(eight(1.0), {.channels = channels});
      BiquadCascade clean(eight(1.0), {.channels = channels});
      auto x = noise(channels * 500, 3);
      x[123 * channels] = 0.0F;
      std::vector<float> expected(x.size());
      clean.process(x, expected);
      x[123 * channels] = bad;
      std::vector<float> y(x.size());
      cascade.process(x, y);
      EXPECT_EQ(y, expected);
      EXPECT_EQ(cascade.take_status(), Trouble::input_replaced);
      cascade.process(expected, y);
      EXPECT_EQ(cascade.status(), Trouble::none);
    }
  }
}

TEST(BiquadFaults, StatesThatOverflowAreCleared) {
  // Sections of such gain that float, and then double, run out.
  const Sections loud(8, BiquadCoefficients{1e60, 0, 0, -0.5, 0});
  for (const std::size_t channels : {1U, 16U}) {
    BiquadCascade cascade(loud, {.channels = channels});
    std::vector<float> x(channels * 2048, 1.0F);
    cascade.process(x, x);
    EXPECT_EQ(cascade.status(), Trouble::state_cleared) << channels;
    cascade.set_coefficients(Sections(8));
    std::vector<float> quiet(channels * 4096, 0.25F);
    cascade.process(quiet, quiet);
    cascade.process(quiet, quiet);
    for (const float v : quiet) ASSERT_TRUE(std::isfinite(v));
  }
}

TEST(BiquadFaults, AfterSilenceTheStatesAreZeroNotDenormal) {
  for (const std::size_t channels : {1U, 16U}) {
    BiquadCascade cascade(eight(1.0), {.channels = channels});
    auto x = noise(channels * 512, 5);
    cascade.process(x, x);
    std::vector<float> y(channels * 512);
    for (int block = 0; block < 600; ++block) {
      std::fill(y.begin(), y.end(), 0.0F);
      cascade.process(y, y);
      for (const float v : y) ASSERT_NE(std::fpclassify(v), FP_SUBNORMAL);
    }
    for (const float v : y) ASSERT_EQ(v, 0.0F);
    // From zero states on, the output is that of a new cascade, to the last bit.
    BiquadCascade fresh(eight(1.0), {.channels = channels});
    const auto again = noise(channels * 512, 6);
    std::vector<float> expected(again.size());
    cascade.process(again, y);
    fresh.process(again, expected);
    EXPECT_EQ(y, expected);
  }
}

TEST(BiquadRealtime, TenThousandBlocksWithChangesStayRealTime) {
  for (const std::size_t channels : {1U, 16U}) {
    BiquadCascade cascade(eight(1.0), {.channels = channels});
    const Sections a = eight(1.0);
    const Sections b = eight(1.7);
    auto x = noise(channels * 64, 3);
    std::vector<float> y(x.size());
    cascade.request_coefficients(b);
    testing::RealtimeGuard guard;
    for (int block = 0; block < 10000; ++block) {
      if (block % 10 == 0) cascade.set_coefficients(block % 20 == 0 ? a : b);
      cascade.process(x, y);
      if (block % 1000 == 999) cascade.reset();
    }
  }
}

TEST(BiquadThreads, AnotherThreadChangesCoefficientsWhileAudioRuns) {
  const Sections a = eight(1.0);
  const Sections b = eight(1.7);
  BiquadCascade cascade(a, {.ramp_samples = 64});
  std::atomic<bool> done{false};
  std::thread control([&] {
    for (int i = 0; i < 2000; ++i) cascade.request_coefficients(i % 2 == 0 ? b : a);
    cascade.request_coefficients(b);
    done = true;
  });
  const auto x = noise(256, 3);
  std::vector<float> y(x.size());
  while (!done) {
    cascade.process(x, y);
    for (const float v : y) ASSERT_LT(std::abs(v), 100.0F);
  }
  control.join();
  EXPECT_EQ(cascade.status(), Trouble::none);
  // The last request is the one that holds.
  cascade.reset();
  cascade.process(x, y);
  BiquadCascade expected(b);
  std::vector<float> other(x.size());
  expected.process(x, other);
  EXPECT_EQ(y, other);
}

// A filter's states belong to one stream: copying it, or taking a sample rate for it, must not
// compile.
static_assert(!std::is_copy_constructible_v<BiquadFilter>);
static_assert(!std::is_copy_constructible_v<BiquadCascade>);
static_assert(!std::is_constructible_v<BiquadFilter, double>);
static_assert(!std::is_convertible_v<BiquadDesign, BiquadFilter>);

}  // namespace
}  // namespace metalaudio::dsp

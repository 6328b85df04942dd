#include <metalaudio/core/error.h>
#include <metalaudio/dsp/biquad/cpu/reference.h>
#include <metalaudio/dsp/biquad_design.h>
#include <metalaudio/dsp/state_variable_filter.h>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "realtime_guard.h"
#include "signals.h"

namespace metalaudio::dsp {
namespace {

constexpr double kRate = 48000.0;

std::vector<float> run(StateVariableFilter& filter, std::vector<float> x, std::size_t block) {
  for (std::size_t i = 0; i < x.size(); i += block) {
    const auto part = std::span(x).subspan(i, std::min(block, x.size() - i));
    filter.process(part, part);
  }
  return x;
}

/// With the parameters still, it is the cookbook's biquad.
TEST(StateVariableFilter, EqualsTheBiquadOfItsShape) {
  using S = StateVariableShape;
  using B = BiquadShape;
  const std::vector<std::pair<S, B>> shapes = {
      {S::low_pass, B::low_pass},   {S::high_pass, B::high_pass},  {S::band_pass, B::band_pass},
      {S::notch, B::notch},         {S::all_pass, B::all_pass},    {S::bell, B::peaking},
      {S::low_shelf, B::low_shelf}, {S::high_shelf, B::high_shelf}};
  const auto x = noise(4000, 1);
  for (const auto& [shape, biquad] : shapes) {
    for (const double f : {40.0, 1000.0, 15000.0}) {
      for (const double gain : {-9.0, 9.0}) {
        StateVariableFilter filter(kRate, {shape, f, 1.7, gain});
        const auto y = run(filter, x, 512);
        const auto s = design_biquad({biquad, f, kRate, Q(1.7), gain});
        // Two float roundings of numbers up to 10.
        const auto expected = reference_biquads({&s, 1}, x);
        for (std::size_t i = 0; i < x.size(); ++i) {
          ASSERT_NEAR(y[i], expected[i], 2e-6) << static_cast<int>(shape) << " " << f << " " << i;
        }
      }
    }
  }
}

TEST(StateVariableFilter, PeakIsLowMinusHigh) {
  const auto x = noise(1000, 2);
  StateVariableFilter low(kRate, {StateVariableShape::low_pass, 700.0, 3.0});
  StateVariableFilter high(kRate, {StateVariableShape::high_pass, 700.0, 3.0});
  StateVariableFilter peak(kRate, {StateVariableShape::peak, 700.0, 3.0});
  const auto l = run(low, x, 1000);
  const auto h = run(high, x, 1000);
  const auto p = run(peak, x, 1000);
  for (std::size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(p[i], l[i] - h[i], 3e-6);
}

TEST(StateVariableFilter, BlocksOfAnySizeAndSingleSamplesGiveTheSameBits) {
  const auto x = noise(5000, 3);
  StateVariableFilter whole(kRate, {});
  const auto expected = run(whole, x, 5000);
  whole.reset();
  EXPECT_EQ(run(whole, x, 5000), expected);
  for (const std::size_t block : {1U, 7U, 64U, 480U, 512U, 4096U}) {
    StateVariableFilter filter(kRate, {});
    EXPECT_EQ(run(filter, x, block), expected) << block;
  }
  StateVariableFilter single(kRate, {});
  for (std::size_t i = 0; i < x.size(); ++i) ASSERT_EQ(single.process(x[i]), expected[i]);
}

/// A sweep over the whole band a hundred times a second stays bounded, and a tone far below the
/// filter passes unharmed.
TEST(StateVariableFilter, TakesAFrequencyForEverySample) {
  std::vector<float> x(48000);
  std::vector<float> hz(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double t = static_cast<double>(i) / kRate;
    x[i] = static_cast<float>(std::sin(2.0 * std::numbers::pi * 20.0 * t));
    hz[i] =
        static_cast<float>(5000.0 * std::pow(4.0, std::sin(2.0 * std::numbers::pi * 100.0 * t)));
  }
  StateVariableFilter filter(kRate, {StateVariableShape::low_pass, 5000.0, 0.7});
  std::vector<float> y(x.size());
  {
    testing::RealtimeGuard guard;
    filter.process(x, hz, y);
  }
  // 20 Hz is 1250 to 20000 Hz away: a lag of up to 1.4·20/1250 radians, and nothing else.
  for (std::size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(y[i], x[i], 0.025) << i;
  const auto wild = noise(48000, 4);
  for (std::size_t i = 0; i < hz.size(); ++i) hz[i] = i % 2 == 0 ? -5.0F : 1e9F;
  filter.process(wild, hz, y);
  for (const float v : y) ASSERT_LT(std::abs(v), 500.0F);
  EXPECT_EQ(filter.status(), Trouble::none);
}

TEST(StateVariableFilter, RefusesAndRecovers) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(StateVariableFilter(0.0), Error);
  EXPECT_THROW(StateVariableFilter(std::numeric_limits<double>::infinity()), Error);
  EXPECT_THROW(StateVariableFilter{nan}, Error);
  for (const double bad : {0.0, -3.0, 24000.0, nan}) {
    EXPECT_THROW(StateVariableFilter(kRate, {.frequency_hz = bad}), Error) << bad;
  }
  EXPECT_THROW(StateVariableFilter(kRate, {.q = 0.0}), Error);
  EXPECT_THROW(StateVariableFilter(kRate, {.q = 1e-310}), Error);
  EXPECT_THROW(StateVariableFilter(kRate, {.gain_db = nan}), Error);

  StateVariableFilter filter(kRate);
  EXPECT_FALSE(filter.set({.q = nan}));
  EXPECT_EQ(filter.take_status(), Trouble::parameters_refused);
  filter.process(std::numeric_limits<float>::quiet_NaN());
  EXPECT_EQ(filter.take_status(), Trouble::input_replaced);
  EXPECT_TRUE(std::isfinite(filter.process(1.0F)));
  const float nan_hz = std::numeric_limits<float>::quiet_NaN();
  float sample = 1.0F;
  filter.process({&sample, 1}, {&nan_hz, 1}, {&sample, 1});
  EXPECT_EQ(filter.take_status(), Trouble::parameters_refused);
  EXPECT_TRUE(std::isfinite(sample));
  // Silence, and the states come to rest at zero, not at denormals.
  for (int i = 0; i < 48000; ++i) sample = filter.process(0.0F);
  EXPECT_EQ(sample, 0.0F);
}

}  // namespace
}  // namespace metalaudio::dsp

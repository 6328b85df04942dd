#include "training/amp/guitar.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

namespace metalaudio::training {
namespace {

constexpr double kRateHz = 48000.0;

double magnitude(const std::vector<float>& x, double hz) {
  std::complex<double> sum = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double t = static_cast<double>(i) / static_cast<double>(x.size());
    const double window = 0.5 - 0.5 * std::cos(2.0 * std::numbers::pi * t);
    sum += window * static_cast<double>(x[i]) *
           std::polar(1.0, -2.0 * std::numbers::pi * hz * static_cast<double>(i) / kRateHz);
  }
  return std::abs(sum);
}

TEST(Guitar, StringsAreInTune) {
  for (const double note : {40.0, 47.3, 52.0, 64.0, 76.0}) {
    const std::vector<Pluck> pluck{{.note = note, .length_seconds = 1.0}};
    const std::vector<float> x = play_guitar(pluck, 1.0, kRateHz, 5);
    const double hz = 440.0 * std::exp2((note - 69.0) / 12.0);
    double best_cents = 0.0, best = 0.0;
    for (double cents = -40.0; cents <= 40.0; cents += 1.0) {
      const double level = magnitude(x, hz * std::exp2(cents / 1200.0));
      if (level > best) best = level, best_cents = cents;
    }
    // What a good player's ear lets pass.
    EXPECT_LE(std::abs(best_cents), 4.0) << note;
  }
}

TEST(Guitar, TheSameSeedPlaysTheSameAndAnotherAnother) {
  const auto a = play_guitar(random_playing(2.0, 1), 2.0, kRateHz, 2);
  EXPECT_EQ(a, play_guitar(random_playing(2.0, 1), 2.0, kRateHz, 2));
  EXPECT_NE(a, play_guitar(random_playing(2.0, 3), 2.0, kRateHz, 2));
  EXPECT_FLOAT_EQ(std::abs(*std::ranges::max_element(a, {}, [](float v) { return std::abs(v); })),
                  1.0F);
}

TEST(Guitar, ANoteEndsWhenItIsDamped) {
  const std::vector<Pluck> pluck{{.note = 45.0, .length_seconds = 0.5}};
  const std::vector<float> x = play_guitar(pluck, 1.0, kRateHz, 5);
  for (std::size_t i = 33000; i < x.size(); ++i) EXPECT_LT(std::abs(x[i]), 2e-3F) << i;
}

TEST(Cabinet, PassesALoudspeakersBand) {
  const std::vector<float> x = cabinet_response(kRateHz);
  const auto level_db = [&](double hz) {
    std::complex<double> sum = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i)
      sum += static_cast<double>(x[i]) *
             std::polar(1.0, -2.0 * std::numbers::pi * hz * static_cast<double>(i) / kRateHz);
    return 20.0 * std::log10(std::abs(sum));
  };
  EXPECT_LT(level_db(20.0), -15.0);
  EXPECT_LT(level_db(10000.0), -25.0);
  for (double hz = 50.0; hz < 10000.0; hz *= 1.1) EXPECT_LT(level_db(hz), 2.0) << hz;
  EXPECT_GT(level_db(2700.0), -6.0);
}

}  // namespace
}  // namespace metalaudio::training

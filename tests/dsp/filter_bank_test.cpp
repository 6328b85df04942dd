#include <metalaudio/core/error.h>
#include <metalaudio/dsp/cpu/biquad_reference.h>
#include <metalaudio/dsp/filter_bank.h>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "realtime_guard.h"
#include "signals.h"
#include "tests/support/simd_targets.h"

namespace metalaudio::dsp {
namespace {

constexpr double kRate = 48000.0;

std::vector<std::vector<float>> run(FilterBank& bank, const std::vector<float>& x,
                                    std::size_t block) {
  std::vector<std::vector<float>> y(bank.bands(), std::vector<float>(x.size()));
  std::vector<float*> out(bank.bands());
  for (std::size_t i = 0; i < x.size(); i += block) {
    for (std::size_t b = 0; b < out.size(); ++b) out[b] = y[b].data() + i;
    bank.process(std::span(x).subspan(i, std::min(block, x.size() - i)), out);
  }
  return y;
}

TEST(FilterBands, OctavesAreThoseOfTheStandard) {
  const auto octaves = octave_bands(OctaveFraction::octave, 31.5, 16000.0);
  ASSERT_EQ(octaves.size(), 10U);
  EXPECT_NEAR(octaves[0].center_hz, 31.623, 0.001);
  EXPECT_NEAR(octaves[5].center_hz, 1000.0, 1e-9);
  EXPECT_NEAR(octaves[5].low_hz, 707.946, 0.001);
  EXPECT_NEAR(octaves[5].high_hz, 1412.538, 0.001);
  const auto thirds = octave_bands(OctaveFraction::third_octave, 25.0, 20000.0);
  ASSERT_EQ(thirds.size(), 30U);
  EXPECT_NEAR(thirds.front().center_hz, 25.119, 0.001);
  EXPECT_NEAR(thirds.back().center_hz, 19952.6, 0.1);
  EXPECT_NEAR(thirds[16].low_hz, 891.251, 0.001);
  for (std::size_t i = 1; i < thirds.size(); ++i) {
    EXPECT_NEAR(thirds[i].low_hz, thirds[i - 1].high_hz, 1e-6);
  }
  EXPECT_THROW(octave_bands(OctaveFraction::octave, 0.0, 100.0), Error);
  EXPECT_THROW(octave_bands(OctaveFraction::octave, 200.0, 100.0), Error);
}

/// IEC 61260-1, class 1: the attenuation in the middle, at the edges, and at least so much where an
/// octave band is one and two octaves off; narrower bands have these points nearer, by the
/// standard's formula (10).
TEST(FilterBank, BandsKeepTheLimitsOfClass1) {
  for (const auto fraction : {OctaveFraction::octave, OctaveFraction::third_octave}) {
    const auto bands = octave_bands(fraction, 25.0, 4000.0);
    const FilterBank bank(design_band_passes(bands, kRate));
    const auto db = [&](std::size_t band, double hz) {
      return 20.0 * std::log10(std::abs(bank.band_response(band, hz, kRate)));
    };
    const double g = std::pow(10.0, 0.3);
    const double half_band = std::pow(g, 0.5 / static_cast<double>(fraction));
    const auto ratio = [&](double octave_ratio) {
      return 1.0 + (half_band - 1.0) / (std::sqrt(g) - 1.0) * (octave_ratio - 1.0);
    };
    for (std::size_t i = 0; i < bands.size(); ++i) {
      const double center = bands[i].center_hz;
      EXPECT_NEAR(db(i, center), 0.0, 0.4);
      EXPECT_NEAR(db(i, bands[i].low_hz), -3.01, 0.01);
      EXPECT_NEAR(db(i, bands[i].high_hz), -3.01, 0.01);
      EXPECT_LT(db(i, center * ratio(g)), -16.6);
      EXPECT_LT(db(i, center / ratio(g)), -16.6);
      EXPECT_LT(db(i, center * ratio(g * g)), -40.5);
      EXPECT_LT(db(i, center / ratio(g * g)), -40.5);
    }
  }
}

TEST(FilterBank, EqualsTheReferenceOnEveryInstructionSet) {
  for_each_target([](const char* target) {
    const auto bands = octave_bands(OctaveFraction::third_octave, 25.0, 20000.0);
    const auto filters = design_band_passes(bands, kRate);
    FilterBank bank(filters);
    const auto x = noise(3000, 1);
    const auto y = run(bank, x, 512);
    for (std::size_t b = 0; b < y.size(); ++b) {
      const auto expected = reference_biquads(filters[b], x);
      for (std::size_t i = 0; i < x.size(); ++i) {
        // One rounding to float of numbers up to 5.
        ASSERT_NEAR(y[b][i], expected[i], 3e-7) << target << " band " << b << " at " << i;
      }
    }
    for (const std::size_t block : {1U, 7U, 64U, 480U}) {
      FilterBank again(filters);
      EXPECT_EQ(run(again, x, block), y) << target << " " << block;
    }
    bank.reset();
    EXPECT_EQ(run(bank, x, 4096), y) << target;
  });
}

TEST(FilterBank, CrossoverBandsSumToAnAllPass) {
  for (const std::size_t order : {2U, 4U, 8U}) {
    const std::vector<double> splits = {120.0, 900.0, 5000.0};
    FilterBank bank(design_crossover(splits, order, kRate));
    ASSERT_EQ(bank.bands(), 4U);
    for (const double hz : {30.0, 120.0, 500.0, 900.0, 2000.0, 5000.0, 15000.0}) {
      EXPECT_NEAR(std::abs(bank.sum_response(hz, kRate)), 1.0, 1e-8) << order << " " << hz;
    }
    EXPECT_NEAR(std::abs(bank.band_response(0, 120.0, kRate)), 0.5, 0.01);
    // And the audio says the same: the sum's energy is the impulse's.
    std::vector<float> x(48000);
    x[0] = 1.0F;
    const auto y = run(bank, x, 512);
    double energy = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      double sum = 0.0;
      for (const auto& band : y) sum += double(band[i]);
      energy += sum * sum;
    }
    EXPECT_NEAR(energy, 1.0, 1e-5) << order;
  }
}

TEST(FilterBank, RefusesAndRecovers) {
  EXPECT_THROW(FilterBank(std::vector<FilterSections>{}), Error);
  EXPECT_THROW(FilterBank(std::vector<FilterSections>{{}}), Error);
  EXPECT_THROW(FilterBank(std::vector<FilterSections>{{{1, 0, 0, 0, 1.5}}}), Error);
  EXPECT_THROW(design_band_passes(octave_bands(OctaveFraction::octave, 16000.0, 32000.0), kRate),
               Error);
  EXPECT_THROW(design_crossover({}, 4, kRate), Error);
  EXPECT_THROW(design_crossover(std::vector<double>{900.0, 100.0}, 4, kRate), Error);
  EXPECT_THROW(design_crossover(std::vector<double>{900.0}, 3, kRate), Error);

  FilterBank bank(design_crossover(std::vector<double>{900.0}, 4, kRate));
  std::vector<float> x(64, std::numeric_limits<float>::infinity());
  run(bank, x, 64);
  EXPECT_EQ(bank.take_status(), Trouble::input_replaced);
  const auto y = run(bank, noise(640, 2), 64);
  EXPECT_EQ(bank.status(), Trouble::none);
  for (const float v : y[0]) ASSERT_TRUE(std::isfinite(v));
}

TEST(FilterBank, TenThousandBlocksStayRealTime) {
  FilterBank bank(design_band_passes(octave_bands(OctaveFraction::octave, 31.5, 16000.0), kRate));
  const auto x = noise(64, 3);
  std::vector<float> y(64 * bank.bands());
  std::vector<float*> out;
  for (std::size_t b = 0; b < bank.bands(); ++b) out.push_back(y.data() + 64 * b);
  testing::RealtimeGuard guard;
  for (int block = 0; block < 10000; ++block) bank.process(x, out);
}

// Bands are filters, not frequencies: those have to be designed first.
static_assert(!std::is_constructible_v<FilterBank, std::vector<FilterBand>>);

}  // namespace
}  // namespace metalaudio::dsp

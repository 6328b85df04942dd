#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/error.h>
#include <metalaudio/dsp/biquad/cpu/reference.h>
#include <metalaudio/dsp/filter_bank.h>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>
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
    const std::size_t frames = std::min(block, x.size() - i);
    bank.process(std::span(x).subspan(i, frames), {out, frames});
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

TEST(FilterBands, ABoundMayBeABandsName) {
  const auto names = [](OctaveFraction fraction, double low, double high) {
    std::vector<int> centers;
    for (const auto& band : octave_bands(fraction, low, high)) {
      centers.push_back(static_cast<int>(std::lround(band.center_hz)));
    }
    return centers;
  };
  using Names = std::vector<int>;
  EXPECT_EQ(names(OctaveFraction::octave, 125.0, 500.0), Names({126, 251, 501}));
  EXPECT_EQ(names(OctaveFraction::octave, 16.0, 31.5), Names({16, 32}));
  EXPECT_EQ(names(OctaveFraction::third_octave, 160.0, 250.0), Names({158, 200, 251}));
  const auto audible = names(OctaveFraction::third_octave, 20.0, 20000.0);
  ASSERT_EQ(audible.size(), 31U);
  EXPECT_EQ(audible.front(), 20);
  EXPECT_EQ(audible.back(), 19953);
  // All names of the standard, alone.
  for (double ten = 1.0; ten < 1e5; ten *= 10.0) {
    for (const double name : {1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0}) {
      EXPECT_EQ(octave_bands(OctaveFraction::third_octave, ten * name, ten * name).size(), 1U)
          << ten * name;
    }
  }
}

struct Limit {
  double power, least_db, most_db;
};

/// Class 1 of IEC 61260:1995 and ANSI S1.11-2004, which IEC 61260-1:2014 relaxes to 0.4 dB in the
/// middle and 16.6, 40.5 and 60 dB outside: attenuation at 10^(0.3 power) of the middle and its
/// inverse. Within the edges, and outside of them.
constexpr Limit kInside[] = {
    {0.0, -0.3, 0.3}, {0.125, -0.3, 0.4}, {0.25, -0.3, 0.6}, {0.375, -0.3, 1.3}, {0.5, -0.3, 5.0}};
constexpr Limit kOutside[] = {
    {0.5, 2.0, 1e9}, {1.0, 17.5, 1e9}, {2.0, 42.0, 1e9}, {3.0, 61.0, 1e9}, {4.0, 70.0, 1e9}};

/// How far a band is beyond the limits on its way from the middle, on both sides; 0: it keeps them.
template <typename Attenuation>
double excess_db(const FilterBand& band, OctaveFraction fraction, std::span<const Limit> limits,
                 double rate, const Attenuation& attenuation_db) {
  const double g = std::pow(10.0, 0.3);
  const double half_band = std::pow(g, 0.5 / static_cast<double>(fraction));
  // The standard's formula (10): narrower bands have an octave's points nearer.
  const auto ratio = [&](double power) {
    return 1.0 + (half_band - 1.0) / (std::sqrt(g) - 1.0) * (std::pow(g, power) - 1.0);
  };
  double worst = 0.0;
  for (std::size_t i = 1; i < limits.size(); ++i) {
    for (int step = 0; step <= 50; ++step) {
      const double part = step / 50.0;
      const double off = ratio(limits[i - 1].power) *
                         std::pow(ratio(limits[i].power) / ratio(limits[i - 1].power), part);
      const double least =
          limits[i - 1].least_db + part * (limits[i].least_db - limits[i - 1].least_db);
      const double most =
          limits[i - 1].most_db + part * (limits[i].most_db - limits[i - 1].most_db);
      for (const double hz : {band.center_hz * off, band.center_hz / off}) {
        if (hz >= rate / 2.0) continue;
        const double db = attenuation_db(hz);
        worst = std::max({worst, least - db, db - most});
      }
    }
  }
  return worst;
}

TEST(FilterBank, BandsKeepTheLimitsOfClass1UpToHalfTheSampleRate) {
  std::size_t tested = 0;
  for (const auto fraction : {OctaveFraction::octave, OctaveFraction::third_octave}) {
    std::vector<double> rates = {8000.0,  11025.0, 16000.0, 22050.0,  32000.0, 44100.0,
                                 48000.0, 88200.0, 96000.0, 176400.0, 192000.0};
    // And bands that end just below half the rate.
    for (const auto& band : octave_bands(fraction, 1000.0, 32000.0)) {
      for (const double room : {1.0001, 1.01, 1.1}) rates.push_back(2.0 * room * band.high_hz);
    }
    for (const double rate : rates) {
      auto bands = octave_bands(fraction, 16.0, rate / 2.0);
      std::erase_if(bands, [&](const FilterBand& band) { return band.high_hz >= rate / 2.0; });
      const auto filters = design_band_passes(bands, rate);
      for (std::size_t i = 0; i < bands.size(); ++i) {
        const auto db = [&](double hz) { return -response_db(filters[i], hz, rate); };
        EXPECT_LE(excess_db(bands[i], fraction, kInside, rate, db), 0.0)
            << bands[i].center_hz << " of " << rate << ", order " << filters[i].size();
        EXPECT_LE(excess_db(bands[i], fraction, kOutside, rate, db), 0.0)
            << bands[i].center_hz << " of " << rate << ", order " << filters[i].size();
        EXPECT_LE(filters[i].size(), 6U) << bands[i].center_hz << " of " << rate;
        ++tested;
      }
    }
  }
  EXPECT_GT(tested, 1000U);
}

/// The audio says the same: from the impulse responses of the topmost bands.
TEST(FilterBank, TheSoundOfTheTopBandsKeepsTheLimitsToo) {
  for (const double rate : {44100.0, 48000.0, 96000.0}) {
    for (const auto fraction : {OctaveFraction::octave, OctaveFraction::third_octave}) {
      auto bands = octave_bands(fraction, 1000.0, rate / 2.0);
      std::erase_if(bands, [&](const FilterBand& band) { return band.high_hz >= rate / 2.0; });
      FilterBank bank(design_band_passes(bands, rate));
      std::vector<float> x(8192);
      x[0] = 1.0F;
      const auto h = run(bank, x, 512).back();
      const auto db = [&](double hz) {
        std::complex<double> sum = 0.0;
        for (std::size_t i = 0; i < h.size(); ++i) {
          sum += double(h[i]) * std::polar(1.0, -2.0 * std::numbers::pi * hz * double(i) / rate);
        }
        return -20.0 * std::log10(std::abs(sum));
      };
      EXPECT_LE(excess_db(bands.back(), fraction, kInside, rate, db), 0.0) << rate;
      EXPECT_LE(excess_db(bands.back(), fraction, kOutside, rate, db), 0.0) << rate;
    }
  }
}

TEST(FilterBank, WhatNoOrderKeepsToClass1IsRefusedUnlessAnOrderIsGiven) {
  const std::vector<FilterBand> wide = {{10.0, 1000.0, 20000.0}};
  EXPECT_THROW(design_band_passes(wide, kRate), Error);
  EXPECT_EQ(design_band_passes(wide, kRate, 4).front().size(), 4U);
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
  for (const std::size_t order : {2U, 4U, 8U, 34U, 128U, 256U}) {
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

TEST(FilterBank, StatesThatOverflowAreCleared) {
  // Sections of such gain that double runs out.
  FilterBank bank(std::vector<FilterSections>{FilterSections(8, {1e60, 0, 0, -0.5, 0}), {{}}});
  const auto x = noise(1024, 4);
  run(bank, x, 64);
  EXPECT_EQ(bank.take_status(), Trouble::state_cleared);
  const auto y = run(bank, std::vector<float>(1024), 64);
  EXPECT_EQ(y[0], std::vector<float>(1024));
  EXPECT_EQ(bank.status(), Trouble::none);
}

TEST(FilterBank, TenThousandBlocksStayRealTime) {
  FilterBank bank(design_band_passes(octave_bands(OctaveFraction::octave, 31.5, 16000.0), kRate));
  const auto x = noise(64, 3);
  AudioBuffer y(bank.bands(), 64);
  testing::RealtimeGuard guard;
  for (int block = 0; block < 10000; ++block) bank.process(x, y);
}

// Bands are filters, not frequencies: those have to be designed first.
static_assert(!std::is_constructible_v<FilterBank, std::vector<FilterBand>>);

}  // namespace
}  // namespace metalaudio::dsp

#include <metalaudio/dsp/biquad_cascade.h>
#include <metalaudio/dsp/biquad_design.h>
#include <metalaudio/dsp/filter_bank.h>
#include <metalaudio/dsp/state_variable_filter.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "signals.h"
#include "tests/support/simd_targets.h"

namespace metalaudio::dsp {
namespace {

using Sections = std::vector<BiquadCoefficients>;
using Exact = long double;

/// What the header promises: of the output's peak, and of full scale where that is more.
constexpr double kPromise = 1e-7;

struct ExactSection {
  Exact b0, b1, b2, a1, a2;
};

std::vector<ExactSection> exact(const Sections& sections) {
  std::vector<ExactSection> result;
  for (const auto& s : sections) result.push_back({s.b0, s.b1, s.b2, s.a1, s.a2});
  return result;
}

/// In 64 bits of mantissa, 11 more than what is tested.
std::vector<Exact> run_exact(const std::vector<ExactSection>& sections,
                             const std::vector<float>& x) {
  std::vector<Exact> y(x.begin(), x.end());
  for (const ExactSection& c : sections) {
    Exact s1 = 0.0L;
    Exact s2 = 0.0L;
    for (Exact& v : y) {
      const Exact out = c.b0 * v + s1;
      s1 = c.b1 * v - c.a1 * out + s2;
      s2 = c.b2 * v - c.a2 * out;
      v = out;
    }
  }
  return y;
}

/// Noise, and then a constant: what errs at low frequencies shows on it.
std::vector<float> noise_and_step(std::size_t size) {
  std::vector<float> x = noise(size, 5);
  for (std::size_t i = 0; i < size; ++i) {
    x[i] = i < size / 2 ? std::clamp(0.3F * x[i], -1.0F, 1.0F) : 0.5F;
  }
  return x;
}

/// The worst channel's error, relative as promised.
double error_of(const Sections& sections, const std::vector<float>& x, std::size_t channels,
                const std::vector<Exact>& expected) {
  BiquadCascade cascade(sections, {.channels = channels});
  std::vector<float> frames(x.size() * channels);
  for (std::size_t i = 0; i < frames.size(); ++i) frames[i] = x[i / channels];
  cascade.process(frames, frames);
  double error = 0.0;
  Exact peak = 1.0L;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const auto e = static_cast<double>(std::abs(frames[i] - expected[i / channels]));
    error = std::isnan(e) ? HUGE_VAL : std::max(error, e);
    peak = std::max(peak, std::abs(expected[i / channels]));
  }
  EXPECT_EQ(cascade.status(), Trouble::none);
  return error / static_cast<double>(peak);
}

constexpr double kRates[] = {8000.0, 44100.0, 192000.0, 768000.0};

/// 10 Hz to 0.49 of the rate.
std::vector<double> frequencies(double rate) {
  std::vector<double> hz = {10.0};
  for (const double part : {0.003, 0.05, 0.25, 0.45, 0.49}) hz.push_back(part * rate);
  return hz;
}

TEST(BiquadPrecision, EveryShapeAndWidthKeepsThePromiseOnAnyNumberOfChannels) {
  const auto x = noise_and_step(3000);
  for (const double rate : kRates) {
    for (const double hz : frequencies(rate)) {
      for (const double q : {1e-6, 0.1, 0.7, 10.0, 1e3, 1e6}) {
        for (int shape = 0; shape <= int(BiquadShape::high_shelf); ++shape) {
          const Sections sections(
              3, design_biquad({static_cast<BiquadShape>(shape), hz, rate, Q(q), 12.0}));
          const auto expected = run_exact(exact(sections), x);
          for (const std::size_t channels : {1U, 8U}) {
            EXPECT_LT(error_of(sections, x, channels, expected), kPromise)
                << "shape " << shape << " at " << hz << " of " << rate << " Hz, Q " << q << ", "
                << channels << " channels";
          }
        }
      }
    }
  }
}

TEST(BiquadPrecision, DoesNotDependOnChannelsOrInstructionSet) {
  const auto x = noise_and_step(40000);
  const auto sections = design_butterworth(PassBand::low, 8, 20.0, 192000.0);
  const auto expected = run_exact(exact(sections), x);
  for_each_target([&](const char* target) {
    for (const std::size_t channels :
         {1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U, 9U, 12U, 13U, 16U, 17U, 31U, 64U}) {
      EXPECT_LT(error_of(sections, x, channels, expected), kPromise) << target << " " << channels;
    }
  });
}

/// Butterworth sections by their textbook formula in long double, in an order in which the product
/// of the gains at the corner stays near 1.
std::vector<ExactSection> exact_butterworth(PassBand pass, std::size_t order, double hz,
                                            double rate) {
  const Exact pi = std::acos(-1.0L);
  const Exact t = std::tan(pi * hz / rate);
  const bool high = pass == PassBand::high;
  std::vector<ExactSection> sections;
  if (order % 2 == 1) {
    const Exact b = (high ? 1.0L : t) / (1.0L + t);
    sections.push_back({b, high ? -b : b, 0.0L, (t - 1.0L) / (1.0L + t), 0.0L});
  }
  std::size_t sharpest = 0;
  std::size_t dullest = order / 2;
  Exact gain = 1.0L;
  while (sharpest < dullest) {
    const std::size_t k = gain > 1.0L ? --dullest : sharpest++;
    const Exact damping = 2.0L * std::sin(pi * Exact(2 * k + 1) / Exact(2 * order));
    gain /= damping;
    const Exact a0 = 1.0L + damping * t + t * t;
    const Exact b = (high ? 1.0L : t * t) / a0;
    sections.push_back({b, high ? -2.0L * b : 2.0L * b, b, 2.0L * (t * t - 1.0L) / a0,
                        (1.0L - damping * t + t * t) / a0});
  }
  return sections;
}

TEST(BiquadPrecision, EveryOrderOfButterworthEqualsTheFormulaOnNoise) {
  const auto x = noise_and_step(3000);
  for (const std::size_t order : {1U, 2U, 5U, 16U, 63U, 128U, 256U}) {
    for (const double rate : kRates) {
      for (const double hz : frequencies(rate)) {
        for (const PassBand pass : {PassBand::low, PassBand::high}) {
          const auto expected = run_exact(exact_butterworth(pass, order, hz, rate), x);
          const auto sections = design_butterworth(pass, order, hz, rate);
          for (const std::size_t channels : {1U, 8U}) {
            EXPECT_LT(error_of(sections, x, channels, expected), kPromise)
                << "order " << order << " at " << hz << " of " << rate << " Hz, " << channels;
          }
        }
      }
    }
  }
}

/// Long enough for 10 Hz to settle at 768 kHz. The coefficients themselves are rounded there, to
/// 1e-8 of the frequency, which high orders show.
TEST(BiquadPrecision, TheLowestFrequenciesKeepThePromiseInTheLongRun) {
  const double rate = 768000.0;
  const auto x = noise_and_step(600000);
  for (const std::size_t order : {2U, 8U, 64U}) {
    for (const PassBand pass : {PassBand::low, PassBand::high}) {
      const auto sections = design_butterworth(pass, order, 10.0, rate);
      const auto expected = run_exact(exact(sections), x);
      const auto formula = run_exact(exact_butterworth(pass, order, 10.0, rate), x);
      for (const std::size_t channels : {1U, 8U}) {
        EXPECT_LT(error_of(sections, x, channels, expected), kPromise) << order << " " << channels;
        EXPECT_LT(error_of(sections, x, channels, formula), 1e-6) << order << " " << channels;
      }
    }
  }
  for (const double q : {0.7, 30.0, 1e4}) {
    const Sections peak = {design_biquad({BiquadShape::peaking, 10.0, rate, Q(q), 12.0}),
                           design_biquad({BiquadShape::low_shelf, 10.0, rate, Q(0.7), -12.0})};
    const auto expected = run_exact(exact(peak), x);
    for (const std::size_t channels : {1U, 8U}) {
      EXPECT_LT(error_of(peak, x, channels, expected), kPromise) << q << " " << channels;
    }
  }
}

TEST(BiquadPrecision, EveryOrderOfLinkwitzRileyEqualsTheFormulaOnNoise) {
  const auto x = noise_and_step(2000);
  for (const std::size_t order : {2U, 8U, 64U, 256U}) {
    for (const double rate : kRates) {
      for (const double hz : frequencies(rate)) {
        for (const PassBand pass : {PassBand::low, PassBand::high}) {
          auto once = exact_butterworth(pass, order / 2, hz, rate);
          auto twice = once;
          twice.insert(twice.end(), once.begin(), once.end());
          auto expected = run_exact(twice, x);
          if (pass == PassBand::high && order / 2 % 2 == 1) {
            for (Exact& v : expected) v = -v;
          }
          const auto sections = design_linkwitz_riley(pass, order, hz, rate);
          EXPECT_LT(error_of(sections, x, 8, expected), kPromise) << order << " at " << hz;
        }
      }
    }
  }
}

/// Band-pass sections by the bilinear transform of both poles, in long double.
std::vector<ExactSection> exact_band(std::size_t order, double low_hz, double high_hz,
                                     double rate) {
  using Complex = std::complex<Exact>;
  const Exact pi = std::acos(-1.0L);
  const Exact low = std::tan(pi * low_hz / rate);
  const Exact high = std::tan(pi * high_hz / rate);
  std::vector<ExactSection> lower;
  std::vector<ExactSection> upper;
  const auto add = [&](std::vector<ExactSection>& to, Exact sum, Exact product) {
    // Zeros at either end; the gain of s / (s² - sum s + product) in the middle.
    const Exact a0 = 1.0L - sum + product;
    const Exact gain = std::abs(Complex(product - low * high, -sum * std::sqrt(low * high))) /
                       (a0 * std::sqrt(low * high));
    to.push_back({gain, 0.0L, -gain, 2.0L * (product - 1.0L) / a0, (1.0L + sum + product) / a0});
  };
  for (std::size_t k = 0; k < order / 2; ++k) {
    const Complex half =
        std::polar((high - low) / 2.0L, pi * (0.5L + Exact(2 * k + 1) / Exact(2 * order)));
    const Complex root = std::sqrt(half * half - low * high);
    for (const Complex pole : {half + root, half - root}) {
      add(std::norm(pole) < low * high ? lower : upper, 2.0L * pole.real(), std::norm(pole));
    }
  }
  // Sharp ones last come first; a lower one always with its upper one.
  std::vector<ExactSection> sections;
  std::size_t sharpest = 0;
  std::size_t dullest = lower.size();
  while (sharpest < dullest) {
    const std::size_t k = (sharpest + dullest) % 2 == 0 ? --dullest : sharpest++;
    sections.push_back(lower[k]);
    sections.push_back(upper[k]);
  }
  if (order % 2 == 1) add(sections, low - high, low * high);
  return sections;
}

TEST(BiquadPrecision, EveryOrderOfBandPassEqualsTheFormulaOnNoise) {
  const auto x = noise_and_step(3000);
  for (const std::size_t order : {1U, 3U, 8U, 32U, 65U, 256U}) {
    for (const double rate : kRates) {
      for (const auto& [low, high] :
           {std::pair(10.0, 0.49 * rate), std::pair(10.0, 20.0),
            std::pair(0.1 * rate, 0.1001 * rate), std::pair(0.1 * rate, 0.2 * rate),
            std::pair(0.45 * rate, 0.49 * rate)}) {
        const auto expected = run_exact(exact_band(order, low, high, rate), x);
        const auto sections = design_butterworth_band(order, low, high, rate);
        for (const std::size_t channels : {1U, 8U}) {
          EXPECT_LT(error_of(sections, x, channels, expected), kPromise)
              << "order " << order << ", " << low << " to " << high << " of " << rate << " Hz, "
              << channels;
        }
      }
    }
  }
}

/// The header's bank: every band at rates from 8 to 768 kHz, against its own sections.
TEST(BiquadPrecision, FilterBanksKeepThePromiseToo) {
  const auto x = noise_and_step(4000);
  for (const double rate : kRates) {
    const auto filters =
        design_band_passes(octave_bands(OctaveFraction::third_octave, 10.0, 0.4 * rate), rate);
    FilterBank bank(filters);
    std::vector<std::vector<float>> y(filters.size(), std::vector<float>(x.size()));
    std::vector<float*> out;
    for (auto& band : y) out.push_back(band.data());
    bank.process(x, {out, x.size()});
    for (std::size_t band = 0; band < filters.size(); ++band) {
      const auto expected = run_exact(exact(filters[band]), x);
      for (std::size_t i = 0; i < x.size(); ++i) {
        ASSERT_LT(std::abs(y[band][i] - expected[i]), kPromise) << rate << " band " << band;
      }
    }
  }
}

/// The low-pass of the form that StateVariableFilter has, in long double.
std::vector<Exact> exact_state_variable(double hz, double rate, double q,
                                        const std::vector<float>& x) {
  const Exact g = std::tan(std::acos(-1.0L) * hz / rate);
  const Exact a1 = 1.0L / (1.0L + g * (g + 1.0L / Exact(q)));
  Exact state1 = 0.0L;
  Exact state2 = 0.0L;
  std::vector<Exact> y;
  for (const float v : x) {
    const Exact v3 = v - state2;
    const Exact v1 = a1 * (state1 + g * v3);
    const Exact v2 = state2 + g * v1;
    state1 = 2.0L * v1 - state1;
    state2 = 2.0L * v2 - state2;
    y.push_back(v2);
  }
  return y;
}

TEST(BiquadPrecision, TheStateVariableFormKeepsThePromiseToo) {
  const auto x = noise_and_step(4000);
  for (const double rate : kRates) {
    for (const double hz : frequencies(rate)) {
      for (const double q : {1e-6, 0.1, 0.7, 10.0, 1e3, 1e6}) {
        StateVariableFilter filter(rate, {.frequency_hz = hz, .q = q});
        std::vector<float> y(x.size());
        filter.process(x, y);
        const auto expected = exact_state_variable(hz, rate, q, x);
        Exact peak = 1.0L;
        for (const Exact v : expected) peak = std::max(peak, std::abs(v));
        for (std::size_t i = 0; i < x.size(); ++i) {
          ASSERT_LT(std::abs(y[i] - expected[i]), kPromise * peak)
              << hz << " of " << rate << " " << q;
        }
      }
    }
  }
}

}  // namespace
}  // namespace metalaudio::dsp

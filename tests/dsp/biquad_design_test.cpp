#include <metalaudio/core/error.h>
#include <metalaudio/dsp/biquad_design.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <type_traits>

#include "golden.h"

namespace metalaudio::dsp {
namespace {

using Complex = std::complex<double>;
constexpr double kRate = 48000.0;

/// The analogue prototypes that the cookbook starts from, at s; `a` is the root of the gain.
Complex prototype(BiquadShape shape, Complex s, double q, double a) {
  const Complex s2 = s * s;
  const Complex plain = s2 + s / q + 1.0;
  const double r = std::sqrt(a);
  switch (shape) {
    case BiquadShape::low_pass:
      return 1.0 / plain;
    case BiquadShape::high_pass:
      return s2 / plain;
    case BiquadShape::band_pass_skirt:
      return s / plain;
    case BiquadShape::band_pass:
      return s / q / plain;
    case BiquadShape::notch:
      return (s2 + 1.0) / plain;
    case BiquadShape::all_pass:
      return (s2 - s / q + 1.0) / plain;
    case BiquadShape::peaking:
      return (s2 + s * (a / q) + 1.0) / (s2 + s / (a * q) + 1.0);
    case BiquadShape::low_shelf:
      return a * (s2 + r / q * s + a) / (a * s2 + r / q * s + 1.0);
    case BiquadShape::high_shelf:
      return a * (a * s2 + r / q * s + 1.0) / (s2 + r / q * s + a);
  }
  return 0.0;
}

TEST(BiquadDesign, EveryShapeIsItsAnaloguePrototypeWarped) {
  for (int i = 0; i <= static_cast<int>(BiquadShape::high_shelf); ++i) {
    const auto shape = static_cast<BiquadShape>(i);
    for (const double f0 : {40.0, 1000.0, 20000.0}) {
      for (const double q : {0.5, 4.0}) {
        for (const double gain : {-9.0, 6.0}) {
          const auto s = design_biquad({shape, f0, kRate, Q(q), gain});
          for (const double f : {20.0, f0 * 0.9, f0, 5000.0, 23000.0}) {
            const double w =
                std::tan(std::numbers::pi * f / kRate) / std::tan(std::numbers::pi * f0 / kRate);
            const Complex expected = prototype(shape, {0.0, w}, q, std::pow(10.0, gain / 40.0));
            // Coefficients near 2 that cancel to (40/48000)², in double.
            EXPECT_LT(std::abs(response(s, f, kRate) - expected), 1e-8)
                << i << " " << f0 << " " << f;
          }
        }
      }
    }
  }
}

TEST(BiquadDesign, WidthsSayTheSame) {
  // Half the peak's decibels, half an octave away on either side.
  const auto peak = design_biquad({BiquadShape::peaking, 100.0, kRate, Octaves(1.0), 12.0});
  EXPECT_NEAR(response_db({&peak, 1}, 100.0 * std::sqrt(2.0), kRate), 6.0, 0.01);
  EXPECT_NEAR(response_db({&peak, 1}, 100.0 / std::sqrt(2.0), kRate), 6.0, 0.01);
  const auto sloped = design_biquad({BiquadShape::low_shelf, 500.0, kRate, ShelfSlope(1.0), 8.0});
  const auto plain = design_biquad({BiquadShape::low_shelf, 500.0, kRate, Q(std::sqrt(0.5)), 8.0});
  EXPECT_NEAR(sloped.b1, plain.b1, 1e-12);
}

TEST(BiquadDesign, ButterworthEqualsScipy) {
  const auto cases = golden_cases("butterworth");
  EXPECT_EQ(cases.size(), 14U);
  for (const auto& golden : cases) {
    const std::vector<double> edges = golden["edges_hz"];
    const std::size_t order = golden["order"];
    const std::string kind = golden["kind"];
    const double rate = golden["sample_rate_hz"];
    const auto sections = kind == "band"
                              ? design_butterworth_band(order, edges[0], edges[1], rate)
                              : design_butterworth(kind == "low" ? PassBand::low : PassBand::high,
                                                   order, edges[0], rate);
    EXPECT_EQ(sections.size(), kind == "band" ? order : (order + 1) / 2);
    for (std::size_t i = 0; i < golden["re"].size(); ++i) {
      const Complex expected(golden["re"][i].get<double>(), golden["im"][i].get<double>());
      const Complex got = response(sections, golden["frequencies_hz"][i], rate);
      // Cancellation as above; scipy's own polynomials are as far from exact.
      EXPECT_LT(std::abs(got - expected), 1e-7) << kind << order << " " << i;
    }
  }
}

TEST(BiquadDesign, ButterworthIsMinusThreeDbAtItsCornerWhateverTheOrder) {
  for (const std::size_t order : {1U, 2U, 3U, 8U, 31U, 256U}) {
    for (const PassBand pass : {PassBand::low, PassBand::high}) {
      const auto sections = design_butterworth(pass, order, 1000.0, kRate);
      EXPECT_NEAR(response_db(sections, 1000.0, kRate), -3.0103, 1e-4) << order;
    }
  }
}

TEST(BiquadDesign, LinkwitzRileySumsToAnAllPass) {
  for (const std::size_t order : {2U, 4U, 6U, 8U, 24U}) {
    const auto low = design_linkwitz_riley(PassBand::low, order, 800.0, kRate);
    const auto high = design_linkwitz_riley(PassBand::high, order, 800.0, kRate);
    EXPECT_NEAR(response_db(low, 800.0, kRate), -6.0206, 1e-4) << order;
    for (const double f : {20.0, 400.0, 800.0, 1100.0, 20000.0}) {
      const Complex sum = response(low, f, kRate) + response(high, f, kRate);
      EXPECT_NEAR(std::abs(sum), 1.0, 1e-8) << order << " at " << f;
    }
  }
}

/// So that a glide from one to the other goes from each section to its like.
TEST(BiquadDesign, SectionsOfTheSameOrderCorrespondAtEveryFrequency) {
  for (const std::size_t order : {4U, 9U, 64U}) {
    const auto one = design_butterworth(PassBand::low, order, 20.0, kRate);
    const auto other = design_butterworth(PassBand::low, order, 200.0, kRate);
    for (std::size_t i = order % 2; i < one.size(); ++i) {
      // Sharper sections have less damping, at any frequency.
      for (std::size_t k = order % 2; k < i; ++k) {
        EXPECT_EQ(one[i].a2 < one[k].a2, other[i].a2 < other[k].a2) << order;
      }
    }
  }
}

TEST(BiquadDesign, RefusesWhatMakesNoFilter) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto shape = BiquadShape::low_pass;
  for (const double f : {0.0, -1.0, 24000.0, 1e9, nan}) {
    EXPECT_THROW(design_biquad({shape, f, kRate}), Error) << f;
    EXPECT_THROW(design_butterworth(PassBand::low, 2, f, kRate), Error) << f;
  }
  EXPECT_THROW(design_biquad({shape, 100.0, nan}), Error);
  for (const double q : {0.0, -1.0, nan, 1e300}) {
    EXPECT_THROW(design_biquad({shape, 100.0, kRate, Q(q)}), Error) << q;
    EXPECT_THROW(design_biquad({shape, 100.0, kRate, Octaves(q)}), Error) << q;
  }
  EXPECT_THROW(design_biquad({shape, 100.0, kRate, ShelfSlope(1.0)}), Error);
  EXPECT_THROW(design_biquad({BiquadShape::low_shelf, 100.0, kRate, ShelfSlope(9.0), 30.0}), Error);
  EXPECT_THROW(design_biquad({BiquadShape::peaking, 100.0, kRate, Q(1.0), nan}), Error);
  EXPECT_THROW(design_butterworth(PassBand::high, 0, 100.0, kRate), Error);
  EXPECT_THROW(design_linkwitz_riley(PassBand::high, 3, 100.0, kRate), Error);
  EXPECT_THROW(design_butterworth_band(2, 200.0, 100.0, kRate), Error);
}

TEST(BiquadDesign, SaysWhatIsWrongWithTheNumbers) {
  try {
    design_biquad({BiquadShape::low_pass, 30000.0, kRate});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    EXPECT_STREQ(error.what(),
                 "[design_biquad] frequency 30000 Hz: expected more than 0 and less than 24000 Hz, "
                 "half the sample rate");
  }
}

std::string words_of(const BiquadDesign& design) {
  try {
    design_biquad(design);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// Up to half the sample rate a width either makes a filter, or the error says which one is wrong.
TEST(BiquadDesign, WidthsNextToHalfTheSampleRateAreFiltersOrTooWide) {
  for (const double part : {0.4, 0.45, 0.49, 0.499, 0.4999, 0.499999}) {
    for (const double octaves : {0.01, 0.33, 1.0, 3.0, 100.0}) {
      for (const auto shape : {BiquadShape::peaking, BiquadShape::notch, BiquadShape::band_pass}) {
        const std::string words = words_of({shape, part * kRate, kRate, Octaves(octaves), 6.0});
        EXPECT_TRUE(words.empty() || words.find("too wide") != std::string::npos) << words;
      }
    }
  }
  EXPECT_EQ(words_of({BiquadShape::peaking, 0.49 * kRate, kRate, Octaves(1.0), 6.0}), "");
  EXPECT_EQ(words_of({BiquadShape::peaking, 0.4999 * kRate, kRate, Octaves(1.0), 6.0}),
            "[design_biquad] at 23995.2 Hz of a sample rate of 48000 Hz: too wide for what lies "
            "below half of it");
  EXPECT_EQ(words_of({BiquadShape::low_pass, 1e-6, kRate, Q(1e6)}),
            "[design_biquad] at 1e-06 Hz of a sample rate of 48000 Hz: too narrow or too low for "
            "double precision");
}

TEST(BiquadCoefficients, StabilityIsTheOutermostPole) {
  EXPECT_DOUBLE_EQ(stability_margin({1, 0, 0, -2 * 0.9 * std::cos(1.0), 0.81}), 0.1);
  EXPECT_NEAR(stability_margin({1, 0, 0, -(0.5 + 0.95), 0.5 * 0.95}), 0.05, 1e-12);
  EXPECT_TRUE(is_stable({}));
  EXPECT_FALSE(is_stable({1, 0, 0, -2.0, 1.0}));
  EXPECT_FALSE(is_stable({1, 0, 0, 0.0, 1.0}));
  EXPECT_FALSE(is_stable({1, 0, 0, std::nan(""), 0.0}));
  EXPECT_FALSE(is_stable({INFINITY, 0, 0, 0.0, 0.0}));
}

// A width without a unit must not compile: 1.0 could be a Q, octaves or a slope.
static_assert(!std::is_convertible_v<double, FilterWidth>);
static_assert(!std::is_constructible_v<Q, Octaves>);

}  // namespace
}  // namespace metalaudio::dsp

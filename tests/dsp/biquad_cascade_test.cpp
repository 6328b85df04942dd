#include <metalaudio/core/error.h>
#include <metalaudio/dsp/biquad/cpu/reference.h>
#include <metalaudio/dsp/biquad_cascade.h>
#include <metalaudio/dsp/biquad_design.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <string>

#include "golden.h"
#include "signals.h"
#include "tests/support/simd_targets.h"

namespace metalaudio::dsp {
namespace {

using Sections = std::vector<BiquadCoefficients>;
constexpr double kRate = 48000.0;

BiquadCoefficients section(BiquadShape shape, double frequency_hz, double q, double gain_db = 0.0) {
  return design_biquad({shape, frequency_hz, kRate, Q(q), gain_db});
}

/// Eight different sections, the first at 40 Hz; more repeat them.
Sections equalizer(std::size_t count = 8) {
  const Sections eight = {
      section(BiquadShape::high_pass, 40.0, 0.7),
      section(BiquadShape::low_shelf, 120.0, 0.7, 4.0),
      section(BiquadShape::peaking, 300.0, 2.0, -6.0),
      section(BiquadShape::peaking, 1000.0, 4.0, 5.0),
      section(BiquadShape::notch, 3000.0, 3.0),
      section(BiquadShape::peaking, 6000.0, 1.0, -3.0),
      section(BiquadShape::high_shelf, 9000.0, 0.7, 3.0),
      section(BiquadShape::low_pass, 18000.0, 0.7),
  };
  Sections sections;
  for (std::size_t i = 0; i < count; ++i) sections.push_back(eight[i % 8]);
  return sections;
}

std::vector<float> uniform(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> x(size);
  for (float& v : x) v = static_cast<float>(random()) / 2147483648.0F - 1.0F;
  return x;
}

/// In blocks of a size, interleaved.
std::vector<float> run(BiquadCascade& cascade, const std::vector<float>& x, std::size_t block) {
  std::vector<float> y(x.size());
  const std::size_t step = block * cascade.channels();
  for (std::size_t i = 0; i < x.size(); i += step) {
    const std::size_t n = std::min(step, x.size() - i);
    cascade.process(std::span(x).subspan(i, n), std::span(y).subspan(i, n));
  }
  return y;
}

std::vector<float> channel_of(const std::vector<float>& x, std::size_t channels,
                              std::size_t channel) {
  std::vector<float> out;
  for (std::size_t i = channel; i < x.size(); i += channels) out.push_back(x[i]);
  return out;
}

double largest_difference(const std::vector<float>& got, const std::vector<double>& expected) {
  double largest = 0.0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double difference = std::abs(got[i] - expected[i]);
    largest = std::isnan(difference) ? HUGE_VAL : std::max(largest, difference);
  }
  return largest;
}

TEST(BiquadCascade, EqualsTheReferenceOnEveryInstructionSet) {
  for_each_target([](const char* target) {
    for (const std::size_t channels : {1U, 2U, 3U, 7U, 8U, 16U, 19U}) {
      for (const std::size_t count : {1U, 2U, 3U, 4U, 5U, 8U, 9U, 17U}) {
        const auto sections = equalizer(count);
        BiquadCascade cascade(sections, {.channels = channels});
        const auto x = uniform(channels * 301, 1);
        const auto y = run(cascade, x, 301);
        for (std::size_t c = 0; c < channels; ++c) {
          const auto expected = reference_biquads(sections, channel_of(x, channels, c));
          // One rounding to float of numbers up to 5.
          EXPECT_LT(largest_difference(channel_of(y, channels, c), expected), 3e-7)
              << target << " " << channels << " channels, " << count << " sections, channel " << c;
        }
      }
    }
  });
}

TEST(BiquadCascade, EqualsScipy) {
  for (const auto& golden : golden_cases("butterworth")) {
    const std::vector<double> edges = golden["edges_hz"];
    const std::size_t order = golden["order"];
    const std::string kind = golden["kind"];
    const double rate = golden["sample_rate_hz"];
    const auto sections = kind == "band"
                              ? design_butterworth_band(order, edges[0], edges[1], rate)
                              : design_butterworth(kind == "low" ? PassBand::low : PassBand::high,
                                                   order, edges[0], rate);
    const std::vector<float> x = golden["x"];
    const std::vector<double> expected = golden["y"];
    for (const std::size_t channels : {1U, 8U}) {
      BiquadCascade cascade(sections, {.channels = channels});
      std::vector<float> frames(x.size() * channels);
      for (std::size_t i = 0; i < frames.size(); ++i) frames[i] = x[i / channels];
      const auto y = channel_of(run(cascade, frames, x.size()), channels, channels - 1);
      // One rounding to float of numbers up to 2.
      EXPECT_LT(largest_difference(y, expected), 1.2e-7) << kind << order << " " << channels;
    }
  }
}

TEST(BiquadCascade, BlocksOfAnySizeAndSingleSamplesGiveTheSameBits) {
  for_each_target([](const char* target) {
    for (const std::size_t channels : {1U, 2U, 16U}) {
      for (const std::size_t count : {1U, 4U, 8U, 11U}) {
        const auto sections = equalizer(count);
        const auto x = uniform(channels * 5000, 2);
        BiquadCascade whole(sections, {.channels = channels});
        const auto expected = run(whole, x, 5000);
        for (const std::size_t block : {1U, 3U, 7U, 64U, 480U, 512U, 4096U}) {
          BiquadCascade cascade(sections, {.channels = channels});
          EXPECT_EQ(run(cascade, x, block), expected) << target << " " << channels << "x" << block;
        }
        if (channels > 1) continue;
        BiquadCascade single(sections);
        for (std::size_t i = 0; i < x.size(); ++i) {
          ASSERT_EQ(single.process(x[i]), expected[i]) << target << " " << i;
        }
      }
    }
  });
}

TEST(BiquadCascade, PlanarGivesTheBitsOfInterleaved) {
  for_each_target([](const char* target) {
    for (const std::size_t channels : {1U, 2U, 8U, 16U, 18U}) {
      const std::size_t frames = 203;
      const auto x = uniform(channels * frames, 3);
      BiquadCascade interleaved(equalizer(), {.channels = channels});
      BiquadCascade planar(equalizer(), {.channels = channels});
      const auto expected = run(interleaved, x, frames);
      std::vector<std::vector<float>> data;
      std::vector<const float*> in;
      std::vector<float*> out;
      for (std::size_t c = 0; c < channels; ++c) data.push_back(channel_of(x, channels, c));
      for (auto& d : data) {
        in.push_back(d.data());
        out.push_back(d.data());
      }
      planar.process({in, frames}, {out, frames});
      // The same in one block of memory, each channel a stride behind the one before it.
      const std::size_t stride = frames + 5;
      std::vector<float> block(channels * stride);
      for (std::size_t c = 0; c < channels; ++c) {
        const auto from = channel_of(x, channels, c);
        std::copy(from.begin(), from.end(), block.begin() + std::ptrdiff_t(c * stride));
      }
      BiquadCascade strided(equalizer(), {.channels = channels});
      const AudioView view(block.data(), channels, frames, stride);
      strided.process(view, view);
      for (std::size_t c = 0; c < channels; ++c) {
        const auto channel = channel_of(expected, channels, c);
        EXPECT_EQ(data[c], channel) << target << " " << channels << c;
        EXPECT_TRUE(std::ranges::equal(view.channel(c), channel)) << target << " " << channels << c;
      }
    }
  });
}

/// Groups that do not fill a vector write no further than their channels.
TEST(BiquadCascade, LeavesWhatLiesBehindTheBlockAlone) {
  for_each_target([](const char* target) {
    for (std::size_t channels = 1; channels <= 20; ++channels) {
      const std::size_t frames = 37;
      const auto x = uniform(channels * frames, 8);
      BiquadCascade cascade(equalizer(), {.channels = channels});
      std::vector<float> y(x.size() + 16, 7.0F);
      cascade.process(x, std::span(y).first(x.size()));
      EXPECT_EQ(std::vector<float>(y.end() - 16, y.end()), std::vector<float>(16, 7.0F))
          << target << " " << channels;
    }
  });
}

/// With a section at 40 Hz, where float in the usual form errs by 1.8e-4: one rounding of numbers
/// up to 5.
TEST(BiquadCascade, StaysWithinTheMarkOfAccuracyAtLowFrequencies) {
  for (const std::size_t channels : {1U, 16U}) {
    const std::size_t frames = 48000;
    for (const auto& first :
         {section(BiquadShape::low_pass, 40.0, 0.7), section(BiquadShape::high_pass, 40.0, 0.7),
          section(BiquadShape::peaking, 40.0, 4.0, 6.0)}) {
      Sections sections = equalizer();
      sections[0] = first;
      const auto noise_like = uniform(frames, 4);
      std::vector<float> x(frames * channels);
      for (std::size_t i = 0; i < frames; ++i) {
        const double tone = 0.5 * std::sin(2.0 * std::numbers::pi * 40.0 * double(i) / kRate);
        for (std::size_t c = 0; c < channels; ++c) {
          x[i * channels + c] = static_cast<float>(tone) + 0.5F * noise_like[i];
        }
      }
      BiquadCascade cascade(sections, {.channels = channels});
      const auto y = channel_of(run(cascade, x, 512), channels, channels - 1);
      const double error =
          largest_difference(y, reference_biquads(sections, channel_of(x, channels, 0)));
      EXPECT_LT(error, 3e-7) << channels;
    }
  }
}

TEST(BiquadCascade, PolesNextToHalfTheSampleRateAreExactToo) {
  const Sections sections = {section(BiquadShape::peaking, 23900.0, 8.0, 6.0)};
  const auto x = uniform(16 * 12000, 5);
  BiquadCascade cascade(sections, {.channels = 16});
  const auto y = channel_of(run(cascade, x, 512), 16, 3);
  EXPECT_LT(largest_difference(y, reference_biquads(sections, channel_of(x, 16, 3))), 3e-7);
}

TEST(BiquadCascade, AnImpulsePassesThroughSectionsThatDoNothing) {
  for (const std::size_t channels : {1U, 16U}) {
    BiquadCascade cascade(Sections(8), {.channels = channels});
    std::vector<float> x(channels * 100);
    for (std::size_t c = 0; c < channels; ++c) x[7 * channels + c] = 1.0F;
    EXPECT_EQ(run(cascade, x, 64), x);
  }
}

TEST(BiquadCascade, ItsImpulseResponseHasTheDecibelsOfTheDesign) {
  const auto sections = equalizer();
  for (const std::size_t channels : {1U, 16U}) {
    BiquadCascade cascade(sections, {.channels = channels});
    std::vector<float> x(channels * 48000);
    for (std::size_t c = 0; c < channels; ++c) x[c] = 1.0F;
    const auto h = channel_of(run(cascade, x, 512), channels, channels / 2);
    for (const double f : {20.0, 40.0, 120.0, 300.0, 1000.0, 6000.0, 9000.0, 20000.0}) {
      std::complex<double> sum = 0.0;
      for (std::size_t i = 0; i < h.size(); ++i) {
        sum += double(h[i]) * std::polar(1.0, -2.0 * std::numbers::pi * f * double(i) / kRate);
      }
      EXPECT_NEAR(20.0 * std::log10(std::abs(sum)), response_db(sections, f, kRate), 0.001) << f;
    }
  }
}

TEST(BiquadCascade, IsLinear) {
  for (const std::size_t channels : {1U, 16U}) {
    const auto a = uniform(channels * 1000, 6);
    const auto b = uniform(channels * 1000, 7);
    std::vector<float> mix(a.size());
    for (std::size_t i = 0; i < a.size(); ++i) mix[i] = 0.5F * a[i] - 0.25F * b[i];
    BiquadCascade cascade(equalizer(), {.channels = channels});
    const auto ya = run(cascade, a, 1000);
    cascade.reset();
    const auto yb = run(cascade, b, 1000);
    cascade.reset();
    const auto y = run(cascade, mix, 1000);
    for (std::size_t i = 0; i < y.size(); ++i) {
      // A rounding each of numbers up to 5, and those of the mix.
      ASSERT_NEAR(y[i], 0.5F * ya[i] - 0.25F * yb[i], 4e-6F);
    }
  }
}

TEST(BiquadCascade, RefusesBadSectionsAndChannels) {
  const BiquadCoefficients unstable{1, 0, 0, 0, 1.01};
  const BiquadCoefficients infinite{std::numeric_limits<double>::infinity(), 0, 0, 0, 0};
  EXPECT_THROW(BiquadCascade(Sections{}), Error);
  EXPECT_THROW(BiquadCascade(Sections{unstable}), Error);
  EXPECT_THROW(BiquadCascade(Sections{{}, infinite}), Error);
  EXPECT_THROW(BiquadCascade(Sections{{}}, {.channels = 0}), Error);
  EXPECT_THROW(BiquadCascade(Sections{{}}, {.channels = std::size_t(-1)}), Error);
}

}  // namespace
}  // namespace metalaudio::dsp

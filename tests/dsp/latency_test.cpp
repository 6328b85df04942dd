// Every streaming processor says how late its output is: an impulse is heard so many samples later.
#include <gtest/gtest.h>
#include <metalaudio/dsp/biquad_filter.h>
#include <metalaudio/dsp/convolution.h>
#include <metalaudio/dsp/filter_bank.h>
#include <metalaudio/dsp/state_variable_filter.h>
#include <metalaudio/dsp/stft_stream.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace metalaudio::dsp {
namespace {

constexpr std::size_t kImpulse = 100;
constexpr std::size_t kFrames = 4096;
/// Rounding of a transform's zeros; the impulse is 1, and no filter here takes it below 0.1.
constexpr float kSilent = 1e-3F;

std::vector<float> impulse() {
  std::vector<float> x(kFrames, 0.0F);
  x[kImpulse] = 1.0F;
  return x;
}

/// Where the output of an impulse begins, less where the impulse was.
std::size_t delay_of(const std::vector<float>& y) {
  const auto heard =
      std::find_if(y.begin(), y.end(), [](float v) { return std::abs(v) > kSilent; });
  return static_cast<std::size_t>(heard - y.begin()) - kImpulse;
}

TEST(Latency, OfAConvolutionIsNone) {
  for (const std::size_t samples : {1U, 100U, 5000U}) {
    std::vector<float> ir(samples, 0.0F);
    ir[0] = 1.0F;
    Convolution convolution(ir);
    auto y = impulse();
    convolution.process(y, y);
    EXPECT_EQ(delay_of(y), convolution.latency_samples()) << samples;
  }
}

TEST(Latency, OfFiltersIsNone) {
  const auto sections = design_butterworth(PassBand::low, 2, 12000.0, 48000.0);
  BiquadCascade cascade(sections);
  auto y = impulse();
  cascade.process(y, y);
  EXPECT_EQ(delay_of(y), cascade.latency_samples());

  BiquadFilter filter(sections[0]);
  y = impulse();
  filter.process(y, y);
  EXPECT_EQ(delay_of(y), filter.latency_samples());

  StateVariableFilter moving(48000.0, {.frequency_hz = 12000.0});
  y = impulse();
  moving.process(y, y);
  EXPECT_EQ(delay_of(y), moving.latency_samples());
}

TEST(Latency, OfAFilterBankIsNone) {
  const std::vector<FilterSections> bands{design_butterworth(PassBand::low, 2, 12000.0, 48000.0)};
  FilterBank bank(bands);
  const auto x = impulse();
  std::vector<float> y(kFrames);
  bank.process(x, AudioView(y));
  EXPECT_EQ(delay_of(y), bank.latency_samples());
}

TEST(Latency, OfSpectraIsTheirFrame) {
  for (const std::size_t hop : {64U, 128U}) {
    StftStream stream({.fft_size = 256, .hop_samples = hop, .center = false});
    auto y = impulse();
    stream.process(y, y, [](std::span<std::complex<float>>) {});
    EXPECT_EQ(delay_of(y), stream.latency_samples()) << hop;

    // The synthesizer alone: the hop that it returns for the frame that ends with the impulse's.
    StftAnalyzer analyzer({.fft_size = 256, .hop_samples = hop, .center = false});
    StftSynthesizer synthesizer({.fft_size = 256, .hop_samples = hop, .center = false});
    std::vector<float> out;
    analyzer.process(impulse(), [&](std::span<const std::complex<float>> spectrum) {
      const auto part = synthesizer.add(spectrum);
      out.insert(out.end(), part.begin(), part.end());
    });
    EXPECT_EQ(delay_of(out), analyzer.latency_samples() + synthesizer.latency_samples()) << hop;
  }
}

}  // namespace
}  // namespace metalaudio::dsp

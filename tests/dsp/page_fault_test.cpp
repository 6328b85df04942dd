// No streaming class meets a page that is not mapped, from its first block on.
#include <gtest/gtest.h>
#include <metalaudio/dsp/biquad_filter.h>
#include <metalaudio/dsp/convolution.h>
#include <metalaudio/dsp/oversampler.h>
#include <metalaudio/dsp/rate_adapter.h>
#include <metalaudio/dsp/stream_resampler.h>

#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include "signals.h"
#include "tests/support/page_faults.h"

namespace metalaudio::dsp {
namespace {

using testing::expect_no_page_faults;

class PageFaults : public ::testing::Test {
 protected:
  std::vector<float> x_ = noise(64, 1);
  std::vector<float> y_ = std::vector<float>(256);
  ConstAudioView in_{std::span<const float>(x_)};
  AudioView out_{std::span<float>(y_.data(), 64)};
};

TEST_F(PageFaults, NoneInAConvolution) {
  const auto ir = noise(200'000, 2);
  expect_no_page_faults([&] { return std::make_unique<Convolution>(ir); },
                        [&](Convolution& c) { c.process(x_, std::span(y_).first(64)); });
}

TEST_F(PageFaults, NoneInAStreamResampler) {
  for (const double rate : {48000.0, 44101.0}) {
    expect_no_page_faults(
        [&] { return std::make_unique<StreamResampler>(44100, rate); },
        [&](StreamResampler& resampler) { resampler.process(in_, AudioView(std::span(y_))); });
  }
}

TEST_F(PageFaults, NoneInAnOversampler) {
  expect_no_page_faults(
      [] { return std::make_unique<Oversampler>(8); },
      [&](Oversampler& oversampler) { oversampler.process(in_, out_, [](AudioView) {}); });
}

TEST_F(PageFaults, NoneInARateAdapter) {
  const auto pass_through = [](ConstAudioView in, AudioView out) {
    std::ranges::copy(in.channel(0), out.channel(0).begin());
  };
  expect_no_page_faults(
      [&] {
        return std::make_unique<RateAdapter>(44100, 48000, RateAdapterOptions{.block_samples = 512},
                                             pass_through);
      },
      [&](RateAdapter& adapter) { adapter.process(in_, out_); });
}

TEST_F(PageFaults, NoneInFilters) {
  expect_no_page_faults(
      [] {
        return std::make_unique<BiquadFilter>(
            BiquadDesign{BiquadShape::low_shelf, 120.0, 48000.0, Q(0.7), 4.0});
      },
      [&](BiquadFilter& filter) { filter.process(x_, std::span(y_).first(64)); });
}

}  // namespace
}  // namespace metalaudio::dsp

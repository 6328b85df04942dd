#include "block_times_bench.h"

#include <fmt/format.h>
#include <metalaudio/dsp/biquad_cascade.h>
#include <metalaudio/dsp/biquad_design.h>
#include <metalaudio/dsp/convolution.h>
#include <metalaudio/dsp/oversampler.h>
#include <metalaudio/dsp/rate_adapter.h>
#include <metalaudio/dsp/stream_resampler.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "measure.h"

namespace metalaudio::bench {

namespace {

constexpr std::size_t kBlock = 64;
constexpr std::size_t kBlocks = 100'000;

template <typename Process>
void measure(const char* name, nlohmann::json& rows, Process&& process) {
  std::vector<double> times(kBlocks);
  for (std::size_t b = 0; b < 1000; ++b) process();
  for (double& time : times) {
    const double start = now_ns();
    process();
    time = now_ns() - start;
  }
  std::sort(times.begin(), times.end());
  const double median = times[kBlocks / 2], p999 = times[kBlocks - kBlocks / 1000];
  const double worst = times.back();
  rows.push_back({{"name", fmt::format("blocks/{}/{}", name, kBlock)},
                  {"median_ns", median},
                  {"p999_ns", p999},
                  {"worst_ns", worst}});
  fmt::print("{:<24} median {:8.0f} ns  99.9 % {:8.0f}  worst {:8.0f}\n", name, median, p999,
             worst);
}

}  // namespace

void bench_block_times(nlohmann::json& rows) {
  std::vector<float> x(kBlock), y(2 * kBlock), ir(480'000);
  for (std::size_t i = 0; i < kBlock; ++i) x[i] = std::sin(0.3F * static_cast<float>(i));
  for (std::size_t i = 0; i < ir.size(); ++i) {
    ir[i] = std::sin(static_cast<float>(i * i % 1000)) * std::exp(-static_cast<float>(i) / 1e5F);
  }
  const ConstAudioView in{std::span<const float>(x)};
  const AudioView out{std::span<float>(y.data(), kBlock)}, room{std::span<float>(y)};
  measure("empty loop", rows, [] {});
  dsp::Convolution convolution(ir);
  measure("convolution, 10 s", rows, [&] { convolution.process(x, std::span(y).first(kBlock)); });
  dsp::BiquadCascade cascade(dsp::design_butterworth(dsp::PassBand::low, 16, 1000.0, 48000.0));
  measure("biquads, 8 sections", rows, [&] { cascade.process(x, std::span(y).first(kBlock)); });
  dsp::StreamResampler resampler(44100, 48000);
  measure("44.1 to 48 kHz", rows, [&] { resampler.process(in, room); });
  dsp::StreamResampler drifting(44100, 48000, {.largest_drift = 1e-3});
  measure("the same, drifting", rows, [&] { drifting.process(in, room); });
  dsp::Oversampler oversampler(4);
  measure("oversampling by 4", rows, [&] { oversampler.process(in, out, [](AudioView) {}); });
  dsp::RateAdapter adapter(44100, 48000, {}, [](ConstAudioView from, AudioView to) {
    std::ranges::copy(from.channel(0), to.channel(0).begin());
  });
  measure("48 kHz inside 44.1", rows, [&] { adapter.process(in, out); });
}

}  // namespace metalaudio::bench

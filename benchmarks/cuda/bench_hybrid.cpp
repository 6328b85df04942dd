// bench_hybrid: encoders and decoders around a two-layer LSTM over streamed blocks, all on the CPU,
// the LSTM there and the rest on the GPU, all on the GPU, and where the figures that it measures
// first send each.
#include <fmt/format.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/nn/cuda_backend.h>
#include <metalaudio/nn/device_rates.h>
#include <metalaudio/nn/layers/activation.h>
#include <metalaudio/nn/layers/conv1d.h>
#include <metalaudio/nn/layers/conv_transpose1d.h>
#include <metalaudio/nn/layers/hybrid_pipeline.h>
#include <metalaudio/nn/layers/lstm.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

using namespace metalaudio;
using namespace metalaudio::nn::layers;

namespace {

struct Devices {
  std::string name;
  StageDevice ends;
  StageDevice middle;
};

HybridPipeline codec(const Devices& devices, std::int64_t channels, int convolutions) {
  HybridPipeline model;
  model.add(Conv1d({.in_channels = 1,
                    .out_channels = channels,
                    .kernel_size = 16,
                    .stride = 8,
                    .padding = kSame,
                    .causal = true}),
            devices.ends);
  for (int i = 0; i < convolutions; ++i) {
    model.add(relu(), devices.ends);
    model.add(Conv1d({.in_channels = channels,
                      .out_channels = channels,
                      .kernel_size = 7,
                      .padding = kSame,
                      .causal = true}),
              devices.ends);
  }
  model.add(Lstm({.input_size = channels, .hidden_size = channels, .num_layers = 2}),
            devices.middle);
  model.add(ConvTranspose1d({.in_channels = channels,
                             .out_channels = 1,
                             .kernel_size = 16,
                             .stride = 8,
                             .causal = true}),
            devices.ends);
  for (const auto& [name, shape] : model.parameters()) {
    Tensor weight(shape);
    for (std::size_t i = 0; i < weight.size(); ++i) {
      weight.data()[i] = 0.05F * std::sin(static_cast<float>(i % 1000));
    }
    model.set(name, std::move(weight));
  }
  return model;
}

double at(std::vector<double>& times, double share) {
  std::ranges::sort(times);
  return times[static_cast<std::size_t>(share * static_cast<double>(times.size() - 1))];
}

void compare(std::int64_t channels, int convolutions, std::size_t frames,
             const std::shared_ptr<const nn::Backend>& gpu, const ToleranceConfiguration& figures) {
  using Clock = std::chrono::steady_clock;
  const std::vector<Devices> all{{"cpu", StageDevice::cpu, StageDevice::cpu},
                                 {"hybrid", StageDevice::gpu, StageDevice::cpu},
                                 {"gpu", StageDevice::gpu, StageDevice::gpu},
                                 {"automatic", StageDevice::automatic, StageDevice::automatic}};
  std::vector<HybridPipeline> models;
  for (const Devices& devices : all) {
    models.push_back(codec(devices, channels, convolutions));
    StreamOptions options;
    options.block_frames = static_cast<std::int64_t>(frames);
    options.tolerances = figures;
    models.back().build_stream(options, gpu);
  }
  AudioBuffer in(1, frames);
  AudioBuffer out(1, frames);
  std::vector<std::vector<double>> times(all.size());
  const int blocks = frames > 1000 ? 100 : 1000;
  for (int block = 0; block < blocks; ++block) {  // in turns, so that each meets the same machine
    for (std::size_t i = 0; i < frames; ++i) {
      in.view().channel(0)[i] = std::sin(0.03F * static_cast<float>(i * block % 10'000));
    }
    for (std::size_t m = 0; m < models.size(); ++m) {
      const Clock::time_point start = Clock::now();
      models[m].process(in.view(), out.view());
      times[m].push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
    }
  }
  fmt::print("{} channels, {} convolutions, blocks of {}:", channels, convolutions + 2, frames);
  for (std::size_t m = 0; m < all.size(); ++m) {
    fmt::print("  {} {:.0f} us (p99 {:.0f})", all[m].name, at(times[m], 0.5), at(times[m], 0.99));
  }
  fmt::print("\n  {}", models.back().report().placement);
}

}  // namespace

int main() try {
  const std::shared_ptr<const nn::Backend> gpu = nn::find_cuda_backend();
  if (gpu == nullptr) return std::fprintf(stderr, "no GPU\n"), 1;
  ToleranceConfiguration figures;
  nn::measure_device_rates(gpu, figures);
  fmt::print(
      "{}: cpu {} GFLOP/s, {} GB/s; gpu {} GFLOP/s, {} GB/s, step {} ns, token {} ns, copy {} ns, "
      "{:.1f} GB/s\n",
      gpu->device()->properties().name, figures.cpu_mflop_rate / 1000,
      figures.cpu_mbyte_rate / 1000, figures.gpu_mflop_rate / 1000, figures.gpu_mbyte_rate / 1000,
      figures.gpu_step_ns, figures.gpu_round_ns, figures.gpu_copy_ns,
      static_cast<double>(figures.gpu_copy_mbyte_rate) * 1e-3);
  for (const auto& [channels, convolutions] : {std::pair{32, 0}, {256, 4}}) {
    for (const std::size_t frames : {64, 512, 4096}) {
      compare(channels, convolutions, frames, gpu, figures);
    }
  }
} catch (const std::exception& error) {
  return std::fprintf(stderr, "%s\n", error.what()), 1;
}

// An encoder and a decoder on the GPU around an LSTM on the CPU, over blocks of audio; without a GPU
// all of it on the CPU. Prints where its steps run, and the level of what comes out.
#include <fmt/format.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/nn/cuda_backend.h>
#include <metalaudio/nn/layers/conv1d.h>
#include <metalaudio/nn/layers/conv_transpose1d.h>
#include <metalaudio/nn/layers/hybrid_pipeline.h>
#include <metalaudio/nn/layers/lstm.h>

#include <cmath>

using namespace metalaudio;
using namespace metalaudio::nn::layers;

int main() {
  HybridPipeline model;
  model.add(Conv1d({.in_channels = 1,
                    .out_channels = 32,
                    .kernel_size = 16,
                    .stride = 8,
                    .padding = kSame,
                    .causal = true}),
            StageDevice::gpu);
  model.add(Lstm({.input_size = 32, .hidden_size = 32, .num_layers = 2}), StageDevice::cpu);
  model.add(
      ConvTranspose1d(
          {.in_channels = 32, .out_channels = 1, .kernel_size = 16, .stride = 8, .causal = true}),
      StageDevice::gpu);
  // Weights of your own: model.load(nn::Weights(nn::load_state("model.safetensors")));
  for (const auto& [name, shape] : model.parameters()) {
    Tensor weight(shape);
    for (std::size_t i = 0; i < weight.size(); ++i) {
      weight.data()[i] = 0.2F * std::sin(static_cast<float>(7 * i));
    }
    model.set(name, std::move(weight));
  }

  constexpr std::size_t kBlock = 512;
  model.build_stream({.channels = 1, .block_frames = kBlock}, nn::find_cuda_backend());
  AudioBuffer in(1, kBlock);
  AudioBuffer out(1, kBlock);
  double squares = 0;
  for (int block = 0; block < 100; ++block) {
    for (std::size_t i = 0; i < kBlock; ++i) {
      in.view().channel(0)[i] = std::sin(0.05F * static_cast<float>(i));
    }
    model.process(in.view(), out.view());
    for (const float v : out.view().channel(0)) squares += static_cast<double>(v) * v;
  }
  for (const nn::StepReport& step : model.report().steps) {
    fmt::print("{:6} {}\n", step.backend, step.kind);
  }
  fmt::print("{:.2f} dB, {} samples late\n", 10 * std::log10(squares / (100 * kBlock)),
             model.latency_samples());
}

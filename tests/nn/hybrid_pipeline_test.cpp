#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/error.h>
#include <metalaudio/nn/layers/conv1d.h>
#include <metalaudio/nn/layers/conv_transpose1d.h>
#include <metalaudio/nn/layers/hybrid_pipeline.h>
#include <metalaudio/nn/layers/lstm.h>
#include <metalaudio/nn/layers/sequential.h>

#include <random>

#include "tests/support/fake_backend.h"
#include "tests/support/realtime_guard.h"

namespace metalaudio::nn::layers {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::Not;

constexpr std::int64_t kBlock = 64;

/// A Conv1d encoder, a two-layer LSTM and a ConvTranspose1d decoder.
HybridPipeline codec(StageDevice encoder, StageDevice middle, StageDevice decoder) {
  HybridPipeline model;
  model.add(Conv1d({.in_channels = 2,
                    .out_channels = 6,
                    .kernel_size = 8,
                    .stride = 4,
                    .padding = kSame,
                    .causal = true}),
            encoder);
  model.add(Lstm({.input_size = 6, .hidden_size = 5, .num_layers = 2}), middle);
  model.add(
      ConvTranspose1d(
          {.in_channels = 5, .out_channels = 3, .kernel_size = 8, .stride = 4, .causal = true}),
      decoder);
  std::mt19937 generator(5);
  std::normal_distribution<float> normal(0, 0.3F);
  for (const auto& [name, shape] : model.parameters()) {
    Tensor tensor(shape);
    for (float& value : tensor.values()) value = normal(generator);
    model.set(name, std::move(tensor));
  }
  return model;
}

struct FakeGpuBackend {
  std::shared_ptr<FakeDevice> device = std::make_shared<FakeDevice>();
  std::shared_ptr<const Backend> backend =
      std::make_shared<FakeBackend>(FakeBackendOptions{.device = device});
};

AudioBuffer noise(std::size_t frames, unsigned seed) {
  AudioBuffer buffer(2, frames);
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (std::size_t c = 0; c < 2; ++c) {
    for (float& v : buffer.view().channel(c)) v = uniform(generator);
  }
  return buffer;
}

/// What it gives for a block, one channel behind the other.
std::vector<float> process(HybridPipeline& model, std::size_t frames, unsigned seed) {
  const AudioBuffer in = noise(frames, seed);
  AudioBuffer out(3, frames);
  EXPECT_EQ(model.process(in.view(), out.view()), frames);
  std::vector<float> all;
  for (std::size_t c = 0; c < 3; ++c) {
    const std::span<const float> channel = out.view().channel(c);
    all.insert(all.end(), channel.begin(), channel.end());
  }
  return all;
}

std::vector<std::string> backends_of(const HybridPipeline& model) {
  std::vector<std::string> names;
  for (const StepReport& step : model.report().steps) names.push_back(step.backend);
  return names;
}

TEST(HybridPipeline, EqualsTheCpuOverAThousandBlocks) {
  HybridPipeline model = codec(StageDevice::gpu, StageDevice::cpu, StageDevice::gpu);
  HybridPipeline alone = codec({}, {}, {});
  const FakeGpuBackend gpu;
  model.build_stream({.channels = 2, .block_frames = kBlock}, gpu.backend);
  alone.build_stream({.channels = 2, .block_frames = kBlock});
  EXPECT_TRUE(model.on_gpu());
  EXPECT_FALSE(alone.on_gpu());
  EXPECT_EQ(model.latency_samples(), alone.latency_samples());
  const std::vector<std::string> backends = backends_of(model);
  EXPECT_EQ(backends.front(), "fake");
  EXPECT_EQ(backends.back(), "fake");
  EXPECT_THAT(backends, Contains("cpu"));
  EXPECT_THAT(backends_of(alone), Each("cpu"));
  for (unsigned block = 0; block < 1000; ++block) {
    // Both run the same kernels.
    ASSERT_EQ(process(model, kBlock, block), process(alone, kBlock, block)) << block;
  }
}

TEST(HybridPipeline, TakesAnyOtherSplitAndBlocksOfAnyLength) {
  HybridPipeline alone = codec({}, {}, {});
  alone.build_stream({.channels = 2, .block_frames = kBlock});
  const auto devices = {StageDevice::automatic, StageDevice::cpu, StageDevice::gpu};
  for (const StageDevice encoder : devices) {
    for (const StageDevice middle : devices) {
      for (const StageDevice decoder : devices) {
        HybridPipeline model = codec(encoder, middle, decoder);
        const FakeGpuBackend gpu;
        model.build_stream({.channels = 2, .block_frames = kBlock}, gpu.backend);
        alone.reset();
        for (unsigned block = 0; block < 12; ++block) {
          const std::size_t frames = 1 + 37 * block % 150;
          ASSERT_EQ(process(model, frames, block), process(alone, frames, block)) << block;
        }
        model.reset();
        alone.reset();
        ASSERT_EQ(process(model, kBlock, 7), process(alone, kBlock, 7));
      }
    }
  }
}

TEST(HybridPipeline, WithoutAGpuItIsTheSequenceOfItsLayersAndRealTime) {
  HybridPipeline model = codec(StageDevice::gpu, StageDevice::cpu, StageDevice::gpu);
  model.build_stream({.channels = 2, .block_frames = kBlock});
  const AudioBuffer in = noise(kBlock, 1);
  AudioBuffer out(3, kBlock);
  const testing::RealtimeGuard guard;
  for (int block = 0; block < 10; ++block) model.process(in.view(), out.view());
  model.reset();
}

TEST(HybridPipeline, AutomaticStagesGoWhereTheFiguresSendThem) {
  StreamOptions options{.channels = 2, .block_frames = kBlock};
  const FakeGpuBackend gpu;
  HybridPipeline model = codec({}, {}, {});
  model.build_stream(options, gpu.backend);
  EXPECT_FALSE(model.on_gpu()) << "a tiny network";
  EXPECT_THAT(model.report().placement, ::testing::HasSubstr("automatic: 0 operations on fake"));
  // A processor of the last century.
  options.tolerances.cpu_mflop_rate = 1;
  options.tolerances.cpu_mbyte_rate = 1;
  model.build_stream(options, gpu.backend);
  EXPECT_TRUE(model.on_gpu());
  EXPECT_THAT(backends_of(model), Each("fake"));
}

TEST(HybridPipeline, WhenTheGpuIsLostABlockIsSilentAndTheCpuGoesOn) {
  HybridPipeline model = codec(StageDevice::gpu, StageDevice::cpu, StageDevice::gpu);
  HybridPipeline alone = codec({}, {}, {});
  const FakeGpuBackend gpu;
  model.build_stream({.channels = 2, .block_frames = kBlock}, gpu.backend);
  alone.build_stream({.channels = 2, .block_frames = kBlock});
  process(model, kBlock, 0);
  EXPECT_EQ(model.take_trouble(), Trouble::none);
  gpu.device->lost = true;
  // What was complete before is heard; then silence.
  const std::vector<float> silent = process(model, kBlock, 1);
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t i = model.latency_samples(); i < kBlock; ++i)
      ASSERT_EQ(silent[c * kBlock + i], 0);
  }
  EXPECT_EQ(model.take_trouble(), Trouble::device_lost);
  EXPECT_FALSE(model.on_gpu());
  for (unsigned block = 2; block < 6; ++block) {
    ASSERT_EQ(process(model, kBlock, block), process(alone, kBlock, block));
  }
  EXPECT_EQ(model.take_trouble(), Trouble::none);
  gpu.device->lost = false;  // for its memory
}

TEST(HybridPipeline, AGpuWithoutEnoughMemoryIsAnErrorAndTheCpuDoesIt) {
  HybridPipeline model = codec(StageDevice::gpu, StageDevice::cpu, StageDevice::gpu);
  HybridPipeline alone = codec({}, {}, {});
  alone.build_stream({.channels = 2, .block_frames = kBlock});
  const FakeGpuBackend gpu;
  gpu.device->free_bytes = 100;
  EXPECT_THROW(model.build_stream({.channels = 2, .block_frames = kBlock}, gpu.backend), Error);
  EXPECT_FALSE(model.on_gpu());
  EXPECT_EQ(process(model, kBlock, 1), process(alone, kBlock, 1));
  EXPECT_EQ(gpu.device->allocations, 0);
}

TEST(HybridPipeline, PlansWholeSignals) {
  const HybridPipeline model = codec(StageDevice::gpu, StageDevice::cpu, StageDevice::gpu);
  const FakeGpuBackend gpu;
  Plan split = model.plan({1, 40, 2}, {}, gpu.backend);
  Plan alone = model.plan({1, 40, 2}, {});
  for (Plan* plan : {&split, &alone}) {
    std::mt19937 generator(9);
    for (float& v : plan->input("x").values_as<float>())
      v = static_cast<float>(generator() % 100) * 0.01F;
    plan->run();
  }
  EXPECT_EQ(split.statistics().copies, 4U);
  const std::span<const float> a = split.output("y").values_as<float>();
  const std::span<const float> b = alone.output("y").values_as<float>();
  EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin(), b.end()));
}

}  // namespace
}  // namespace metalaudio::nn::layers

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/models/htdemucs/network.h>
#include <metalaudio/models/model_options.h>
#include <metalaudio/nn/cpu_backend.h>
#include <metalaudio/nn/cuda_backend.h>
#include <metalaudio/nn/layers/conv1d.h>
#include <metalaudio/nn/layers/conv_transpose1d.h>
#include <metalaudio/nn/layers/hybrid_pipeline.h>
#include <metalaudio/nn/layers/lstm.h>

#include <algorithm>
#include <random>
#include <span>
#include <vector>

namespace metalaudio::nn::layers {
namespace {

using ::testing::Contains;
using ::testing::Each;

constexpr std::size_t kBlock = 256;

HybridPipeline codec(StageDevice ends, StageDevice middle) {
  HybridPipeline model;
  model.add(Conv1d({.in_channels = 1,
                    .out_channels = 64,
                    .kernel_size = 16,
                    .stride = 8,
                    .padding = kSame,
                    .causal = true}),
            ends);
  model.add(Lstm({.input_size = 64, .hidden_size = 64, .num_layers = 2}), middle);
  model.add(
      ConvTranspose1d(
          {.in_channels = 64, .out_channels = 1, .kernel_size = 16, .stride = 8, .causal = true}),
      ends);
  std::mt19937 generator(5);
  std::normal_distribution<float> normal(0, 0.15F);
  for (const auto& [name, shape] : model.parameters()) {
    Tensor tensor(shape);
    for (float& value : tensor.values()) value = normal(generator);
    model.set(name, std::move(tensor));
  }
  return model;
}

std::vector<std::string> backends_of(const PlanReport& report) {
  std::vector<std::string> names;
  for (const StepReport& step : report.steps) names.push_back(step.backend);
  return names;
}

/// The error's energy relative to the signal's, over a thousand blocks.
double error_over_blocks(HybridPipeline& model) {
  HybridPipeline alone = codec({}, {});
  alone.build_stream({.channels = 1, .block_frames = kBlock});
  AudioBuffer in(1, kBlock), mine(1, kBlock), expected(1, kBlock);
  std::mt19937 generator(2);
  std::normal_distribution<float> normal;
  double errors = 0;
  double squares = 0;
  for (int block = 0; block < 1000; ++block) {
    for (float& v : in.view().channel(0)) v = normal(generator);
    model.process(in.view(), mine.view());
    alone.process(in.view(), expected.view());
    for (std::size_t i = 0; i < kBlock; ++i) {
      const double y = expected.view().channel(0)[i];
      const double d = mine.view().channel(0)[i] - y;
      errors += d * d;
      squares += y * y;
    }
  }
  EXPECT_GT(squares, 0);
  return errors / squares;
}

TEST(HybridPipelineOnAGpu, EqualsTheCpuOverAThousandBlocks) {
  const std::shared_ptr<const Backend> gpu = make_cuda_backend(open_device(DeviceType::cuda));
  HybridPipeline model = codec(StageDevice::gpu, StageDevice::cpu);
  model.build_stream({.channels = 1, .block_frames = kBlock}, gpu);
  const std::vector<std::string> backends = backends_of(model.report());
  EXPECT_EQ(backends.front(), "cuda");
  EXPECT_EQ(backends.back(), "cuda");
  EXPECT_THAT(backends, Contains("cpu"));
  // Float32 in another order of sums, which a state carries on but does not gather.
  EXPECT_LT(error_over_blocks(model), 1e-11);
  EXPECT_TRUE(model.on_gpu());
  EXPECT_EQ(model.take_trouble(), Trouble::none);
}

TEST(HybridPipelineOnAGpu, EqualsTheCpuWithAllOfItThere) {
  const std::shared_ptr<const Backend> gpu = find_cuda_backend();
  HybridPipeline model = codec(StageDevice::gpu, StageDevice::gpu);
  model.build_stream({.channels = 1, .block_frames = kBlock}, gpu);
  EXPECT_THAT(backends_of(model.report()), Each("cuda"));
  EXPECT_LT(error_over_blocks(model), 1e-11);
}

TEST(PlacementOnAGpu, ATinyNetworkStaysOnTheCpuAndHTDemucsGoesToTheGpu) {
  const std::shared_ptr<const Backend> gpu = find_cuda_backend();
  HybridPipeline model = codec({}, {});
  model.build_stream({.channels = 1, .block_frames = 64}, gpu);
  EXPECT_FALSE(model.on_gpu()) << model.report().placement;

  models::HTDemucsConfig config;
  RandomState random(1);
  PlanOptions options;
  options.backends = {make_cpu_backend(), gpu};
  options.placement = Placement::automatic;
  const Plan plan(models::build_htdemucs(config, Weights(random), models::Mode::full, 1), options);
  EXPECT_THAT(backends_of(plan.report()), Each("cuda")) << plan.report().placement;
}

}  // namespace
}  // namespace metalaudio::nn::layers

#include <gtest/gtest.h>
#include <metalaudio/models/htdemucs/network.h>
#include <metalaudio/nn/plan.h>

#include <algorithm>
#include <random>

#include "tests/support/test_paths.h"

namespace metalaudio::models {
namespace {

class HTDemucsBatch : public testing::TestWithParam<const char*> {};

/// A sum's order does not depend on what else is computed, so the bits are the same.
TEST_P(HTDemucsBatch, ThreeSegmentsAtATimeAreThoseOfThreeRuns) {
  constexpr std::size_t kBatch = 3;
  const nn::StateFile file =
      nn::load_state(golden_dir() / "htdemucs" / (std::string(GetParam()) + ".model.safetensors"));
  const HTDemucsConfig config = read_htdemucs_config(file);
  for (const Mode mode : {Mode::full, Mode::time_only}) {
    nn::Plan one(build_htdemucs(config, nn::Weights(file), mode), {});
    nn::Plan many(build_htdemucs(config, nn::Weights(file), mode, kBatch), {});
    const std::vector<const char*> ports =
        mode == Mode::full ? std::vector{"waveform", "spectrogram"} : std::vector{"waveform"};
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    std::map<std::string, std::vector<float>> inputs;
    for (const char* name : ports) {
      ASSERT_EQ(many.input(name).shape().rank(), one.input(name).shape().rank() + 1);
      ASSERT_EQ(many.input(name).size(), kBatch * one.input(name).size());
      std::vector<float>& values = inputs[name];
      for (std::size_t i = 0; i < many.input(name).size(); ++i) values.push_back(normal(random));
      std::ranges::copy(values, many.input(name).data_as<float>());
    }
    many.run();
    for (std::size_t segment = 0; segment < kBatch; ++segment) {
      for (const char* name : ports) {
        const std::size_t size = one.input(name).size();
        std::copy_n(inputs[name].data() + segment * size, size, one.input(name).data_as<float>());
      }
      one.run();
      for (const char* name : ports) {
        const std::span<const float> expected = one.output(name).values_as<float>();
        const std::span<const float> actual = many.output(name).values_as<float>().subspan(
            segment * expected.size(), expected.size());
        EXPECT_TRUE(std::ranges::equal(actual, expected)) << name << " of segment " << segment;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, HTDemucsBatch,
                         testing::Values("htdemucs", "htdemucs_6s", "five_levels_merged",
                                         "five_levels_open", "merged_early", "mono_one_source",
                                         "transformer_group_norm", "transformer_scaled_embedding",
                                         "transformer_cape"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace metalaudio::models

#include <gtest/gtest.h>
#include <metalaudio/models/htdemucs/config.h>
#include <metalaudio/models/htdemucs/network.h>
#include <metalaudio/nn/compiler/rewriter.h>
#include <metalaudio/nn/cpu_backend.h>
#include <metalaudio/nn/plan.h>

#include <random>

#include "tests/support/fake_backend.h"
#include "tests/support/test_paths.h"

namespace metalaudio::models {
namespace {

using Place = std::function<int(std::size_t index, const nn::Node& node)>;

/// The network with its nodes placed on the CPU (0) or on a device with memory of its own (1).
nn::Graph placed(const nn::Graph& graph, const Place& place) {
  nn::Rewriter rewriter(graph);
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    nn::Node node = graph.nodes()[i];
    node.place = place(i, node);
    rewriter.copy(node);
  }
  return rewriter.finish();
}

nn::Graph network(const std::string& name) {
  const nn::StateFile model =
      nn::load_state(golden_dir() / "htdemucs" / (name + ".model.safetensors"));
  return build_htdemucs(read_htdemucs_config(model), nn::Weights(model), Mode::full);
}

void fill(nn::Plan& plan) {
  std::mt19937 generator(1);
  std::normal_distribution<float> normal;
  for (const char* name : {"waveform", "spectrogram"}) {
    for (float& v : plan.input(name).values_as<float>()) v = normal(generator);
  }
}

class HTDemucsOnTwoBackends : public testing::TestWithParam<const char*> {
 protected:
  /// Both run the same kernels, so that nothing but a copy that is missing or wrong makes a
  /// difference, as long as the same nodes were fused.
  void expect_same(const Place& place, double tolerance) {
    const nn::Graph graph = network(GetParam());
    nn::Plan alone(graph, {});
    const auto device = std::make_shared<FakeDevice>();
    nn::PlanOptions options;
    options.backends = {nn::make_cpu_backend(), std::make_shared<nn::FakeBackend>(
                                                    nn::FakeBackendOptions{.device = device})};
    nn::Plan plan(placed(graph, place), options);
    std::map<std::string, std::size_t> steps;
    for (const nn::StepReport& step : plan.report().steps) ++steps[step.backend];
    EXPECT_GT(steps["cpu"], plan.statistics().steps / 8);
    EXPECT_GT(steps["fake"], plan.statistics().steps / 6);
    EXPECT_GT(plan.statistics().copies, 2U);
    fill(alone);
    alone.run();
    for (int run = 0; run < 2; ++run) {
      const int before = device->copies;
      fill(plan);
      plan.run();
      EXPECT_EQ(static_cast<std::size_t>(device->copies - before), plan.statistics().copies);
      for (const char* name : {"waveform", "spectrogram"}) {
        const std::span<const float> y = plan.output(name).values_as<float>();
        const std::span<const float> expected = alone.output(name).values_as<float>();
        double error = 0;
        double power = 0;
        for (std::size_t i = 0; i < y.size(); ++i) {
          error += (y[i] - expected[i]) * (y[i] - expected[i]);
          power += expected[i] * expected[i];
        }
        EXPECT_LE(error, tolerance * power) << name;
      }
    }
  }
};

TEST_P(HTDemucsOnTwoBackends, EverySecondNode) {
  // Fewer nodes are fused, so that sums are rounded elsewhere: -120 dB, the mark for float32.
  expect_same([](std::size_t index, const nn::Node&) { return static_cast<int>(index % 2); },
              1e-12);
}

TEST_P(HTDemucsOnTwoBackends, TheFirstHalf) {
  const std::size_t half = network(GetParam()).nodes().size() / 2;
  expect_same([half](std::size_t index, const nn::Node&) { return index < half ? 1 : 0; }, 1e-12);
}

TEST_P(HTDemucsOnTwoBackends, TheSpectrogramsBranchAndTheTransformer) {
  // The time branch's labels begin with a t.
  expect_same(
      [](std::size_t, const nn::Node& node) {
        return node.label.starts_with("tencoder") || node.label.starts_with("tdecoder") ? 0 : 1;
      },
      1e-12);
}

INSTANTIATE_TEST_SUITE_P(Models, HTDemucsOnTwoBackends,
                         testing::Values("htdemucs", "merged_early", "transformer_post_norm"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace metalaudio::models

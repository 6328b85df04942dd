#include <gtest/gtest.h>
#include <metalaudio/models/amp/model.h>
#include <metalaudio/models/amp/runner.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/simd_targets.h"
#include "tests/support/test_paths.h"

namespace metalaudio::models {
namespace {

using nlohmann::json;

TEST(AmpConv2d, EqualsPyTorch) {
  std::ifstream file(golden_dir() / "amp" / "conv2d.json");
  const json cases = json::parse(file);
  ASSERT_GT(cases.size(), 10U);
  for (const json& tested : cases) {
    const std::string text = tested["model"].dump();
    const auto in = tested["in"].get<std::vector<std::vector<float>>>();
    const auto expected = tested["out"].get<std::vector<std::vector<float>>>();
    for_each_target([&](const char* target) {
      SCOPED_TRACE(tested["name"].get<std::string>() + " on " + target);
      amp::Model model = amp::read_model(std::as_bytes(std::span<const char>(text)), {});
      const auto program = std::make_shared<const amp::Program>(std::move(model.program));
      ASSERT_EQ(program->in.channels, in[0].size());
      ASSERT_EQ(program->out.channels, expected[0].size());
      std::vector<std::vector<float>> x(in[0].size(), std::vector<float>(in.size()));
      for (std::size_t t = 0; t < in.size(); ++t)
        for (std::size_t c = 0; c < x.size(); ++c) x[c][t] = in[t][c];
      std::vector<std::vector<float>> y(expected[0].size(), std::vector<float>(in.size()));
      std::vector<const float*> from;
      std::vector<float*> to;
      for (const auto& row : x) from.push_back(row.data());
      for (auto& row : y) to.push_back(row.data());
      amp::Runner(program, false, 0).process(from.data(), to.data(), in.size());
      double peak = 0.0, most = 0.0;
      for (std::size_t t = 0; t < in.size(); ++t)
        for (std::size_t c = 0; c < y.size(); ++c) {
          peak = std::max(peak, std::abs(static_cast<double>(expected[t][c])));
          most = std::max(most, std::abs(static_cast<double>(y[c][t]) - expected[t][c]));
        }
      // Sums of some dozen products in float32.
      EXPECT_LT(most / peak, 1e-5);
    });
  }
}

}  // namespace
}  // namespace metalaudio::models

#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/models/amp/amp.h>
#include <metalaudio/models/amp/model.h>
#include <metalaudio/models/amp/runner.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace metalaudio::models {
namespace {

const std::filesystem::path kShared = METALAUDIO_SHARED_DIR;

std::vector<char> bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<float> floats_of(const std::string& name) {
  const std::vector<char> bytes = bytes_of(kShared / "goldens/nam" / (name + ".f32"));
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

/// The largest difference over the largest magnitude.
double difference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double most = 0.0;
  double peak = 0.0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (!std::isfinite(a[i])) return 1.0;
    most = std::max(most, std::abs(static_cast<double>(a[i]) - b[i]));
    peak = std::max(peak, std::abs(static_cast<double>(b[i])));
  }
  return most / peak;
}

std::vector<float> run(const std::filesystem::path& file, const AmpOptions& options,
                       const std::vector<float>& in) {
  Amp amp(file, options);
  std::vector<float> out(in.size());
  amp.process(in, out);
  EXPECT_EQ(amp.status(), Trouble::none);
  return out;
}

// The originals run in float32: 1e-5 leaves room for another order of additions.
constexpr double kTolerance = 1e-5;

struct NamCase {
  std::string model;
  std::string golden;
  double slim;
  bool prewarm;
};

class NamGolden : public ::testing::TestWithParam<NamCase> {};

TEST_P(NamGolden, EqualsNeuralAmpModelerCore) {
  const NamCase& c = GetParam();
  AmpOptions options;
  options.slim = c.slim;
  options.prewarm = c.prewarm;
  const std::vector<float> out =
      run(kShared / "models/nam" / (c.model + ".nam"), options, floats_of("input_16384"));
  const double error = difference(out, floats_of(c.golden));
  RecordProperty("difference", std::to_string(error));
  EXPECT_LT(error, kTolerance);
}

std::vector<NamCase> nam_cases() {
  std::vector<NamCase> cases{
      {"identity/linear_1", "identity_linear_1.prewarm", 1.0, true},
      {"identity/linear_10", "identity_linear_10.prewarm", 1.0, true},
      {"identity/wavenet_minimal", "identity_wavenet_minimal.prewarm", 1.0, true},
      {"identity/wavenet_standard", "identity_wavenet_standard.prewarm", 1.0, true}};
  for (const char* name : {"A2", "lstm", "slimmable_container", "slimmable_wavenet", "wavenet",
                           "wavenet_a1_standard"}) {
    cases.push_back({name, std::string(name) + ".prewarm", 1.0, true});
    cases.push_back({name, std::string(name) + ".noprewarm", 1.0, false});
  }
  for (const char* name : {"A2", "slimmable_container", "slimmable_wavenet"}) {
    for (const char* slim : {"0", "0.4", "0.5", "0.7"})
      cases.push_back(
          {name, std::string(name) + ".slim" + slim + ".prewarm", std::stod(slim), true});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(All, NamGolden, ::testing::ValuesIn(nam_cases()), [](const auto& tested) {
  std::string name = tested.param.golden;
  std::ranges::replace_if(
      name, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
});

/// One row per line.
std::vector<std::vector<float>> table(const std::string& name) {
  std::ifstream file(kShared / "goldens/rtneural" / (name + "_python.csv"));
  std::vector<std::vector<float>> rows;
  for (std::string line; std::getline(file, line);) {
    std::stringstream cells(line);
    rows.emplace_back();
    for (std::string cell; std::getline(cells, cell, ',');) rows.back().push_back(std::stof(cell));
  }
  return rows;
}

class RtNeuralGolden : public ::testing::TestWithParam<std::string> {};

TEST_P(RtNeuralGolden, EqualsTheExportedNetwork) {
  std::vector<float> in;
  for (const auto& row : table(GetParam() + "_x")) in.push_back(row[0]);
  std::vector<float> expected;
  for (const auto& row : table(GetParam() + "_y")) expected.push_back(row[0]);
  const std::vector<float> out = run(kShared / "models/rtneural" / (GetParam() + ".json"), {}, in);
  EXPECT_LT(difference(out, expected), kTolerance);
}

INSTANTIATE_TEST_SUITE_P(All, RtNeuralGolden,
                         ::testing::Values("conv", "dense", "gru", "gru_1d", "gru_torch", "lstm",
                                           "lstm_1d", "lstm_torch"),
                         [](const auto& tested) { return tested.param; });

TEST(RtNeuralGoldens, ATorchConvolutionHasTwelveOutputs) {
  const std::vector<char> file = bytes_of(kShared / "models/rtneural/conv1d_torch.json");
  amp::Model model = amp::read_model(std::as_bytes(std::span(file)), {});
  const auto program = std::make_shared<const amp::Program>(std::move(model.program));
  amp::Runner runner(program, false, 0);
  std::vector<float> in;
  for (const auto& row : table("conv1d_torch_x")) in.push_back(row[0]);
  const auto expected = table("conv1d_torch_y");
  ASSERT_EQ(expected.size(), program->out.channels);
  std::vector<std::vector<float>> out(expected.size(), std::vector<float>(in.size()));
  std::vector<float*> pointers;
  for (auto& row : out) pointers.push_back(row.data());
  const float* x = in.data();
  runner.process(&x, pointers.data(), in.size());
  for (std::size_t c = 0; c < out.size(); ++c) {
    // PyTorch's output begins where the kernel of five is filled.
    EXPECT_LT(difference({out[c].begin() + 4, out[c].end()}, expected[c]), kTolerance);
  }
}

TEST(RtNeuralGoldens, WeightsOfAnotherSizeThanTheShapeAreRefused) {
  EXPECT_THROW(Amp(kShared / "models/rtneural/bad_lstm.json"), Error);
  EXPECT_THROW(Amp(kShared / "models/rtneural/convtranspose1d_torch.json"), Error);
}

}  // namespace
}  // namespace metalaudio::models

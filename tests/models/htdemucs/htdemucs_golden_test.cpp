#include <gtest/gtest.h>
#include <metalaudio/models/htdemucs/htdemucs.h>
#include <metalaudio/models/htdemucs/network.h>
#include <metalaudio/models/htdemucs/spectrogram.h>
#include <metalaudio/nn/plan.h>

#include <cmath>
#include <map>

#include "tests/support/test_paths.h"

namespace metalaudio::models {
namespace {

/// Upstream's tensors and the network that made them; tests/golden/htdemucs/README.md says how.
struct Golden {
  explicit Golden(const std::string& name)
      : model(nn::load_state(golden_dir() / "htdemucs" / (name + ".model.safetensors"))),
        tensors(nn::load_state(golden_dir() / "htdemucs" / (name + ".golden.safetensors")).state) {}

  nn::StateFile model;
  std::map<std::string, Tensor> tensors;
};

double decibels(double signal, double noise) { return 10 * std::log10(signal / noise); }

double signal_to_noise(std::span<const float> actual, std::span<const float> expected) {
  double signal = 0;
  double noise = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    signal += static_cast<double>(expected[i]) * expected[i];
    noise += (static_cast<double>(actual[i]) - expected[i]) * (actual[i] - expected[i]);
  }
  return decibels(signal, noise);
}

/// The mark for float32. The reference's own noise lies 6 to 15 dB below it.
constexpr double kFloatDecibels = 120;
/// One layer in the middle, seen through at most 1024 values: where terms cancel, the noise of
/// either side stands out by a few decibels more. A wrong kernel is below 60.
constexpr double kLayerDecibels = 112;
/// Products of factors rounded to 8 bits, 30 to 60 of them one behind the other.
constexpr double kBf16Decibels = 40;

class HTDemucsGolden : public testing::TestWithParam<const char*> {
 protected:
  Golden golden_{GetParam()};
  ThreadPool pool_{2};

  std::vector<float> run(const ModelOptions& options) {
    HTDemucs network(golden_.model, options, pool_);
    std::vector<float> stems(network.sources().size() * golden_.tensors.at("mix").size());
    network.run(golden_.tensors.at("mix").values(), stems);
    return stems;
  }
};

TEST_P(HTDemucsGolden, EachSourceAgreesWithUpstream) {
  const std::vector<float> stems = run({});
  const Tensor& expected = golden_.tensors.at("output");
  const auto sources = static_cast<std::size_t>(expected.shape()[0]);
  const std::size_t size = expected.size() / sources;
  for (std::size_t s = 0; s < sources; ++s) {
    EXPECT_GE(signal_to_noise({stems.data() + s * size, size}, {expected.data() + s * size, size}),
              kFloatDecibels)
        << "source " << s;
  }
}

TEST_P(HTDemucsGolden, Bf16StaysWithinItsBound) {
  ModelOptions options;
  options.precision = Precision::bf16;
  EXPECT_GE(signal_to_noise(run(options), golden_.tensors.at("output").values()), kBf16Decibels);
}

/// Float32, or factors of 16 bits: 60 dB is promised; a part that is left out costs more than 90.
constexpr double kAutomaticDecibels = 90;

TEST_P(HTDemucsGolden, AutomaticStaysWithinItsBound) {
  ModelOptions options;
  options.precision = Precision::automatic;
  EXPECT_GE(signal_to_noise(run(options), golden_.tensors.at("output").values()),
            kAutomaticDecibels);
}

/// (x - mean) / (1e-5 + std), as HTDemucs.forward does to both inputs.
void normalise(std::span<float> values) {
  const auto count = static_cast<double>(values.size());
  double mean = 0;
  double squares = 0;
  for (const float v : values) mean += v / count;
  for (const float v : values) squares += (v - mean) * (v - mean);
  const double deviation = 1e-5 + std::sqrt(squares / (count - 1));
  for (float& v : values) v = static_cast<float>((v - mean) / deviation);
}

void write_inputs(const HTDemucsConfig& config, const Tensor& mix, nn::Plan& plan,
                  ThreadPool& pool) {
  const auto channels = static_cast<std::size_t>(config.audio_channels);
  const std::size_t segment = mix.size() / channels;
  Spectrogram(config, channels, pool)
      .forward(mix.values(), plan.input("spectrogram").values_as<float>());
  const std::span<float> waveform = plan.input("waveform").values_as<float>();
  for (std::size_t i = 0; i < mix.size(); ++i) {
    waveform[i % segment * channels + i / segment] = mix.data()[i];
  }
  normalise(plan.input("spectrogram").values_as<float>());
  normalise(waveform);
}

/// An intermediate tensor in upstream's order of axes.
struct Intermediate {
  std::vector<float> values;
  std::vector<std::int64_t> extents;
};

/// [rows][positions][channels] to [channels, rows, positions], to [channels, positions] for one row
/// of time, or to tokens (t fr) x channels.
Intermediate in_upstream_order(const std::string& name, std::span<const float> x, Shape shape,
                               std::int64_t token_rows) {
  Intermediate out;
  const bool tokens =
      name.find("tokens") != std::string::npos || name.find(".layers") != std::string::npos;
  if (tokens) {
    const std::int64_t rows =
        name.ends_with("_t") || name.find("_t.") != std::string::npos ? 1 : token_rows;
    const std::int64_t steps = shape[1] / rows;
    for (std::int64_t t = 0; t < steps; ++t) {
      for (std::int64_t r = 0; r < rows; ++r) {
        const float* token = x.data() + (r * steps + t) * shape[2];
        out.values.insert(out.values.end(), token, token + shape[2]);
      }
    }
    out.extents = {shape[1], shape[2]};
    return out;
  }
  for (std::int64_t c = 0; c < shape[2]; ++c) {
    for (std::int64_t i = 0; i < shape[0] * shape[1]; ++i) {
      out.values.push_back(x[static_cast<std::size_t>(i * shape[2] + c)]);
    }
  }
  const bool time = name[0] == 't' && (name.rfind("transformer", 0) != 0 || name.ends_with("_t"));
  if (time) {
    out.extents = {shape[2], shape[1]};
  } else {
    out.extents = {shape[2], shape[0], shape[1]};
  }
  return out;
}

TEST_P(HTDemucsGolden, EveryLayerAgreesWithUpstream) {
  const HTDemucsConfig config = read_htdemucs_config(golden_.model);
  std::vector<std::string> taps;
  for (const auto& [name, tensor] : golden_.tensors) {
    const bool layer = name.find("coder.") != std::string::npos || name == "freq_emb" ||
                       name.rfind("transformer", 0) == 0;
    if (name == "freq_emb" && config.freq_emb == 0) continue;
    if (layer && !name.ends_with(".layout") && !name.ends_with(".sums")) taps.push_back(name);
  }
  const nn::Graph graph = build_htdemucs(config, nn::Weights(golden_.model), Mode::full, 1, taps);
  nn::PlanOptions options;
  options.pool = &pool_;
  nn::Plan plan(graph, options);
  write_inputs(config, golden_.tensors.at("mix"), plan, pool_);
  plan.run();

  std::int64_t token_rows = 1;
  for (const auto& [name, value] : graph.outputs()) {
    if (name == "transformer_in") token_rows = graph.shape(value)[0];
  }
  std::size_t compared = 0;
  for (const auto& [name, value] : graph.outputs()) {
    if (!golden_.tensors.contains(name)) continue;
    const Intermediate ours = in_upstream_order(name, plan.output(name).values_as<float>(),
                                                graph.shape(value), token_rows);
    const Tensor& expected = golden_.tensors.at(name);
    const auto stride = static_cast<std::size_t>(golden_.tensors.at(name + ".layout").data()[0]);
    std::vector<float> sampled;
    for (std::size_t i = 0; i < ours.values.size(); i += stride) sampled.push_back(ours.values[i]);
    ASSERT_EQ(sampled.size(), expected.size()) << name;
    EXPECT_GE(signal_to_noise(sampled, expected.values()), kLayerDecibels) << name;
    ++compared;
  }
  EXPECT_EQ(compared, taps.size());
}

TEST_P(HTDemucsGolden, TimeOnlyRunsTheTimeBranchOfTheSameWeights) {
  ModelOptions options;
  options.mode = Mode::time_only;
  const std::vector<float> stems = run(options);
  double energy = 0;
  for (const float v : stems) {
    ASSERT_TRUE(std::isfinite(v));
    energy += static_cast<double>(v) * v;
  }
  EXPECT_GT(energy, 0);
}

INSTANTIATE_TEST_SUITE_P(Models, HTDemucsGolden,
                         testing::Values("htdemucs", "htdemucs_6s", "code_defaults",
                                         "no_transformer", "five_levels_merged", "five_levels_open",
                                         "merged_early", "mono_one_source", "transformer_post_norm",
                                         "transformer_group_norm", "transformer_no_norms",
                                         "transformer_scaled_embedding", "transformer_cape"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace metalaudio::models

#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/models/amp/amp.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "benchmarks/nn/amp_models.h"
#include "tests/models/amp/amp_reference.h"
#include "tests/support/simd_targets.h"

namespace metalaudio::models {
namespace {

using nlohmann::json;

Amp make_amp(const json& file, const AmpOptions& options = {}) {
  const std::string text = file.dump();
  return Amp(std::as_bytes(std::span<const char>(text)), options);
}

AmpOptions from_silence() {
  AmpOptions options;
  options.prewarm = false;
  return options;
}

/// The number of weights that a file's network takes, by what the reader says of too few.
json with_weights(json file, std::uint32_t seed, bool positive = false) {
  for (std::size_t count = 1; count < 100000;) {
    std::vector<float> weights = amp_models::random_weights(count, seed);
    for (float& w : weights) w = positive ? std::abs(w) + 0.05F : w;
    file["weights"] = weights;
    try {
      make_amp(file);
      return file;
    } catch (const Error& error) {
      std::size_t have = 0;
      std::size_t need = 0;
      std::size_t first = 0;
      if (std::sscanf(error.what(),
                      "[Amp] %zu weights: too few, %zu are needed after the first %zu", &have,
                      &need, &first) != 3)
        throw;
      count = first + need;
    }
  }
  throw std::runtime_error("no number of weights fits");
}

/// In double and loop by loop against float in vectors: sums of some hundred products.
constexpr double kTolerance = 1e-5;

void expect_equals_reference(const json& file) {
  const std::vector<float> x = amp_models::random_weights(700, 77, 0.8F);
  const Signals expected = nam_reference(file, {{x.begin(), x.end()}});
  double peak = 1e-30;
  for (const double v : expected[0]) peak = std::max(peak, std::abs(v));
  for_each_target([&](const char* target) {
    Amp amp = make_amp(file, from_silence());
    std::vector<float> y(x.size());
    amp.process(x, y);
    double most = 0.0;
    for (std::size_t t = 0; t < y.size(); ++t)
      most = std::max(most, std::abs(y[t] - expected[0][t]));
    EXPECT_LT(most / peak, kTolerance) << target << file["config"].dump().substr(0, 400);
  });
}

json layer_array() {
  return {{"input_size", 1},
          {"condition_size", 1},
          {"channels", 6},
          {"kernel_size", 3},
          {"dilations", {1, 5, 20}},
          {"activation", "Tanh"},
          {"head", {{"out_channels", 1}, {"kernel_size", 1}, {"bias", true}}}};
}

json wavenet(const std::vector<json>& arrays) {
  return amp_models::nam_file("WaveNet", {{"layers", arrays}, {"head", nullptr}, {"head_scale", 1}},
                              {});
}

json changed(json array, const json& changes) {
  array.update(changes);
  return array;
}

TEST(AmpFormats, WaveNetsOfEveryWidthEqualTheReference) {
  std::uint32_t seed = 10;
  for (const int channels : {1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 17})
    expect_equals_reference(
        with_weights(wavenet({changed(layer_array(), {{"channels", channels}})}), ++seed));
}

TEST(AmpFormats, EveryActivationEqualsTheReference) {
  const std::vector<json> activations{
      "Tanh",
      "Hardtanh",
      "Fasttanh",
      "ReLU",
      "Sigmoid",
      "SiLU",
      "Hardswish",
      "Softsign",
      "LeakyReLU",
      json{{"type", "LeakyReLU"}, {"negative_slope", 0.2}},
      json{{"type", "PReLU"}, {"negative_slopes", {0.1, 0.2, -0.3, 0.4, 0.5, 0.6}}},
      json{{"type", "LeakyHardtanh"}, {"min_val", -0.2}, {"max_val", 0.1}, {"min_slope", 0.3}}};
  std::uint32_t seed = 30;
  for (const json& activation : activations)
    expect_equals_reference(
        with_weights(wavenet({changed(layer_array(), {{"activation", activation}})}), ++seed));
}

TEST(AmpFormats, EachOptionOfAWaveNetEqualsTheReference) {
  const json group_film{{"active", true}, {"shift", true}, {"groups", 1}};
  const std::vector<json> options{
      {{"gated", true}},
      {{"gating_mode", "gated"}, {"secondary_activation", "Softsign"}},
      {{"gating_mode", "blended"}},
      {{"gating_mode", {"none", "gated", "blended"}},
       {"secondary_activation", {nullptr, "Sigmoid", "Tanh"}}},
      {{"bottleneck", 4}},
      {{"kernel_sizes", {2, 5, 3}}, {"activation", {"Tanh", "ReLU", "Sigmoid"}}},
      {{"groups_input", 3}},
      {{"layer1x1", {{"active", false}, {"groups", 1}}}},
      {{"layer1x1", {{"active", true}, {"groups", 2}}}},
      {{"head1x1", {{"active", true}, {"out_channels", 4}, {"groups", 2}}}},
      {{"head", {{"out_channels", 1}, {"kernel_size", 9}, {"bias", false}}}},
      {{"head", {{"out_channels", 1}, {"kernel_size", 4}, {"bias", true}, {"head_dilation", 37}}}},
      {{"conv_pre_film", group_film}},
      {{"conv_post_film", group_film}},
      {{"input_mixin_pre_film", {{"shift", false}}}},
      {{"input_mixin_post_film", group_film}},
      {{"activation_pre_film", group_film}, {"gating_mode", "gated"}},
      {{"activation_post_film", group_film}, {"gating_mode", "blended"}},
      {{"layer1x1_post_film", group_film}, {"gating_mode", "blended"}},
      {{"layer1x1_post_film", group_film}},
      {{"head1x1", {{"active", true}, {"out_channels", 4}, {"groups", 1}}},
       {"head1x1_post_film", group_film}},
  };
  std::uint32_t seed = 50;
  for (const json& option : options) {
    json array = layer_array();
    if (option.contains("kernel_sizes")) array.erase("kernel_size");
    expect_equals_reference(with_weights(wavenet({changed(array, option)}), ++seed));
  }
}

TEST(AmpFormats, ArraysAHeadAfterThemAndAConditionEqualTheReference) {
  json first = changed(layer_array(),
                       {{"head", {{"out_channels", 4}, {"kernel_size", 1}, {"bias", false}}}});
  json second = changed(layer_array(), {{"input_size", 6}, {"channels", 4}});
  expect_equals_reference(with_weights(wavenet({first, second}), 80));

  json stacked = wavenet({changed(
      layer_array(), {{"head", {{"out_channels", 3}, {"kernel_size", 2}, {"bias", true}}}})});
  stacked["config"]["head"] = {{"channels", 5},
                               {"out_channels", 1},
                               {"kernel_sizes", {3, 1, 4}},
                               {"activation", "Softsign"}};
  expect_equals_reference(with_weights(stacked, 81));
}

TEST(AmpFormats, AConditionModelGivesEveryLayerItsInput) {
  // The inner model has three outputs, which an amp by itself refuses: its weights are counted
  // here.
  json inner_array =
      changed(layer_array(), {{"head", {{"out_channels", 4}, {"kernel_size", 1}, {"bias", true}}}});
  const std::size_t layer = 6 * 6 * 3 + 6 + 6 + 6 * 6 + 6;
  json inner = wavenet({inner_array});
  inner["weights"] = amp_models::random_weights(6 + 3 * layer + 4 * 6 + 4 + 1, 90);
  json outer = wavenet({changed(
      layer_array(), {{"condition_size", 4},
                      {"groups_input_mixin", 2},
                      {"conv_post_film", {{"active", true}, {"shift", true}, {"groups", 2}}}})});
  outer["config"]["condition_dsp"] = inner;
  expect_equals_reference(with_weights(outer, 91));
  outer["config"]["condition_dsp"]["sample_rate"] = 44100;
  EXPECT_THROW(with_weights(outer, 91), Error);
}

/// RTNeural's GRU and dense layer in double: gates z, r, n, the reset after the product.
std::vector<double> plain_gru(const json& file, std::span<const float> x) {
  const json& weights = file["layers"][0]["weights"];
  const auto at = [&](std::size_t part, std::size_t row, std::size_t column) {
    return weights[part][row][column].get<double>();
  };
  const json& dense = file["layers"][1]["weights"];
  const std::size_t units = weights[1].size();
  std::vector<double> h(units);
  std::vector<double> y;
  for (const float sample : x) {
    std::vector<double> input(3 * units);
    std::vector<double> hidden(3 * units);
    for (std::size_t g = 0; g < 3 * units; ++g) {
      input[g] = at(2, 0, g) + sample * at(0, 0, g);
      hidden[g] = at(2, 1, g);
      for (std::size_t k = 0; k < units; ++k) hidden[g] += h[k] * at(1, k, g);
    }
    const auto sigmoid = [](double v) { return 1 / (1 + std::exp(-v)); };
    double sum = dense[1][0].get<double>();
    for (std::size_t u = 0; u < units; ++u) {
      const double z = sigmoid(input[u] + hidden[u]);
      const double r = sigmoid(input[units + u] + hidden[units + u]);
      const double n = std::tanh(input[2 * units + u] + r * hidden[2 * units + u]);
      h[u] = (1 - z) * n + z * h[u];
      sum += h[u] * dense[0][u][0].get<double>();
    }
    y.push_back(sum);
  }
  return y;
}

TEST(AmpFormats, GruLayersOfEveryWidthEqualAPlainOne) {
  for (const std::size_t units : {1, 7, 8, 9, 16, 17, 24, 30, 32, 33, 40, 41, 75}) {
    const json file = amp_models::keras_recurrent("gru", units);
    const std::vector<float> x = amp_models::random_weights(300, 8, 0.7F);
    const std::vector<double> wanted = plain_gru(file, x);
    for_each_target([&](const char* target) {
      Amp amp = make_amp(file);
      std::vector<float> y(x.size());
      amp.process(x, y);
      // Sums of up to 75 products of about 0.1 in float32, in a state that forgets.
      for (std::size_t i = 0; i < x.size(); ++i)
        ASSERT_NEAR(y[i], wanted[i], 1e-5 * (1 + std::abs(wanted[i])))
            << target << ", " << units << " units, at " << i;
    });
  }
}

TEST(AmpFormats, OtherArchitecturesEqualTheReference) {
  for (const std::size_t units : {1, 3, 8, 16, 20, 30, 33, 40, 70})
    expect_equals_reference(amp_models::lstm(1, units));
  expect_equals_reference(amp_models::lstm(3, 12));
  for (const bool norm : {false, true}) {
    json config{{"channels", 6},
                {"dilations", {1, 2, 64, 300}},
                {"batchnorm", norm},
                {"activation", "Tanh"}};
    // A variance and an epsilon are not negative.
    const json file = with_weights(amp_models::nam_file("ConvNet", config, {}), 95, norm);
    expect_equals_reference(file);
  }
  for (const std::size_t taps : {1, 10, 300})
    expect_equals_reference(with_weights(
        amp_models::nam_file("Linear", {{"receptive_field", taps}, {"bias", true}}, {}), 97));
}

TEST(AmpFormats, FastTanhStaysClose) {
  AmpOptions options;
  options.tanh = AmpTanh::fast;
  Amp fast = make_amp(amp_models::a1(8, 4, "Tanh"), options);
  Amp exact = make_amp(amp_models::a1(8, 4, "Tanh"));
  const std::vector<float> x = amp_models::random_weights(4096, 5, 0.9F);
  std::vector<float> a(x.size());
  std::vector<float> b(x.size());
  fast.process(x, a);
  exact.process(x, b);
  double error = 0.0;
  double power = 0.0;
  for (std::size_t t = 0; t < x.size(); ++t) {
    error += std::pow(a[t] - b[t], 2.0);
    power += std::pow(b[t], 2.0);
  }
  // 2e-5 in each of twenty layers of values near one half: 70 dB below is inaudible in an amp.
  EXPECT_LT(error / power, 1e-7);
}

TEST(AmpFormats, ASlimModelIsTheOneOfItsFirstChannels) {
  json whole = wavenet({changed(layer_array(), {{"channels", 4}})});
  whole = with_weights(whole, 98);
  json slimmable = whole;
  slimmable["config"]["layers"][0]["slimmable"] = {{"method", "slice_channels_uniform"},
                                                   {"kwargs", {{"allowed_channels", {2, 4}}}}};
  const std::vector<float> x = amp_models::random_weights(300, 6, 0.9F);
  const auto run = [&](const json& file, double slim) {
    AmpOptions options = from_silence();
    options.slim = slim;
    Amp amp = make_amp(file, options);
    std::vector<float> y(x.size());
    amp.process(x, y);
    return y;
  };
  EXPECT_EQ(run(slimmable, 1.0), run(whole, 1.0));
  EXPECT_EQ(run(slimmable, 0.5), run(whole, 1.0));
  EXPECT_NE(run(slimmable, 0.49), run(whole, 1.0));
  EXPECT_EQ(run(slimmable, 0.49), run(slimmable, 0.0));
}

TEST(AmpFormats, MetadataIsRead) {
  const Amp amp = make_amp(amp_models::lstm(1, 4));
  EXPECT_EQ(amp.sample_rate_hz(), 48000.0);
  EXPECT_EQ(amp.loudness_db(), -20.0);
  EXPECT_EQ(amp.input_level_dbu(), 12.0);
  EXPECT_EQ(amp.output_level_dbu(), std::nullopt);
  EXPECT_EQ(amp.latency_samples(), 0U);
}

/// AIDA-X's file: RTNeural's JSON with gains in dB around the network and a way past it.
json aida_x(const json& more) {
  json file{{"in_shape", {nullptr, nullptr, 1}},
            {"layers",
             {{{"type", "dense"},
               {"activation", "tanh"},
               {"shape", {nullptr, nullptr, 1}},
               {"weights", {{{2.0}}, {0.125}}}}}}};
  file.update(more);
  return file;
}

TEST(AmpFormats, AidaXHasGainsAndASkip) {
  const std::vector<float> x{0.5F, -0.25F, 1.0F, 0.0F};
  const double in = std::pow(10.0, -6.0 / 20.0);
  const double out = std::pow(10.0, 3.5 / 20.0);
  const auto expect = [&](const json& more, double in_gain, double skip, double out_gain) {
    Amp amp = make_amp(aida_x(more));
    std::vector<float> y(x.size());
    amp.process(x, y);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double v = in_gain * static_cast<double>(x[i]);
      const double expected = out_gain * (std::tanh(2.0 * v + 0.125) + skip * v);
      EXPECT_NEAR(y[i], expected, 1e-6) << more << " " << x[i];  // of float32, near 1
    }
  };
  expect(json::object(), 1.0, 0.0, 1.0);
  expect({{"in_gain", -6.0}}, in, 0.0, 1.0);
  expect({{"out_gain", 3.5}}, 1.0, 0.0, out);
  expect({{"in_skip", 1}}, 1.0, 1.0, 1.0);
  expect({{"in_skip", 0}, {"in_gain", -6.0}, {"out_gain", 3.5}}, in, 0.0, out);
  expect({{"in_skip", 1}, {"in_gain", -6.0}, {"out_gain", 3.5}}, in, 1.0, out);
  expect({{"in_gain", nullptr}, {"in_skip", nullptr}}, 1.0, 0.0, 1.0);
  for (const json& bad : {json{{"in_skip", 2}}, json{{"in_gain", "loud"}}, json{{"out_gain", 1e9}},
                          json{{"metadata", {{"samplerate", 0}}}}})
    EXPECT_THROW(make_amp(aida_x(bad)), Error) << bad;
  EXPECT_EQ(make_amp(aida_x({{"samplerate", 44100}})).sample_rate_hz(), 44100.0);
  EXPECT_EQ(make_amp(aida_x({{"samplerate", 44100}, {"metadata", {{"samplerate", 96000}}}}))
                .sample_rate_hz(),
            96000.0);
}

TEST(AmpFormats, AidaXWithKnobsSkipsTheSoundAlone) {
  json file = amp_models::keras_recurrent("lstm", 5);
  file["in_shape"][2] = 2;
  file["layers"][0]["weights"][0] = amp_models::rows(2, 20, 12);
  Amp plain = make_amp(file);
  file["in_gain"] = 6.0;
  file["in_skip"] = 1;
  Amp amp = make_amp(file);
  ASSERT_EQ(amp.controls(), 1U);
  amp.set_control(0, 0.5F);
  plain.set_control(0, 0.5F);
  const std::vector<float> x = amp_models::random_weights(200, 3, 0.3F);
  std::vector<float> loud = x, y(x.size()), expected(x.size());
  for (float& v : loud) v *= std::pow(10.0F, 0.3F);
  amp.process(x, y);
  plain.process(loud, expected);
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(y[i], expected[i] + loud[i], 1e-6F);
}

/// GuitarML's file with a network that gives nothing but its bias.
json guitarml(std::size_t inputs, int skip) {
  const json zero_rows = [](std::size_t rows, std::size_t columns) {
    return json(std::vector<std::vector<float>>(rows, std::vector<float>(columns)));
  }(32, inputs);
  const json hidden = std::vector<std::vector<float>>(32, std::vector<float>(8));
  return {{"model_data",
           {{"unit_type", "LSTM"}, {"hidden_size", 8}, {"input_size", inputs}, {"skip", skip}}},
          {"state_dict",
           {{"rec.weight_ih_l0", zero_rows},
            {"rec.weight_hh_l0", hidden},
            {"rec.bias_ih_l0", std::vector<float>(32)},
            {"rec.bias_hh_l0", std::vector<float>(32)},
            {"lin.weight", {std::vector<float>(8)}},
            {"lin.bias", {0.25F}}}}};
}

TEST(AmpFormats, GuitarMlAddsTheInputWhereItSkips) {
  const std::vector<float> x{0.5F, -0.25F, 1.0F};
  std::vector<float> y(3);
  make_amp(guitarml(1, 1)).process(x, y);
  EXPECT_EQ(y, (std::vector<float>{0.75F, 0.0F, 1.25F}));
  make_amp(guitarml(1, 0)).process(x, y);
  EXPECT_EQ(y, (std::vector<float>{0.25F, 0.25F, 0.25F}));
  Amp knobs = make_amp(guitarml(3, 1));
  EXPECT_EQ(knobs.controls(), 2U);
  knobs.set_control(1, 0.5F);
  knobs.process(x, y);
  EXPECT_EQ(y, (std::vector<float>{0.75F, 0.0F, 1.25F}));
}

}  // namespace
}  // namespace metalaudio::models

#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

namespace metalaudio::amp_models {

using nlohmann::json;

/// Numbers that keep a network of this size from growing or dying out.
inline std::vector<float> random_weights(std::size_t count, std::uint32_t seed,
                                         float reach = 0.3F) {
  std::mt19937 random(seed);
  std::vector<float> weights(count);
  for (float& w : weights) w = reach * (2.0F * static_cast<float>(random()) / 4294967295.0F - 1.0F);
  return weights;
}

inline json nam_file(const std::string& architecture, const json& config,
                     const std::vector<float>& weights) {
  return {{"version", "0.7.0"},   {"architecture", architecture},
          {"config", config},     {"weights", weights},
          {"sample_rate", 48000}, {"metadata", {{"loudness", -20.0}, {"input_level_dbu", 12.0}}}};
}

/// The shape of the first generation: two arrays with dilations 1 to 512.
inline json a1(std::size_t channels, std::size_t head, const std::string& activation,
               std::uint32_t seed = 1) {
  const json dilations{1, 2, 4, 8, 16, 32, 64, 128, 256, 512};
  const auto array = [&](std::size_t in, std::size_t c, std::size_t out, bool bias) {
    return json{{"input_size", in},       {"condition_size", 1},      {"channels", c},
                {"head_size", out},       {"head_bias", bias},        {"kernel_size", 3},
                {"dilations", dilations}, {"activation", activation}, {"gated", false}};
  };
  const auto count = [](std::size_t in, std::size_t c, std::size_t out, bool bias) {
    return in * c + 10 * (3 * c * c + c + c + c * c + c) + c * out + (bias ? out : 0);
  };
  const std::size_t weights = count(1, channels, head, false) + count(channels, head, 1, true) + 1;
  return nam_file("WaveNet",
                  {{"layers", {array(1, channels, head, false), array(channels, head, 1, true)}},
                   {"head", nullptr},
                   {"head_scale", 0.02}},
                  random_weights(weights, seed));
}

/// The shape of the second: one array of 23 layers, LeakyReLU, a head over 16 frames.
inline json a2(std::size_t channels, std::uint32_t seed = 2) {
  const std::vector<std::size_t> seven{1, 3, 7, 17, 41, 101, 239};
  std::vector<std::size_t> dilations = seven;
  dilations.insert(dilations.end(), seven.begin(), seven.end());
  dilations.insert(dilations.end(), {1, 13});
  dilations.insert(dilations.end(), seven.begin(), seven.end());
  std::vector<std::size_t> kernels(23, 6);
  kernels[14] = kernels[15] = 15;
  std::size_t weights = channels + 16 * channels + 1 + 1;
  for (const std::size_t kernel : kernels)
    weights += kernel * channels * channels + channels + channels + channels * channels + channels;
  const json array{{"input_size", 1},
                   {"condition_size", 1},
                   {"channels", channels},
                   {"head", {{"out_channels", 1}, {"kernel_size", 16}, {"bias", true}}},
                   {"kernel_sizes", kernels},
                   {"dilations", dilations},
                   {"activation", {{"type", "LeakyReLU"}, {"negative_slope", 0.01}}}};
  return nam_file("WaveNet", {{"layers", {array}}, {"head", nullptr}, {"head_scale", 0.01}},
                  random_weights(weights, seed, 0.2F));
}

inline json lstm(std::size_t layers, std::size_t units, std::uint32_t seed = 3) {
  std::size_t weights = units + 1;
  for (std::size_t l = 0; l < layers; ++l)
    weights += 4 * units * ((l == 0 ? 1 : units) + units) + 4 * units + 2 * units;
  return nam_file("LSTM", {{"input_size", 1}, {"hidden_size", units}, {"num_layers", layers}},
                  random_weights(weights, seed));
}

inline json rows(std::size_t count, std::size_t columns, std::uint32_t seed) {
  json result = json::array();
  for (std::size_t r = 0; r < count; ++r)
    result.push_back(random_weights(columns, seed + static_cast<std::uint32_t>(r)));
  return result;
}

/// RTNeural's JSON: a GRU or LSTM and a dense layer.
inline json keras_recurrent(const std::string& type, std::size_t units, std::uint32_t seed = 4) {
  const std::size_t gates = type == "gru" ? 3 : 4;
  json weights{rows(1, gates * units, seed), rows(units, gates * units, seed + 10)};
  weights.push_back(type == "gru" ? rows(2, gates * units, seed + 1000)
                                  : json(random_weights(gates * units, seed + 1000)));
  return {{"in_shape", {nullptr, nullptr, 1}},
          {"layers",
           {{{"type", type},
             {"activation", "tanh"},
             {"shape", {nullptr, nullptr, units}},
             {"weights", weights}},
            {{"type", "dense"},
             {"activation", ""},
             {"shape", {nullptr, nullptr, 1}},
             {"weights", {rows(units, 1, seed + 2000), random_weights(1, seed + 3000)}}}}}};
}

}  // namespace metalaudio::amp_models

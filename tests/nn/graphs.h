#pragma once

#include <gtest/gtest.h>
#include <metalaudio/nn/layers/functional.h>
#include <metalaudio/nn/plan.h>

#include <algorithm>
#include <random>
#include <vector>

namespace metalaudio::nn {

// Small graphs and what tests do with them.

inline Value constant(Graph& graph, const Shape& shape, float value) {
  Tensor tensor(shape);
  std::fill(tensor.values().begin(), tensor.values().end(), value);
  return graph.constant(std::move(tensor));
}

/// Normal numbers that repeat from run to run.
inline Value random_constant(Graph& graph, const Shape& shape, float scale = 0.3F,
                             unsigned seed = 1) {
  std::mt19937 generator(seed + static_cast<unsigned>(graph.values().size()));
  std::normal_distribution<float> normal(0, scale);
  Tensor tensor(shape);
  for (float& v : tensor.values()) v = normal(generator);
  return graph.constant(std::move(tensor));
}

inline Value pointwise(Graph& graph, Value x, std::int64_t out) {
  return graph.apply(linear(), {x, random_constant(graph, {out, graph.shape(x).back()}),
                                random_constant(graph, {out})});
}

inline Value dconv(Graph& graph, Value x, std::int64_t hidden, Value gain) {
  const std::int64_t channels = graph.shape(x).back();
  const auto norm = [&](Value y) {
    const std::int64_t c = graph.shape(y).back();
    return graph.apply(GroupNorm{1, 1},
                       {y, random_constant(graph, {c}), random_constant(graph, {c})});
  };
  Value z = graph.apply(Conv{{{3, 1, 2, 2, 2}}}, {x, random_constant(graph, {hidden, 3, channels}),
                                                  random_constant(graph, {hidden})});
  z = gelu(graph, norm(z));
  z = norm(pointwise(graph, z, 2 * channels));
  return add(graph, x, multiply(graph, graph.apply(Glu{}, {z}), gain));
}

inline Value lstm(Graph& graph, Value x, std::int64_t hidden, Value h, Value c,
                  std::vector<Value>* results = nullptr) {
  const std::int64_t in = graph.shape(x).back();
  std::vector<Value> all = graph.apply_all(Lstm{}, {x, random_constant(graph, {1, 4 * hidden, in}),
                                                    random_constant(graph, {1, 4 * hidden, hidden}),
                                                    random_constant(graph, {1, 4 * hidden}), h, c});
  if (results != nullptr) *results = all;
  return all[0];
}

inline void fill(Plan& plan, const std::string& name, unsigned seed = 3) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0.1F, 1);
  for (float& v : plan.input(name).values_as<float>()) v = normal(generator);
}

inline std::vector<float> output(const Plan& plan, const std::string& name = "y") {
  const std::span<const float> values = plan.output(name).values_as<float>();
  return {values.begin(), values.end()};
}

}  // namespace metalaudio::nn

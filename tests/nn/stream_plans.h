#pragma once

#include <metalaudio/nn/layers/functional.h>
#include <metalaudio/nn/plan.h>

#include <cstdint>
#include <random>
#include <vector>

namespace metalaudio::nn {

inline std::vector<float> noise(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> x(size);
  for (float& v : x) v = static_cast<float>(random()) / 2147483648.0F - 1.0F;
  return x;
}

/// output = 2 · input + n in run n, from 0 on.
inline Plan doubling_plan(const Shape& shape, const char* output = "output") {
  Graph graph;
  const Value x = graph.input("input", shape);
  const Value count = graph.state("count", {1});
  Tensor one(Shape{1});
  one.values()[0] = 1.0F;
  graph.update(count, add(graph, count, graph.constant(std::move(one))));
  graph.output(output, add(graph, add(graph, x, x), count));
  return Plan(graph, {});
}

/// output = input + what the output was in the run before.
inline Plan summing_plan(const Shape& shape) {
  Graph graph;
  const Value x = graph.input("input", shape);
  const Value sum = graph.state("sum", shape);
  const Value y = add(graph, x, sum);
  graph.update(sum, y);
  graph.output("output", y);
  return Plan(graph, {});
}

}  // namespace metalaudio::nn

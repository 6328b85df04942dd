#pragma once

#include <metalaudio/nn/graph/graph.h>

namespace metalaudio::nn {

// The operations that are written most often, as functions.

inline Value add(Graph& graph, Value a, Value b) {
  return graph.apply(Binary{BinaryFunction::add}, {a, b});
}
inline Value multiply(Graph& graph, Value a, Value b) {
  return graph.apply(Binary{BinaryFunction::multiply}, {a, b});
}
/// torch.nn.functional.gelu(approximate="none").
inline Value gelu(Graph& graph, Value x) { return graph.apply(Unary{UnaryFunction::gelu}, {x}); }
inline Value reshape(Graph& graph, Value x, const Shape& shape) {
  return graph.apply(Reshape{shape}, {x});
}

}  // namespace metalaudio::nn

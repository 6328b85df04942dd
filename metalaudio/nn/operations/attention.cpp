#include <metalaudio/nn/operations/attention.h>

namespace metalaudio::nn {

ValueTypes Attention::infer(const Inputs& inputs) const {
  inputs.expect_floating();
  const Shape& queries = inputs.shape(q);
  const Shape& keys = inputs.shape(k);
  const Shape& values = inputs.shape(v);
  if (queries.rank() < 2) reject("q {} has no tokens", queries.to_string());
  const std::size_t tokens = axis_of(axis, queries.rank());
  const std::size_t channels = queries.rank() - 1;
  bool fits = tokens < channels && keys.rank() == queries.rank() &&
              values.rank() == queries.rank() && heads >= 1 && queries.back() % heads == 0 &&
              values.back() % heads == 0 && keys.back() == queries.back();
  for (std::size_t i = 0; fits && i < channels; ++i) {
    fits = values[i] == keys[i] && (i == tokens || keys[i] == queries[i]);
  }
  if (!fits) {
    reject("q {}, k {}, v {} with {} heads along axis {}", queries.to_string(), keys.to_string(),
           values.to_string(), heads, axis);
  }
  std::vector<std::int64_t> extents(queries.extents().begin(), queries.extents().end());
  extents.back() = values.back();
  if (inputs.has(mask)) {
    std::int64_t batch = 1;
    for (std::size_t i = 0; i < channels; ++i) batch *= i == tokens ? 1 : queries[i];
    const Shape full{batch, heads, queries[tokens], keys[tokens]};
    if (broadcast(inputs.shape(mask), full) != full) {
      reject("mask {} does not repeat to {}", inputs.shape(mask).to_string(), full.to_string());
    }
  }
  return {{Shape(extents), inputs.type(q)}};
}

}  // namespace metalaudio::nn

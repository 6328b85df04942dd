#include <metalaudio/nn/operations/index_rules.h>
#include <metalaudio/nn/operations/scatter.h>

#include <vector>

namespace metalaudio::nn {

namespace {

void expect_updates(const Inputs& inputs, ScatterReduction reduction, const Shape& shape) {
  if (inputs.type(2) != inputs.type(0)) {
    reject("updates {} of {}", inputs[2].to_string(), inputs[0].to_string());
  }
  if (inputs.type(0) == DataType::boolean &&
      (reduction == ScatterReduction::add || reduction == ScatterReduction::multiply)) {
    reject("sums and products of {}", inputs[0].to_string());
  }
  inputs.expect_shape(2, shape, "updates");
}

}  // namespace

ValueTypes ScatterElements::infer(const Inputs& inputs) const {
  expect_indices(inputs, indices);
  const Shape& in = inputs.shape(x);
  const Shape& at = inputs.shape(indices);
  const std::size_t along = axis_of(axis, in.rank());
  bool fits = at.rank() == in.rank();
  for (std::size_t i = 0; fits && i < in.rank(); ++i) fits = i == along || at[i] <= in[i];
  if (!fits) reject("indices {} into {}", at.to_string(), in.to_string());
  expect_in_range(inputs, indices, in.extents().subspan(along, 1));
  expect_updates(inputs, reduction, at);
  return {inputs[x]};
}

ValueTypes ScatterNd::infer(const Inputs& inputs) const {
  expect_indices(inputs, indices);
  const std::span<const std::int64_t> in = inputs.shape(x).extents();
  const std::span<const std::int64_t> at = inputs.shape(indices).extents();
  if (at.empty() || at.back() > static_cast<std::int64_t>(in.size())) {
    reject("indices {} into {}", inputs.shape(indices).to_string(), inputs.shape(x).to_string());
  }
  const auto depth = static_cast<std::size_t>(at.back());
  expect_in_range(inputs, indices, in.first(depth));
  std::vector<std::int64_t> extents(at.begin(), at.end() - 1);
  extents.insert(extents.end(), in.begin() + at.back(), in.end());
  expect_updates(inputs, reduction, Shape(extents));
  return {inputs[x]};
}

}  // namespace metalaudio::nn

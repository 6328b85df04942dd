#include <metalaudio/nn/operations/trilu.h>

#include <vector>

namespace metalaudio::nn {

ValueTypes Trilu::infer(const Inputs& inputs) const {
  if (inputs.shape(0).rank() < 2) reject("{} is not a matrix", inputs[0].to_string());
  return {inputs[0]};
}

ValueTypes OneHot::infer(const Inputs& inputs) const {
  if (inputs.type(indices) == DataType::boolean) reject("{}", inputs[indices].to_string());
  inputs.expect_shape(values, {2}, "values");
  if (depth < 0) reject("depth {}", depth);
  const std::span<const std::int64_t> in = inputs.shape(indices).extents();
  std::vector<std::int64_t> extents(in.begin(), in.end());
  const std::size_t along = axis_of(axis, in.size() + 1);
  extents.insert(extents.begin() + static_cast<std::ptrdiff_t>(along), depth);
  return {{Shape(extents), inputs.type(values)}};
}

}  // namespace metalaudio::nn

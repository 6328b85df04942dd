#include <metalaudio/nn/operations/reduce.h>

namespace metalaudio::nn {

std::string_view to_string(ReduceFunction function) noexcept {
  switch (function) {
    case ReduceFunction::sum:
      return "reduce_sum";
    case ReduceFunction::mean:
      return "reduce_mean";
    case ReduceFunction::maximum:
      return "reduce_maximum";
    case ReduceFunction::minimum:
      return "reduce_minimum";
    case ReduceFunction::product:
      return "reduce_product";
    case ReduceFunction::l1:
      return "reduce_l1";
    case ReduceFunction::l2:
      return "reduce_l2";
    case ReduceFunction::log_sum:
      return "reduce_log_sum";
    case ReduceFunction::log_sum_exp:
      return "reduce_log_sum_exp";
    case ReduceFunction::sum_square:
      return "reduce_sum_square";
  }
  return "reduce";
}

ValueTypes Reduce::infer(const Inputs& inputs) const {
  const Shape& in = inputs.shape(0);
  const bool picks = function == ReduceFunction::maximum || function == ReduceFunction::minimum;
  if (inputs.type(0) == DataType::boolean && !picks) {
    reject("{} of {}", to_string(function), inputs[0].to_string());
  }
  std::vector<bool> reduced(in.rank());
  for (const std::size_t axis : axes) {
    if (axis >= in.rank() || reduced[axis]) reject("axis {} of {}", axis, in.to_string());
    reduced[axis] = true;
  }
  std::vector<std::int64_t> extents;
  for (std::size_t i = 0; i < in.rank(); ++i) {
    if (!reduced[i]) {
      extents.push_back(in[i]);
    } else if (keep_axes) {
      extents.push_back(1);
    }
  }
  return {{Shape(extents), inputs.type(0)}};
}

ValueTypes ArgReduce::infer(const Inputs& inputs) const {
  const Shape& in = inputs.shape(0);
  std::vector<std::int64_t> extents(in.extents().begin(), in.extents().end());
  if (in.rank() == 0) {
    if (axis != 0 && axis != -1) reject("axis {} of a scalar", axis);
    return {{Shape{}, DataType::i64}};
  }
  const std::size_t along = axis_of(axis, in.rank());
  if (in[along] == 0) reject("{}: nothing along axis {}", in.to_string(), axis);
  if (keep_axes) {
    extents[along] = 1;
  } else {
    extents.erase(extents.begin() + static_cast<std::ptrdiff_t>(along));
  }
  return {{Shape(extents), DataType::i64}};
}

}  // namespace metalaudio::nn

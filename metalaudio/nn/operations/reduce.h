#pragma once

#include <metalaudio/nn/operations/inputs.h>

#include <array>
#include <string_view>
#include <vector>

namespace metalaudio::nn {

enum class ReduceFunction {
  sum,
  mean,
  maximum,
  minimum,
  product,
  l1,
  l2,
  log_sum,
  log_sum_exp,
  sum_square,
};

/// "reduce_sum".
std::string_view to_string(ReduceFunction function) noexcept;

/// ONNX Reduce*: one value of what lies along the axes; none at all leaves each value to itself. Of
/// nothing: sums are 0, a product 1, a maximum the least value of the type, a minimum the greatest,
/// a mean NaN. Integers wrap; their mean is cut towards zero.
struct Reduce {
  static constexpr std::string_view kName = "reduce";
  static constexpr std::array kInputs{Role::data};

  ReduceFunction function = ReduceFunction::sum;
  std::vector<std::size_t> axes = {};
  bool keep_axes = false;  ///< with an extent of 1

  ValueTypes infer(const Inputs& inputs) const;
};

/// torch.argmax and argmin: the index (i64) of the greatest or least value along one axis; of equal
/// ones the first, or the last. The first NaN stands above and below everything, as in numpy.
struct ArgReduce {
  static constexpr std::string_view kName = "arg_reduce";
  static constexpr std::array kInputs{Role::data};

  std::int64_t axis = -1;
  bool maximum = true;
  bool last = false;
  bool keep_axes = false;

  ValueTypes infer(const Inputs& inputs) const;
};

}  // namespace metalaudio::nn

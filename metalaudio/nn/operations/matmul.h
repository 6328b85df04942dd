#pragma once

#include <metalaudio/nn/operations/inputs.h>

#include <array>
#include <string_view>
#include <vector>

namespace metalaudio::nn {

/// torch.matmul: a[batch…][m][k] · b[batch…][k][n], the batches repeated to one shape. A vector is
/// a matrix of one row (a) or one column (b) whose axis goes away again.
struct MatMul {
  static constexpr std::string_view kName = "matmul";
  static constexpr std::array kInputs{Role::data, Role::weight};
  enum Index { a, b };

  ValueTypes infer(const Inputs& inputs) const;
};

}  // namespace metalaudio::nn

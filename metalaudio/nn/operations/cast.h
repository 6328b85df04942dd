#pragma once

#include <metalaudio/nn/operations/inputs.h>

#include <array>
#include <string_view>
#include <vector>

namespace metalaudio::nn {

/// torch.Tensor.to: floating values to integers are cut towards zero and held in range, to half
/// precisions rounded to nearest even; to booleans, everything but zero is true.
struct Cast {
  static constexpr std::string_view kName = "cast";
  static constexpr std::array kInputs{Role::data};

  DataType type = DataType::f32;

  ValueTypes infer(const Inputs& inputs) const;
};

/// torch.Tensor.view(dtype): the same bits, read as another type of that size.
struct BitCast {
  static constexpr std::string_view kName = "bit_cast";
  static constexpr std::array kInputs{Role::data};

  DataType type = DataType::f32;

  ValueTypes infer(const Inputs& inputs) const;
};

}  // namespace metalaudio::nn

#pragma once

#include <metalaudio/nn/operations/inputs.h>
#include <metalaudio/nn/operations/sliding_axis.h>

#include <array>
#include <string_view>
#include <vector>

namespace metalaudio::nn {

enum class PoolFunction { maximum, average, lp };

/// "maximum_pool".
std::string_view to_string(PoolFunction function) noexcept;

/// torch.nn.MaxPool, AvgPool and LPPool over the axes before the channels. What lies beyond the
/// ends is never a maximum; an average counts it only with `count_padding`.
/// Shapes:   x[batch…][axes…][channels] -> [batch…][extents…][channels], twice with `indices`: then
///           of each maximum (the first of equals) as i64, its position in row-major order over
///           the axes.
struct Pool {
  static constexpr std::string_view kName = "pool";
  static constexpr std::array kInputs{Role::data};

  PoolFunction function = PoolFunction::maximum;
  std::vector<SlidingAxis> axes = {};
  bool count_padding = false;
  std::int64_t p = 2;  ///< of lp
  bool indices = false;
  /// Room after `after` that windows may reach into and that is never counted (ONNX ceil_mode);
  /// empty: none.
  std::vector<std::int64_t> uncounted_after = {};

  ValueTypes infer(const Inputs& inputs) const;
};

}  // namespace metalaudio::nn

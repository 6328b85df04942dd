#pragma once

#include <metalaudio/nn/operations/inputs.h>

#include <array>
#include <string_view>
#include <vector>

namespace metalaudio::nn {

enum class ResizeMode { nearest, linear, cubic };

/// How an index of the result becomes a position in x, as ONNX names them.
enum class ResizeCoordinates {
  half_pixel,
  half_pixel_symmetric,
  pytorch_half_pixel,
  align_corners,
  asymmetric,
  tf_crop_and_resize,
};

enum class ResizeRounding { round_prefer_floor, round_prefer_ceil, floor, ceil };

/// ONNX Resize over all axes; those that keep their extent cost nothing. Integers are cut towards
/// zero.
struct Resize {
  static constexpr std::string_view kName = "resize";
  static constexpr std::array kInputs{Role::data};

  ResizeMode mode = ResizeMode::nearest;
  ResizeCoordinates coordinates = ResizeCoordinates::half_pixel;
  ResizeRounding rounding = ResizeRounding::round_prefer_floor;  ///< of nearest
  std::vector<double> scales = {};  ///< by axis; empty: new extent / old extent
  Shape shape = {};                 ///< of the result
  double cubic_coefficient = -0.75;
  bool exclude_outside = false;  ///< taps beyond the ends weigh nothing; otherwise the edge repeats
  bool antialias = false;        ///< of linear and cubic: taps stretch where an axis shrinks
  double extrapolation = 0;      ///< beyond the ends, of tf_crop_and_resize
  std::vector<double> roi = {};  ///< of tf_crop_and_resize: starts, then ends, of every axis

  ValueTypes infer(const Inputs& inputs) const;
};

}  // namespace metalaudio::nn

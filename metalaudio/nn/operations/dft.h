#pragma once

#include <metalaudio/nn/operations/inputs.h>

#include <array>
#include <string_view>

namespace metalaudio::nn {

/// ONNX DFT along one axis of real ([…][1]) or complex ([…][2]) values, of any length. forward is
/// unscaled, inverse divides by the size. x is cut or padded with zeros to `size`.
/// Shapes:   […n…][1 or 2] -> […size…][2]; onesided: […size/2 + 1…][2] of real x; onesided and
///           inverse: […size/2 + 1…][2] -> […size…][1].
struct Dft {
  static constexpr std::string_view kName = "dft";
  static constexpr std::array kInputs{Role::data};

  std::int64_t axis = -2;
  bool inverse = false;
  bool onesided = false;
  std::int64_t size = 0;  ///< 0: the axis' own; 2 (n − 1) where onesided and inverse

  ValueTypes infer(const Inputs& inputs) const;
};

/// ONNX STFT: frames from the first sample on, as many as fit, windowed and transformed.
/// Shapes:   signal[batch][n][1 or 2], window[frame] -> [batch][(n − frame) / hop + 1][bins][2]
///           with frame / 2 + 1 bins of a real signal where onesided, else `frame`.
struct Stft {
  static constexpr std::string_view kName = "stft";
  static constexpr std::array kInputs{Role::data, Role::optional_data};
  enum Index { signal, window };

  std::int64_t frame = 1;
  std::int64_t hop = 1;
  bool onesided = true;

  ValueTypes infer(const Inputs& inputs) const;
};

}  // namespace metalaudio::nn

#pragma once

#include <metalaudio/nn/io/onnx/call.h>

#include <cstdint>
#include <vector>

namespace metalaudio::nn {

/// What ONNX's convolutions and pools have in common: kernel, strides, dilations, pads, auto_pad.
struct Windows {
  std::vector<SlidingAxis> axes;
  std::string auto_pad;
};

/// Reads them for an input [N][C][…]; `kernel` is what the weight says, or empty.
Windows windows_of(const Call& call, const Shape& input, const Integers& kernel);

/// The zeros for output extents of ceil(input / stride).
void pad_same(SlidingAxis& axis, std::int64_t input, bool upper);

}  // namespace metalaudio::nn

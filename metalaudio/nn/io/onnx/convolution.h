#pragma once

#include <metalaudio/nn/io/onnx/call.h>

namespace metalaudio::nn {

/// ONNX Conv with the attributes of a call: x[N][C][…], weight[M][C / groups][kernels…], bias[M] or
/// Value{} -> [N][M][…].
Value convolve(Call& call, Value x, Value weight, Value bias);

}  // namespace metalaudio::nn

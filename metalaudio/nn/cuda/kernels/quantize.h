#pragma once

#include <metalaudio/core/data_type.h>

#include <cuda_runtime_api.h>

#include <cstdint>

namespace metalaudio::nn::cuda {

/// [outer][extent][inner]: which scale an element has.
struct ScaleShape {
  std::int64_t size = 0;
  std::int64_t extent = 1;
  std::int64_t inner = 1;
  std::int64_t block = 0;  ///< 0: one for all; otherwise elements along the axis that share one
  std::int64_t blocks = 1;
  bool by_axis = false;  ///< of one extent alone
};

struct QuantizeTypes {
  DataType x = DataType::f32;
  DataType scale = DataType::f32;
  DataType y = DataType::u8;
};

// zero may be null; it has the type that is quantized.
void launch_quantize(const QuantizeTypes& types, const void* x, const void* scale, const void* zero,
                     void* y, const ScaleShape& shape, cudaStream_t stream);
void launch_dequantize(const QuantizeTypes& types, const void* x, const void* scale,
                       const void* zero, void* y, const ScaleShape& shape, cudaStream_t stream);

}  // namespace metalaudio::nn::cuda

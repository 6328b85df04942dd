#pragma once

#include <metalaudio/core/data_type.h>
#include <metalaudio/nn/operations/element_functions.h>

#include <cuda_runtime_api.h>

#include <array>
#include <cstdint>

namespace metalaudio::nn::cuda {

constexpr int kMostAxes = 6;

/// Two inputs that are repeated along axes where their stride is 0.
struct Broadcast {
  int axes = 0;
  std::array<std::int64_t, kMostAxes> extents{};
  std::array<std::int64_t, kMostAxes> a{};
  std::array<std::int64_t, kMostAxes> b{};
};

// Of f32, f16 or bf16; computed in float32.
void launch_unary(UnaryFunction function, float alpha, float beta, DataType type, const void* x,
                  void* y, std::int64_t size, cudaStream_t stream);
void launch_binary(BinaryFunction function, DataType type, const void* a, const void* b, void* y,
                   const Broadcast& shape, std::int64_t size, cudaStream_t stream);
/// x[rows][2 · channels] -> y[rows][channels].
void launch_glu(DataType type, const void* x, void* y, std::int64_t rows, std::int64_t channels,
                cudaStream_t stream);
void launch_cast(DataType from, const void* x, DataType to, void* y, std::int64_t size,
                 cudaStream_t stream);

}  // namespace metalaudio::nn::cuda

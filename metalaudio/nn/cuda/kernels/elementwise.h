#pragma once

#include <metalaudio/core/data_type.h>
#include <metalaudio/nn/cuda/kernels/walk.h>
#include <metalaudio/nn/operations/element_functions.h>

#include <cuda_runtime_api.h>

#include <cstdint>

namespace metalaudio::nn::cuda {

constexpr bool is_comparison(BinaryFunction function) noexcept {
  return function >= BinaryFunction::equal && function <= BinaryFunction::greater_or_equal;
}
constexpr bool is_test(UnaryFunction function) noexcept {
  return function == UnaryFunction::is_nan || function == UnaryFunction::is_inf;
}

// Of f32, f16 or bf16, computed in float32. Both inputs of a binary function walk; the result is
// dense.
void launch_unary(UnaryFunction function, float alpha, float beta, DataType type, const void* x,
                  void* y, std::int64_t size, cudaStream_t stream);
void launch_binary(BinaryFunction function, DataType type, const void* a, const void* b, void* y,
                   const Walk<2>& walk, cudaStream_t stream);
/// is_nan and is_inf give booleans, as comparisons do, which take every type.
void launch_test(UnaryFunction function, float alpha, float beta, DataType type, const void* x,
                 bool* y, std::int64_t size, cudaStream_t stream);
void launch_comparison(BinaryFunction function, DataType type, const void* a, const void* b,
                       bool* y, const Walk<2>& walk, cudaStream_t stream);
/// Of integers and booleans, which wrap as the CPU's.
void launch_integer_unary(UnaryFunction function, double alpha, double beta, DataType type,
                          const void* x, void* y, std::int64_t size, cudaStream_t stream);
void launch_integer_binary(BinaryFunction function, DataType type, const void* a, const void* b,
                           void* y, const Walk<2>& walk, cudaStream_t stream);
/// x[rows][2 · channels] -> y[rows][channels].
void launch_glu(DataType type, const void* x, void* y, std::int64_t rows, std::int64_t channels,
                cudaStream_t stream);
/// From any type to any other.
void launch_cast(DataType from, const void* x, DataType to, void* y, std::int64_t size,
                 cudaStream_t stream);

}  // namespace metalaudio::nn::cuda

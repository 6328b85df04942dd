#pragma once

#include <metalaudio/core/data_type.h>
#include <metalaudio/nn/operations/element_functions.h>

#include <cuda_runtime_api.h>

#include <cstdint>

namespace metalaudio::nn::cuda {

/// x[batch][positions][channels], whose channels fall into groups.
struct GroupNormShape {
  std::int64_t batch = 1;
  std::int64_t positions = 1;
  std::int64_t channels = 1;
  std::int64_t groups = 1;
  std::int64_t pitch = 0;  ///< from position to position; 0: the channels
  float epsilon = 1e-5F;
};

constexpr std::int64_t kMostGroups = 65535;
/// The bytes of `partial` below.
std::size_t group_norm_bytes(const GroupNormShape& shape);
/// The moments are summed around the first value of a group, so that a large mean costs nothing.
/// gamma and beta may be null. glu halves the channels of y.
void launch_group_norm(DataType type, const void* x, const float* gamma, const float* beta, void* y,
                       const GroupNormShape& shape, Activation activation, void* partial,
                       cudaStream_t stream);

/// layer subtracts the mean; the others are the two forms of RmsNorm.
enum class RowNorm { layer, mean_square, l2 };
/// x[rows][width].
void launch_layer_norm(DataType type, const void* x, const float* gamma, const float* beta, void* y,
                       std::int64_t rows, std::int64_t width, float epsilon, RowNorm form,
                       cudaStream_t stream);

}  // namespace metalaudio::nn::cuda

#pragma once

#include <metalaudio/core/data_type.h>
#include <metalaudio/nn/cuda/kernels/walk.h>
#include <metalaudio/nn/operations/sliding_axis.h>

#include <cuda_runtime_api.h>

#include <array>
#include <cstdint>

namespace metalaudio::nn::cuda {

/// As nn::PoolFunction, whose header kernels cannot read.
enum class Pooling { maximum, average, lp };

/// [batch][axes…][channels].
struct PoolShape {
  Pooling function = Pooling::maximum;
  bool count_padding = false;
  double p = 2;
  int axes = 1;
  std::int64_t batch = 1;
  std::int64_t channels = 1;
  std::int64_t taps = 1;  ///< of a window
  std::array<SlidingAxis, kMostAxes> sliding{};
  std::array<std::int64_t, kMostAxes> in{};
  std::array<std::int64_t, kMostAxes> out{};

  constexpr std::int64_t size() const noexcept {
    std::int64_t size = batch * channels;
    for (int i = 0; i < axes; ++i) size *= out[static_cast<std::size_t>(i)];
    return size;
  }
};
/// indices (positions of the maxima) may be null.
void launch_pool(DataType type, const void* x, void* y, std::int64_t* indices,
                 const PoolShape& shape, cudaStream_t stream);

/// What an index of the result takes from x along one axis: two elements.
struct Blend {
  std::int64_t first = 0;
  std::int64_t second = 0;
  double weight = 1;  ///< of the first; the second has what is missing to 1
};

/// A dense result, for each index of each axis of which there is a blend; axes of which every second
/// weight is 0 cost nothing.
struct ResizeShape {
  int axes = 1;
  std::int64_t size = 1;
  std::array<std::int64_t, kMostAxes> extents{1};
  std::array<std::int64_t, kMostAxes> steps{};   ///< of x
  std::array<std::int64_t, kMostAxes> blends{};  ///< where those of an axis begin
  std::array<bool, kMostAxes> blended{};
};
void launch_resize(DataType type, const void* x, void* y, const Blend* blends,
                   const ResizeShape& shape, cudaStream_t stream);

}  // namespace metalaudio::nn::cuda

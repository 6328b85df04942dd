#pragma once

#include <metalaudio/core/data_type.h>
#include <metalaudio/nn/cuda/kernels/walk.h>

#include <cuda_runtime_api.h>

#include <array>
#include <cstdint>

namespace metalaudio::nn::cuda {

// Elements of any type, by their size of 1, 2, 4 or 8 bytes.

/// Moves elements from the second array of a walk to the first.
void launch_move(std::size_t bytes, void* to, const void* from, const Walk<2>& walk,
                 cudaStream_t stream);

/// The same rules as nn::PadMode, whose header kernels cannot read.
enum class PadRule { constant, reflect, symmetric, edge, wrap };

/// A dense result, for each axis of which `before` elements stand before those of a dense source.
struct Padding {
  int axes = 1;
  std::int64_t size = 1;
  std::array<std::int64_t, kMostAxes> extents{1};
  std::array<std::int64_t, kMostAxes> source{1};  ///< its extents
  std::array<std::int64_t, kMostAxes> before{};
  PadRule rule = PadRule::constant;
  std::uint64_t value = 0;  ///< the bits of the constant
};
void launch_pad(std::size_t bytes, void* y, const void* x, const Padding& padding,
                cudaStream_t stream);

/// Arrays of the walk: condition (of one byte), a, b; the result is dense.
void launch_where(std::size_t bytes, void* y, const void* condition, const void* a, const void* b,
                  const Walk<3>& walk, cudaStream_t stream);

/// [matrices][rows][columns]: what lies below (or, without `upper`, above) the diagonal is zero.
void launch_trilu(std::size_t bytes, void* y, const void* x, std::int64_t size, std::int64_t rows,
                  std::int64_t columns, std::int64_t diagonal, bool upper, cudaStream_t stream);

}  // namespace metalaudio::nn::cuda

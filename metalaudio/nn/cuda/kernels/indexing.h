#pragma once

#include <metalaudio/core/data_type.h>
#include <metalaudio/nn/cuda/kernels/walk.h>

#include <cuda_runtime_api.h>

#include <array>
#include <cstdint>

namespace metalaudio::nn::cuda {

/// i32 or i64 on the device. Negative ones count from the end; one that is out of range is taken for
/// the nearest that is there.
struct Indices {
  const void* at = nullptr;
  bool wide = false;
};

/// [outer][extent][inner] at `count` indices -> [outer][count][inner].
struct GatherShape {
  std::int64_t outer = 1;
  std::int64_t extent = 1;
  std::int64_t inner = 1;
  std::int64_t count = 0;
};
void launch_gather(std::size_t bytes, void* y, const void* x, Indices indices,
                   const GatherShape& shape, cudaStream_t stream);

/// The walk goes over the indices and says where they are in x along all other axes.
struct AlongShape {
  Walk<1> others;
  std::int64_t extent = 1;  ///< of x along the axis
  std::int64_t step = 1;
};
void launch_gather_elements(std::size_t bytes, void* y, const void* x, Indices indices,
                            const AlongShape& shape, cudaStream_t stream);

/// Tuples of `depth` indices, each of which names a run of `rest` elements.
struct TupleShape {
  std::int64_t batches = 1;
  std::int64_t batch_step = 0;  ///< of x
  std::int64_t tuples = 0;      ///< of a batch
  std::int64_t rest = 1;
  int depth = 0;
  std::array<std::int64_t, kMostAxes> extents{};
  std::array<std::int64_t, kMostAxes> steps{};
};
void launch_gather_nd(std::size_t bytes, void* y, const void* x, Indices indices,
                      const TupleShape& shape, cudaStream_t stream);

/// As nn::ScatterReduction, whose header kernels cannot read.
enum class Meeting { none, add, multiply, minimum, maximum };

/// y holds x already. A line along the axis is done by one thread, so that updates come in order:
/// the walk goes over the first updates of all lines, in the updates and in y.
struct ScatterLines {
  Walk<2> lines;
  std::int64_t count = 0;  ///< updates of a line
  std::int64_t update_step = 1;
  std::int64_t extent = 1;  ///< of y along the axis
  std::int64_t step = 1;
};
void launch_scatter_elements(Meeting meeting, DataType type, void* y, Indices indices,
                             const void* updates, const ScatterLines& shape, cudaStream_t stream);
/// Every element of the runs is done by one thread, which goes through all tuples.
void launch_scatter_nd(Meeting meeting, DataType type, void* y, Indices indices,
                       const void* updates, const TupleShape& shape, cudaStream_t stream);

/// [outer][depth][inner]: the second of two values where the index is the place, else the first.
struct OneHotShape {
  std::int64_t outer = 1;
  std::int64_t depth = 1;
  std::int64_t inner = 1;
};
void launch_one_hot(std::size_t bytes, void* y, DataType index_type, const void* indices,
                    const void* values, const OneHotShape& shape, cudaStream_t stream);

}  // namespace metalaudio::nn::cuda

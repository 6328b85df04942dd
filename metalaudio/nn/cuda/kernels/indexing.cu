#include <metalaudio/nn/cuda/kernels/indexing.h>
#include <metalaudio/nn/cuda/kernels/walk.cuh>
#include <metalaudio/nn/cuda/kernels/wide.cuh>
#include <metalaudio/nn/cuda/kernels/words.cuh>

namespace metalaudio::nn::cuda {

namespace {

__device__ std::int64_t index_at(Indices indices, std::int64_t i, std::int64_t extent) {
  std::int64_t index = indices.wide ? static_cast<const std::int64_t*>(indices.at)[i]
                                    : static_cast<const std::int32_t*>(indices.at)[i];
  if (index < 0) index += extent;
  return index < 0 ? 0 : index >= extent ? extent - 1 : index;
}

/// Where the run of a tuple begins in its batch.
__device__ std::int64_t offset_of(Indices indices, std::int64_t tuple, const TupleShape& shape) {
  std::int64_t offset = 0;
  for (int d = 0; d < shape.depth; ++d) {
    offset += index_at(indices, tuple * shape.depth + d, shape.extents[d]) * shape.steps[d];
  }
  return offset;
}

template <typename Word>
__global__ void gather_kernel(Word* y, const Word* x, Indices indices,
                              __grid_constant__ const GatherShape shape) {
  const std::int64_t size = shape.outer * shape.count * shape.inner;
  for (auto i = first_item(); i < size; i += item_step()) {
    const std::int64_t row = i / shape.inner;
    const std::int64_t outer = row / shape.count;
    const std::int64_t index = index_at(indices, row - outer * shape.count, shape.extent);
    y[i] = x[(outer * shape.extent + index) * shape.inner + (i - row * shape.inner)];
  }
}

template <typename Word>
__global__ void gather_elements_kernel(Word* y, const Word* x, Indices indices,
                                       __grid_constant__ const AlongShape shape) {
  for (auto i = first_item(); i < shape.others.size; i += item_step()) {
    std::int64_t at[1];
    offsets_at(shape.others, i, at);
    y[i] = x[at[0] + index_at(indices, i, shape.extent) * shape.step];
  }
}

template <typename Word>
__global__ void gather_nd_kernel(Word* y, const Word* x, Indices indices,
                                 __grid_constant__ const TupleShape shape) {
  const std::int64_t size = shape.batches * shape.tuples * shape.rest;
  for (auto i = first_item(); i < size; i += item_step()) {
    const std::int64_t tuple = i / shape.rest;
    y[i] = x[tuple / shape.tuples * shape.batch_step + offset_of(indices, tuple, shape) +
             (i - tuple * shape.rest)];
  }
}

template <typename T>
__device__ T met(Meeting meeting, T old, T update) {
  switch (meeting) {
    case Meeting::add:
      return converted<T>(plus(widen(old), widen(update)));
    case Meeting::multiply:
      return converted<T>(times(widen(old), widen(update)));
    case Meeting::minimum:
      return widen(update) < widen(old) ? update : old;
    case Meeting::maximum:
      return widen(update) > widen(old) ? update : old;
    default:
      return update;
  }
}

template <typename T>
__global__ void scatter_elements_kernel(Meeting meeting, T* y, Indices indices, const T* updates,
                                        __grid_constant__ const ScatterLines shape) {
  for (auto i = first_item(); i < shape.lines.size; i += item_step()) {
    std::int64_t at[2];
    offsets_at(shape.lines, i, at);
    for (std::int64_t n = 0; n < shape.count; ++n) {
      const std::int64_t from = at[0] + n * shape.update_step;
      T& to = y[at[1] + index_at(indices, from, shape.extent) * shape.step];
      to = met(meeting, to, updates[from]);
    }
  }
}

template <typename T>
__global__ void scatter_nd_kernel(Meeting meeting, T* y, Indices indices, const T* updates,
                                  __grid_constant__ const TupleShape shape) {
  for (auto i = first_item(); i < shape.rest; i += item_step()) {
    for (std::int64_t tuple = 0; tuple < shape.tuples; ++tuple) {
      T& to = y[offset_of(indices, tuple, shape) + i];
      to = met(meeting, to, updates[tuple * shape.rest + i]);
    }
  }
}

template <typename Word>
__global__ void one_hot_kernel(Word* y, DataType index_type, const void* indices,
                               const Word* values, __grid_constant__ const OneHotShape shape) {
  const std::int64_t size = shape.outer * shape.depth * shape.inner;
  for (auto i = first_item(); i < size; i += item_step()) {
    const std::int64_t row = i / shape.inner;
    const std::int64_t place = row % shape.depth;
    auto index = number_at<std::int64_t>(index_type, indices,
                                         row / shape.depth * shape.inner + (i - row * shape.inner));
    if (index < 0) index += shape.depth;
    y[i] = values[index == place ? 1 : 0];
  }
}

}  // namespace

void launch_gather(std::size_t bytes, void* y, const void* x, Indices indices,
                   const GatherShape& shape, cudaStream_t stream) {
  const std::int64_t size = shape.outer * shape.count * shape.inner;
  if (size == 0) return;
  visit_word(bytes, [&]<typename Word>(Word) {
    gather_kernel<Word><<<grid_of(size), kThreads, 0, stream>>>(
        static_cast<Word*>(y), static_cast<const Word*>(x), indices, shape);
  });
}

void launch_gather_elements(std::size_t bytes, void* y, const void* x, Indices indices,
                            const AlongShape& shape, cudaStream_t stream) {
  if (shape.others.size == 0) return;
  visit_word(bytes, [&]<typename Word>(Word) {
    gather_elements_kernel<Word><<<grid_of(shape.others.size), kThreads, 0, stream>>>(
        static_cast<Word*>(y), static_cast<const Word*>(x), indices, shape);
  });
}

void launch_gather_nd(std::size_t bytes, void* y, const void* x, Indices indices,
                      const TupleShape& shape, cudaStream_t stream) {
  const std::int64_t size = shape.batches * shape.tuples * shape.rest;
  if (size == 0) return;
  visit_word(bytes, [&]<typename Word>(Word) {
    gather_nd_kernel<Word><<<grid_of(size), kThreads, 0, stream>>>(
        static_cast<Word*>(y), static_cast<const Word*>(x), indices, shape);
  });
}

void launch_scatter_elements(Meeting meeting, DataType type, void* y, Indices indices,
                             const void* updates, const ScatterLines& shape, cudaStream_t stream) {
  if (shape.lines.size == 0 || shape.count == 0) return;
  visit_any(type, [&]<typename T>(T) {
    scatter_elements_kernel<T><<<grid_of(shape.lines.size), kThreads, 0, stream>>>(
        meeting, static_cast<T*>(y), indices, static_cast<const T*>(updates), shape);
  });
}

void launch_scatter_nd(Meeting meeting, DataType type, void* y, Indices indices,
                       const void* updates, const TupleShape& shape, cudaStream_t stream) {
  if (shape.tuples == 0 || shape.rest == 0) return;
  visit_any(type, [&]<typename T>(T) {
    scatter_nd_kernel<T><<<grid_of(shape.rest), kThreads, 0, stream>>>(
        meeting, static_cast<T*>(y), indices, static_cast<const T*>(updates), shape);
  });
}

void launch_one_hot(std::size_t bytes, void* y, DataType index_type, const void* indices,
                    const void* values, const OneHotShape& shape, cudaStream_t stream) {
  const std::int64_t size = shape.outer * shape.depth * shape.inner;
  if (size == 0) return;
  visit_word(bytes, [&]<typename Word>(Word) {
    one_hot_kernel<Word><<<grid_of(size), kThreads, 0, stream>>>(
        static_cast<Word*>(y), index_type, indices, static_cast<const Word*>(values), shape);
  });
}

}  // namespace metalaudio::nn::cuda

#include <metalaudio/nn/cuda/kernels/movement.h>
#include <metalaudio/nn/cuda/kernels/walk.cuh>
#include <metalaudio/nn/cuda/kernels/words.cuh>

namespace metalaudio::nn::cuda {

namespace {

template <typename Index, typename Word>
__global__ void move_kernel(Word* to, const Word* from, __grid_constant__ const Walk<2> walk) {
  const auto size = static_cast<Index>(walk.size);
  for (auto i = first_item<Index>(); i < size; i += item_step<Index>()) {
    std::int64_t at[2];
    offsets_at(walk, i, at);
    to[at[0]] = from[at[1]];
  }
}

constexpr int kTile = 32;
constexpr int kTileStep = kThreads / kTile;

/// Axes `a` (dense in the source) and the last (dense in the result) change places: tiles of both go
/// through shared memory, so that both sides are read and written in rows.
template <typename Word>
__global__ void transpose_kernel(Word* to, const Word* from, __grid_constant__ const Walk<2> others,
                                 std::int64_t rows, std::int64_t columns, std::int64_t to_row,
                                 std::int64_t from_column) {
  __shared__ Word tile[kTile][kTile + 1];
  const int lane = static_cast<int>(threadIdx.x) % kTile;
  const int line = static_cast<int>(threadIdx.x) / kTile;
  const std::int64_t across = (columns + kTile - 1) / kTile;
  const std::int64_t tiles = across * ((rows + kTile - 1) / kTile);
  for (std::int64_t item = blockIdx.x; item < tiles * others.size; item += gridDim.x) {
    std::int64_t at[2];
    offsets_at(others, item / tiles, at);
    const std::int64_t first_row = item % tiles / across * kTile;
    const std::int64_t first_column = item % across * kTile;
    __syncthreads();
    for (int i = line; i < kTile; i += kTileStep) {
      if (first_row + lane < rows && first_column + i < columns) {
        tile[i][lane] = from[at[1] + first_row + lane + (first_column + i) * from_column];
      }
    }
    __syncthreads();
    for (int i = line; i < kTile; i += kTileStep) {
      if (first_row + i < rows && first_column + lane < columns) {
        to[at[0] + (first_row + i) * to_row + first_column + lane] = tile[lane][i];
      }
    }
  }
}

/// Whether words of twice the width move the same: their number along the last axis is even, and so
/// is every other step.
bool can_pair(const Walk<2>& walk, const void* to, const void* from, std::size_t bytes) {
  if (!is_aligned(to, 2 * bytes) || !is_aligned(from, 2 * bytes)) return false;
  const int last = walk.axes - 1;
  if (walk.steps[0][last] != 1 || walk.steps[1][last] != 1 || walk.extents[last] % 2 != 0) {
    return false;
  }
  for (int axis = 0; axis < last; ++axis) {
    if (walk.steps[0][axis] % 2 != 0 || walk.steps[1][axis] % 2 != 0) return false;
  }
  return true;
}

void pair(Walk<2>& walk) {
  const int last = walk.axes - 1;
  walk.size /= 2;
  walk.extents[last] /= 2;
  for (int axis = 0; axis < last; ++axis) {
    walk.steps[0][axis] /= 2;
    walk.steps[1][axis] /= 2;
  }
}

/// The axis along which the source is dense while the last one is not; -1 where there is none or
/// tiles would be mostly empty.
int transposed_axis(const Walk<2>& walk) {
  const int last = walk.axes - 1;
  if (walk.steps[0][last] != 1 || walk.steps[1][last] == 1 || walk.extents[last] < kTile / 4) {
    return -1;
  }
  for (int axis = 0; axis < last; ++axis) {
    if (walk.steps[1][axis] == 1 && walk.extents[axis] >= kTile / 4) return axis;
  }
  return -1;
}

}  // namespace

void launch_move(std::size_t bytes, void* to, const void* from, const Walk<2>& walk,
                 cudaStream_t stream) {
  if (walk.size == 0) return;
  const int axis = transposed_axis(walk);
  if (axis >= 0) {
    const int last = walk.axes - 1;
    Walk<2> others;
    others.steps[0][0] = others.steps[1][0] = 0;
    int count = 0;
    for (int i = 0; i < last; ++i) {
      if (i == axis) continue;
      others.extents[count] = walk.extents[i];
      others.steps[0][count] = walk.steps[0][i];
      others.steps[1][count++] = walk.steps[1][i];
      others.size *= walk.extents[i];
    }
    others.axes = count > 0 ? count : 1;
    const std::int64_t rows = walk.extents[axis];
    const std::int64_t columns = walk.extents[last];
    const std::int64_t tiles = (rows + kTile - 1) / kTile * ((columns + kTile - 1) / kTile);
    visit_word(bytes, [&]<typename Word>(Word) {
      transpose_kernel<Word><<<grid_of(tiles * others.size, 1), kThreads, 0, stream>>>(
          static_cast<Word*>(to), static_cast<const Word*>(from), others, rows, columns,
          walk.steps[0][axis], walk.steps[1][last]);
    });
    return;
  }
  Walk<2> wide = walk;
  while (bytes < 16 && can_pair(wide, to, from, bytes)) {
    pair(wide);
    bytes *= 2;
  }
  visit_index(wide.size, [&]<typename Index>(Index) {
    const auto launch = [&]<typename Word>(Word) {
      move_kernel<Index, Word><<<grid_of(wide.size), kThreads, 0, stream>>>(
          static_cast<Word*>(to), static_cast<const Word*>(from), wide);
    };
    bytes == 16 ? launch(uint4{}) : visit_word(bytes, launch);
  });
}

namespace {

/// Which element of the source stands at `at`, counted from its first; -1: the constant.
__device__ std::int64_t source_of(std::int64_t at, std::int64_t extent, PadRule rule) {
  if (at >= 0 && at < extent) return at;
  switch (rule) {
    case PadRule::constant:
      return -1;
    case PadRule::edge:
      return at < 0 ? 0 : extent - 1;
    case PadRule::wrap:
      return (at % extent + extent) % extent;
    case PadRule::reflect: {
      if (extent == 1) return 0;
      const std::int64_t period = 2 * (extent - 1);
      const std::int64_t i = (at % period + period) % period;
      return i < extent ? i : period - i;
    }
    case PadRule::symmetric: {
      const std::int64_t i = (at % (2 * extent) + 2 * extent) % (2 * extent);
      return i < extent ? i : 2 * extent - 1 - i;
    }
  }
  return -1;
}

template <typename Index, typename Word>
__global__ void pad_kernel(Word* y, const Word* x, __grid_constant__ const Padding padding) {
  const auto size = static_cast<Index>(padding.size);
  for (auto i = first_item<Index>(); i < size; i += item_step<Index>()) {
    Index rest = i;
    std::int64_t at = 0;
    std::int64_t step = 1;
    bool inside = true;
    for (int axis = padding.axes - 1; axis >= 0; --axis) {
      const auto extent = static_cast<Index>(padding.extents[axis]);
      const Index next = rest / extent;
      const auto index = static_cast<std::int64_t>(rest - next * extent);
      rest = next;
      const std::int64_t source =
          source_of(index - padding.before[axis], padding.source[axis], padding.rule);
      inside = inside && source >= 0;
      at += source * step;
      step *= padding.source[axis];
    }
    y[i] = inside ? x[at] : static_cast<Word>(padding.value);
  }
}

template <typename Index, typename Word>
__global__ void where_kernel(Word* y, const std::uint8_t* condition, const Word* a, const Word* b,
                             __grid_constant__ const Walk<3> walk) {
  const auto size = static_cast<Index>(walk.size);
  for (auto i = first_item<Index>(); i < size; i += item_step<Index>()) {
    std::int64_t at[3];
    offsets_at(walk, i, at);
    y[i] = condition[at[0]] != 0 ? a[at[1]] : b[at[2]];
  }
}

template <typename Index, typename Word>
__global__ void trilu_kernel(Word* y, const Word* x, Index size, Index rows, Index columns,
                             std::int64_t diagonal, bool upper) {
  for (auto i = first_item<Index>(); i < size; i += item_step<Index>()) {
    const Index line = i / columns;
    const auto column = static_cast<std::int64_t>(i - line * columns);
    const std::int64_t ahead = column - static_cast<std::int64_t>(line % rows);
    y[i] = (upper ? ahead >= diagonal : ahead <= diagonal) ? x[i] : Word{0};
  }
}

}  // namespace

void launch_pad(std::size_t bytes, void* y, const void* x, const Padding& shape,
                cudaStream_t stream) {
  if (shape.size == 0) return;
  // Constants before and after whole pairs of elements are written in pairs.
  Padding padding = shape;
  const auto last = static_cast<std::size_t>(shape.axes - 1);
  while (bytes < 8 && padding.rule == PadRule::constant && padding.extents[last] % 2 == 0 &&
         padding.source[last] % 2 == 0 && padding.before[last] % 2 == 0 &&
         is_aligned(x, 2 * bytes) && is_aligned(y, 2 * bytes)) {
    padding.size /= 2;
    padding.extents[last] /= 2;
    padding.source[last] /= 2;
    padding.before[last] /= 2;
    padding.value |= padding.value << (8 * bytes);
    bytes *= 2;
  }
  visit_index(padding.size, [&]<typename Index>(Index) {
    visit_word(bytes, [&]<typename Word>(Word) {
      pad_kernel<Index, Word><<<grid_of(padding.size), kThreads, 0, stream>>>(
          static_cast<Word*>(y), static_cast<const Word*>(x), padding);
    });
  });
}

void launch_where(std::size_t bytes, void* y, const void* condition, const void* a, const void* b,
                  const Walk<3>& walk, cudaStream_t stream) {
  if (walk.size == 0) return;
  visit_index(walk.size, [&]<typename Index>(Index) {
    visit_word(bytes, [&]<typename Word>(Word) {
      where_kernel<Index, Word><<<grid_of(walk.size), kThreads, 0, stream>>>(
          static_cast<Word*>(y), static_cast<const std::uint8_t*>(condition),
          static_cast<const Word*>(a), static_cast<const Word*>(b), walk);
    });
  });
}

void launch_trilu(std::size_t bytes, void* y, const void* x, std::int64_t size, std::int64_t rows,
                  std::int64_t columns, std::int64_t diagonal, bool upper, cudaStream_t stream) {
  if (size == 0) return;
  visit_index(size, [&]<typename Index>(Index) {
    visit_word(bytes, [&]<typename Word>(Word) {
      trilu_kernel<Index, Word><<<grid_of(size), kThreads, 0, stream>>>(
          static_cast<Word*>(y), static_cast<const Word*>(x), static_cast<Index>(size),
          static_cast<Index>(rows), static_cast<Index>(columns), diagonal, upper);
    });
  });
}

}  // namespace metalaudio::nn::cuda

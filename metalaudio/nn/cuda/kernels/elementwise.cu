#include <metalaudio/nn/cuda/kernels/elementwise.h>
#include <metalaudio/nn/cuda/kernels/common.cuh>
#include <metalaudio/nn/cuda/kernels/functions.cuh>
#include <metalaudio/nn/cuda/kernels/walk.cuh>

namespace metalaudio::nn::cuda {

namespace {

__device__ float binary(BinaryFunction function, float a, float b) {
  switch (function) {
    case BinaryFunction::add:
      return a + b;
    case BinaryFunction::subtract:
      return a - b;
    case BinaryFunction::multiply:
      return a * b;
    case BinaryFunction::divide:
      return a / b;
    case BinaryFunction::power:
      return powf(a, b);
    case BinaryFunction::minimum:
      return a != a || b != b ? a + b : fminf(a, b);
    case BinaryFunction::maximum:
      return a != a || b != b ? a + b : fmaxf(a, b);
    case BinaryFunction::fmod:
      return fmodf(a, b);
    case BinaryFunction::modulo: {
      const float rest = fmodf(a, b);
      return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
    }
    case BinaryFunction::prelu:
      return a < 0 ? a * b : a;
    default:
      return a;
  }
}

template <typename T, int W>
__global__ void unary_kernel(UnaryFunction function, Parameters p, const Vector<T, W>* x,
                             Vector<T, W>* y, std::int64_t count) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = blockIdx.x * static_cast<std::int64_t>(blockDim.x) + threadIdx.x; i < count;
       i += step) {
    Vector<T, W> v = x[i];
#pragma unroll
    for (int w = 0; w < W; ++w) v.at[w] = from_float<T>(unary(function, to_float(v.at[w]), p));
    y[i] = v;
  }
}

template <typename T, int W>
__global__ void same_shape_kernel(BinaryFunction function, const Vector<T, W>* a,
                                  const Vector<T, W>* b, Vector<T, W>* y, std::int64_t count) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = blockIdx.x * static_cast<std::int64_t>(blockDim.x) + threadIdx.x; i < count;
       i += step) {
    const Vector<T, W> va = a[i];
    const Vector<T, W> vb = b[i];
    Vector<T, W> vy;
#pragma unroll
    for (int w = 0; w < W; ++w) {
      vy.at[w] = from_float<T>(binary(function, to_float(va.at[w]), to_float(vb.at[w])));
    }
    y[i] = vy;
  }
}

template <typename Index, typename T>
__global__ void binary_kernel(BinaryFunction function, const T* a, const T* b, T* y,
                              __grid_constant__ const Walk<2> walk) {
  const auto size = static_cast<Index>(walk.size);
  for (auto i = first_item<Index>(); i < size; i += item_step<Index>()) {
    std::int64_t at[2];
    offsets_at(walk, i, at);
    y[i] = from_float<T>(binary(function, to_float(a[at[0]]), to_float(b[at[1]])));
  }
}

/// The same for W neighbours at once; an array that repeats along the last axis gives one value.
template <typename T, int W>
__global__ void binary_rows_kernel(BinaryFunction function, const T* a, const T* b, Vector<T, W>* y,
                                   __grid_constant__ const Walk<2> walk, bool repeats_a,
                                   bool repeats_b) {
  const auto count = static_cast<std::uint32_t>(walk.size);
  for (auto i = first_item<std::uint32_t>(); i < count; i += item_step<std::uint32_t>()) {
    std::int64_t at[2];
    offsets_at(walk, i, at);
    Vector<T, W> va;
    Vector<T, W> vb;
    if (repeats_a) {
      va.at[0] = a[at[0]];
    } else {
      va = *reinterpret_cast<const Vector<T, W>*>(a + at[0]);
    }
    if (repeats_b) {
      vb.at[0] = b[at[1]];
    } else {
      vb = *reinterpret_cast<const Vector<T, W>*>(b + at[1]);
    }
    Vector<T, W> vy;
#pragma unroll
    for (int w = 0; w < W; ++w) {
      vy.at[w] = from_float<T>(binary(function, to_float(repeats_a ? va.at[0] : va.at[w]),
                                      to_float(repeats_b ? vb.at[0] : vb.at[w])));
    }
    y[i] = vy;
  }
}

template <typename T, int W>
__global__ void glu_kernel(const T* x, T* y, std::int64_t rows, std::int64_t vectors) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = blockIdx.x * static_cast<std::int64_t>(blockDim.x) + threadIdx.x;
       i < rows * vectors; i += step) {
    const std::int64_t row = i / vectors;
    const std::int64_t column = (i - row * vectors) * W;
    const T* from = x + row * 2 * vectors * W + column;
    const auto a = *reinterpret_cast<const Vector<T, W>*>(from);
    const auto b = *reinterpret_cast<const Vector<T, W>*>(from + vectors * W);
    Vector<T, W> v;
#pragma unroll
    for (int w = 0; w < W; ++w) {
      v.at[w] = from_float<T>(to_float(a.at[w]) * sigmoid(to_float(b.at[w])));
    }
    reinterpret_cast<Vector<T, W>*>(y)[i] = v;
  }
}

/// Whether rows can be read W elements at once; then the walk goes on in such steps.
bool can_widen(Walk<2>& walk, const void* a, const void* b, const void* y, std::int64_t wide) {
  const auto last = static_cast<std::size_t>(walk.axes - 1);
  if (walk.extents[last] % wide != 0 || walk.size / wide >= (std::int64_t{1} << 31) ||
      !is_aligned(y)) {
    return false;
  }
  for (std::size_t n = 0; n < 2; ++n) {
    if (walk.steps[n][last] == 0) continue;
    if (walk.steps[n][last] != 1 || !is_aligned(n == 0 ? a : b)) return false;
    for (std::size_t axis = 0; axis < last; ++axis) {
      if (walk.steps[n][axis] % wide != 0) return false;
    }
  }
  walk.size /= wide;
  walk.extents[last] /= wide;
  walk.steps[0][last] *= wide;
  walk.steps[1][last] *= wide;
  return true;
}

}  // namespace

void launch_unary(UnaryFunction function, float alpha, float beta, DataType type, const void* x,
                  void* y, std::int64_t size, cudaStream_t stream) {
  const Parameters p{alpha, beta};
  visit_real(type, [&]<typename T>(T) {
    constexpr int kWide = 16 / sizeof(T);
    if (size % kWide == 0 && is_aligned(x) && is_aligned(y)) {
      unary_kernel<T, kWide><<<grid_of(size / kWide), kThreads, 0, stream>>>(
          function, p, static_cast<const Vector<T, kWide>*>(x), static_cast<Vector<T, kWide>*>(y),
          size / kWide);
    } else {
      unary_kernel<T, 1><<<grid_of(size), kThreads, 0, stream>>>(
          function, p, static_cast<const Vector<T, 1>*>(x), static_cast<Vector<T, 1>*>(y), size);
    }
  });
}

void launch_binary(BinaryFunction function, DataType type, const void* a, const void* b, void* y,
                   const Walk<2>& walk, cudaStream_t stream) {
  visit_real(type, [&]<typename T>(T) {
    constexpr int kWide = 16 / sizeof(T);
    if (walk.is_dense() && walk.size % kWide == 0 && is_aligned(a) && is_aligned(b) &&
        is_aligned(y)) {
      const std::int64_t count = walk.size / kWide;
      same_shape_kernel<T, kWide><<<grid_of(count), kThreads, 0, stream>>>(
          function, static_cast<const Vector<T, kWide>*>(a),
          static_cast<const Vector<T, kWide>*>(b), static_cast<Vector<T, kWide>*>(y), count);
      return;
    }
    Walk<2> rows = walk;
    if (can_widen(rows, a, b, y, kWide)) {
      const auto last = static_cast<std::size_t>(rows.axes - 1);
      binary_rows_kernel<T, kWide><<<grid_of(rows.size), kThreads, 0, stream>>>(
          function, static_cast<const T*>(a), static_cast<const T*>(b),
          static_cast<Vector<T, kWide>*>(y), rows, rows.steps[0][last] == 0,
          rows.steps[1][last] == 0);
      return;
    }
    visit_index(walk.size, [&]<typename Index>(Index) {
      binary_kernel<Index, T><<<grid_of(walk.size), kThreads, 0, stream>>>(
          function, static_cast<const T*>(a), static_cast<const T*>(b), static_cast<T*>(y), walk);
    });
  });
}

void launch_glu(DataType type, const void* x, void* y, std::int64_t rows, std::int64_t channels,
                cudaStream_t stream) {
  visit_real(type, [&]<typename T>(T) {
    constexpr int kWide = 16 / sizeof(T);
    if (channels % kWide == 0 && is_aligned(x) && is_aligned(y)) {
      glu_kernel<T, kWide><<<grid_of(rows * channels / kWide), kThreads, 0, stream>>>(
          static_cast<const T*>(x), static_cast<T*>(y), rows, channels / kWide);
    } else {
      glu_kernel<T, 1><<<grid_of(rows * channels), kThreads, 0, stream>>>(
          static_cast<const T*>(x), static_cast<T*>(y), rows, channels);
    }
  });
}

}  // namespace metalaudio::nn::cuda

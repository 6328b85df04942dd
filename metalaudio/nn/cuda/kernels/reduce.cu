#include <metalaudio/nn/cuda/kernels/reduce.h>
#include <metalaudio/nn/cuda/kernels/walk.cuh>
#include <metalaudio/nn/cuda/kernels/wide.cuh>

namespace metalaudio::nn::cuda {

namespace {

/// Joins two partial results; what each value becomes before is prepared() below.
template <typename W>
__device__ W joined(Reduction function, W a, W b) {
  switch (function) {
    case Reduction::maximum:
      return b > a || b != b ? b : a;
    case Reduction::minimum:
      return b < a || b != b ? b : a;
    case Reduction::product:
      return times(a, b);
    default:
      return plus(a, b);
  }
}

template <typename W>
__device__ W prepared(Reduction function, W x, double shift) {
  switch (function) {
    case Reduction::l1:
      if constexpr (std::is_unsigned_v<W>) {
        return x;
      } else {
        return x < W{0} ? plus(W{0}, times(x, static_cast<W>(-1))) : x;
      }
    case Reduction::l2:
    case Reduction::sum_square:
      return times(x, x);
    case Reduction::log_sum_exp:
      return static_cast<W>(exp(static_cast<double>(x) - shift));
    default:
      return x;
  }
}

template <typename T>
__device__ Wide<T> identity(Reduction function) {
  switch (function) {
    case Reduction::maximum:
      return lowest<T>();
    case Reduction::minimum:
      return highest<T>();
    case Reduction::product:
      return Wide<T>{1};
    default:
      return Wide<T>{0};
  }
}

/// Gathers what `group` threads have: one, a warp, or a block; all of them know the result.
template <typename W>
__device__ W gathered(Reduction function, W value, int group, W* shared) {
  if (group == 1) return value;
  for (int step = 16; step > 0; step /= 2) {
    value = joined(function, value, __shfl_xor_sync(0xffffffffU, value, step));
  }
  if (group == 32) return value;
  __syncthreads();
  if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = value;
  __syncthreads();
  value = shared[0];
  for (int i = 1; i < kThreads / 32; ++i) value = joined(function, value, shared[i]);
  return value;
}

template <typename T>
__global__ void reduce_kernel(Reduction function, const T* x, T* y,
                              __grid_constant__ const Walk<1> kept,
                              __grid_constant__ const Walk<1> reduced, int group) {
  using W = Wide<T>;
  __shared__ W shared[kThreads / 32];
  const int lane = static_cast<int>(threadIdx.x) % group;
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * (kThreads / group);
  for (std::int64_t i = blockIdx.x * static_cast<std::int64_t>(kThreads / group) +
                        static_cast<int>(threadIdx.x) / group;
       i < kept.size; i += step) {
    std::int64_t from[1];
    offsets_at(kept, i, from);
    const auto gather = [&](Reduction by, double shift) {
      W value = identity<T>(by);
      for (std::int64_t n = lane; n < reduced.size; n += group) {
        std::int64_t at[1];
        offsets_at(reduced, n, at);
        value = joined(by, value, prepared(by, widen(x[from[0] + at[0]]), shift));
      }
      return gathered(by, value, group, shared);
    };
    double shift = 0;
    if (function == Reduction::log_sum_exp) {
      shift = static_cast<double>(gather(Reduction::maximum, 0));
      // Of infinities and NaN that is the result itself.
      if (isinf(shift) || shift != shift) {
        if (lane == 0) y[i] = converted<T>(shift);
        continue;
      }
    }
    const W value = gather(function, shift);
    if (lane != 0) continue;
    switch (function) {
      case Reduction::mean:
        if constexpr (std::is_same_v<W, double>) {
          y[i] = converted<T>(value / static_cast<double>(reduced.size));
        } else {
          y[i] = reduced.size == 0 ? T{} : static_cast<T>(value / static_cast<W>(reduced.size));
        }
        break;
      case Reduction::l2:
        y[i] = converted<T>(sqrt(static_cast<double>(value)));
        break;
      case Reduction::log_sum:
        y[i] = converted<T>(log(static_cast<double>(value)));
        break;
      case Reduction::log_sum_exp:
        y[i] = converted<T>(shift + log(static_cast<double>(value)));
        break;
      default:
        y[i] = converted<T>(value);
    }
  }
}

/// How many threads share a result. Neighbouring results that lie side by side are read in rows by
/// one thread each.
int group_of(std::int64_t results, std::int64_t count, bool in_rows) {
  if (in_rows && (results >= 4096 || count < 64)) return 1;
  return count >= 2048 ? kThreads : count >= 8 ? 32 : 1;
}

/// The line of results or values that thread i has: where it begins, and how far its values are
/// apart.
__device__ std::int64_t line_of(const Around& around, std::int64_t i) {
  return i / around.inner * around.extent * around.inner + i % around.inner;
}

template <typename T>
__global__ void arg_reduce_kernel(const T* x, std::int64_t* y,
                                  __grid_constant__ const Around around, bool maximum, bool last) {
  for (auto i = first_item(); i < around.lines(); i += item_step()) {
    const T* const line = x + line_of(around, i);
    auto best = widen(line[0]);
    std::int64_t index = 0;
    for (std::int64_t n = 0; n < around.extent; ++n) {
      const auto value = widen(line[n * around.inner]);
      if (value != value) {
        index = n;
        break;
      }
      if (n == 0 || (maximum ? value > best : value < best) || (last && value == best)) {
        best = value;
        index = n;
      }
    }
    y[i] = index;
  }
}

template <typename T>
__global__ void cum_sum_kernel(const T* x, T* y, __grid_constant__ const Around around,
                               bool exclusive, bool reverse) {
  for (auto i = first_item(); i < around.lines(); i += item_step()) {
    const std::int64_t line = line_of(around, i);
    Wide<T> sum = 0;
    for (std::int64_t n = 0; n < around.extent; ++n) {
      const std::int64_t at = line + (reverse ? around.extent - 1 - n : n) * around.inner;
      const Wide<T> value = widen(x[at]);
      const Wide<T> after = plus(sum, value);
      y[at] = converted<T>(exclusive ? sum : after);
      sum = after;
    }
  }
}

template <typename T>
__global__ void softmax_kernel(const T* x, T* y, __grid_constant__ const Around around, bool log,
                               int group) {
  __shared__ double shared[kThreads / 32];
  const int lane = static_cast<int>(threadIdx.x) % group;
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * (kThreads / group);
  for (std::int64_t i = blockIdx.x * static_cast<std::int64_t>(kThreads / group) +
                        static_cast<int>(threadIdx.x) / group;
       i < around.lines(); i += step) {
    const std::int64_t line = line_of(around, i);
    double most = -INFINITY;
    for (std::int64_t n = lane; n < around.extent; n += group) {
      most = fmax(most, static_cast<double>(to_float(x[line + n * around.inner])));
    }
    const auto top = static_cast<float>(gathered(Reduction::maximum, most, group, shared));
    double sum = 0;
    for (std::int64_t n = lane; n < around.extent; n += group) {
      sum += static_cast<double>(expf(to_float(x[line + n * around.inner]) - top));
    }
    sum = gathered(Reduction::sum, sum, group, shared);
    const auto whole = static_cast<float>(log ? ::log(sum) : 1.0 / sum);
    for (std::int64_t n = lane; n < around.extent; n += group) {
      const float shifted = to_float(x[line + n * around.inner]) - top;
      y[line + n * around.inner] = from_float<T>(log ? shifted - whole : expf(shifted) * whole);
    }
  }
}

/// Picks one value after the other: the next behind the last one in the order of the results.
template <typename T>
__global__ void top_k_kernel(const T* x, T* values, std::int64_t* indices,
                             __grid_constant__ const Around around, std::int64_t k, bool largest) {
  for (auto i = first_item(); i < around.lines(); i += item_step()) {
    const T* const line = x + line_of(around, i);
    const std::int64_t to = i / around.inner * k * around.inner + i % around.inner;
    std::int64_t last = -1;
    for (std::int64_t pick = 0; pick < k; ++pick) {
      std::int64_t best = -1;
      for (std::int64_t n = 0; n < around.extent; ++n) {
        const auto value = widen(line[n * around.inner]);
        if (last >= 0) {
          const auto before = widen(line[last * around.inner]);
          const bool behind =
              (largest ? value < before : value > before) || (value == before && n > last);
          if (!behind) continue;
        }
        if (best < 0) {
          best = n;
          continue;
        }
        const auto held = widen(line[best * around.inner]);
        if (largest ? value > held : value < held) best = n;
      }
      // Only NaN, which stands nowhere in the order, leaves none.
      if (best < 0) best = last < 0 ? 0 : last;
      values[to + pick * around.inner] = line[best * around.inner];
      indices[to + pick * around.inner] = best;
      last = best;
    }
  }
}

}  // namespace

void launch_reduce(Reduction function, DataType type, const void* x, void* y, const Walk<1>& kept,
                   const Walk<1>& reduced, cudaStream_t stream) {
  if (kept.size == 0) return;
  const bool in_rows = kept.size > 1 && kept.steps[0][static_cast<std::size_t>(kept.axes - 1)] == 1;
  const int group = group_of(kept.size, reduced.size, in_rows);
  visit_any(type, [&]<typename T>(T) {
    reduce_kernel<T><<<grid_of(kept.size, kThreads / group), kThreads, 0, stream>>>(
        function, static_cast<const T*>(x), static_cast<T*>(y), kept, reduced, group);
  });
}

void launch_arg_reduce(DataType type, const void* x, std::int64_t* y, const Around& around,
                       bool maximum, bool last, cudaStream_t stream) {
  if (around.lines() == 0) return;
  visit_any(type, [&]<typename T>(T) {
    arg_reduce_kernel<T><<<grid_of(around.lines()), kThreads, 0, stream>>>(
        static_cast<const T*>(x), y, around, maximum, last);
  });
}

void launch_cum_sum(DataType type, const void* x, void* y, const Around& around, bool exclusive,
                    bool reverse, cudaStream_t stream) {
  if (around.lines() == 0) return;
  visit_any(type, [&]<typename T>(T) {
    cum_sum_kernel<T><<<grid_of(around.lines()), kThreads, 0, stream>>>(
        static_cast<const T*>(x), static_cast<T*>(y), around, exclusive, reverse);
  });
}

void launch_softmax(DataType type, const void* x, void* y, const Around& around, bool log,
                    cudaStream_t stream) {
  if (around.lines() == 0 || around.extent == 0) return;
  const int group = group_of(around.lines(), around.extent, around.inner > 1);
  visit_real(type, [&]<typename T>(T) {
    softmax_kernel<T><<<grid_of(around.lines(), kThreads / group), kThreads, 0, stream>>>(
        static_cast<const T*>(x), static_cast<T*>(y), around, log, group);
  });
}

void launch_top_k(DataType type, const void* x, void* values, std::int64_t* indices,
                  const Around& around, std::int64_t k, bool largest, cudaStream_t stream) {
  if (around.lines() == 0 || k == 0) return;
  visit_any(type, [&]<typename T>(T) {
    top_k_kernel<T><<<grid_of(around.lines()), kThreads, 0, stream>>>(
        static_cast<const T*>(x), static_cast<T*>(values), indices, around, k, largest);
  });
}

}  // namespace metalaudio::nn::cuda

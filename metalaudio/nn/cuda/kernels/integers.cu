// Functions of unsigned types share their code with those of signed ones.
#pragma nv_diag_suppress 186

#include <metalaudio/nn/steps/scalar_functions.h>
#include <metalaudio/nn/cuda/kernels/elementwise.h>
#include <metalaudio/nn/cuda/kernels/convert.cuh>
#include <metalaudio/nn/cuda/kernels/walk.cuh>

namespace metalaudio::nn::cuda {

namespace {

template <typename T>
struct IntegerUnary {
  UnaryFunction function;
  double alpha;
  double beta;
  __device__ T operator()(T x) const {
    if constexpr (std::is_same_v<T, bool>) {
      return !x;
    } else {
      return apply_integer(function, x, alpha, beta);
    }
  }
};

template <typename T>
struct Test {
  UnaryFunction function;
  bool low;  ///< whether -inf is found
  bool high;
  __device__ bool operator()(T value) const {
    const float x = to_float(value);
    if (function == UnaryFunction::is_nan) return x != x;
    return (x == -INFINITY && low) || (x == INFINITY && high);
  }
};

template <typename T>
struct IntegerBinary {
  BinaryFunction function;
  __device__ T operator()(T a, T b) const {
    if constexpr (std::is_same_v<T, bool>) {
      return function == BinaryFunction::logical_and  ? a && b
             : function == BinaryFunction::logical_or ? a || b
                                                      : a != b;
    } else {
      return apply_integer(function, a, b);
    }
  }
};

template <typename T>
struct Comparison {
  BinaryFunction function;
  __device__ bool operator()(T a, T b) const {
    if constexpr (kIsHalf<T>) {
      return compare(function, to_float(a), to_float(b));
    } else {
      return compare(function, a, b);
    }
  }
};

template <typename T, typename R, typename F>
__global__ void map_kernel(F function, const T* x, R* y, std::int64_t size) {
  for (auto i = first_item(); i < size; i += item_step()) y[i] = function(x[i]);
}

template <typename T, typename R, typename F>
__global__ void map_pairs_kernel(F function, const T* a, const T* b, R* y,
                                 __grid_constant__ const Walk<2> walk) {
  for (auto i = first_item(); i < walk.size; i += item_step()) {
    std::int64_t at[2];
    offsets_at(walk, i, at);
    y[i] = function(a[at[0]], b[at[1]]);
  }
}

/// To any type.
template <typename From>
__global__ void cast_kernel(const From* x, DataType to, void* y, std::int64_t size) {
  for (auto i = first_item(); i < size; i += item_step()) put_number(to, y, i, x[i]);
}

template <typename From, typename To>
__global__ void cast_real_kernel(const Vector<From, 4>* x, Vector<To, 4>* y, std::int64_t count) {
  for (auto i = first_item(); i < count; i += item_step()) {
    const Vector<From, 4> from = x[i];
    Vector<To, 4> to;
#pragma unroll
    for (int w = 0; w < 4; ++w) to.at[w] = from_float<To>(to_float(from.at[w]));
    y[i] = to;
  }
}

bool is_real(DataType type) {
  return type == DataType::f32 || type == DataType::f16 || type == DataType::bf16;
}

}  // namespace

void launch_integer_unary(UnaryFunction function, double alpha, double beta, DataType type,
                          const void* x, void* y, std::int64_t size, cudaStream_t stream) {
  const auto launch = [&]<typename T>(T) {
    map_kernel<<<grid_of(size), kThreads, 0, stream>>>(
        IntegerUnary<T>{function, alpha, beta}, static_cast<const T*>(x), static_cast<T*>(y), size);
  };
  type == DataType::boolean ? launch(bool{}) : visit_integer(type, launch);
}

void launch_test(UnaryFunction function, float alpha, float beta, DataType type, const void* x,
                 bool* y, std::int64_t size, cudaStream_t stream) {
  visit_real(type, [&]<typename T>(T) {
    map_kernel<<<grid_of(size), kThreads, 0, stream>>>(Test<T>{function, alpha != 0, beta != 0},
                                                       static_cast<const T*>(x), y, size);
  });
}

void launch_integer_binary(BinaryFunction function, DataType type, const void* a, const void* b,
                           void* y, const Walk<2>& walk, cudaStream_t stream) {
  const auto launch = [&]<typename T>(T) {
    map_pairs_kernel<<<grid_of(walk.size), kThreads, 0, stream>>>(
        IntegerBinary<T>{function}, static_cast<const T*>(a), static_cast<const T*>(b),
        static_cast<T*>(y), walk);
  };
  type == DataType::boolean ? launch(bool{}) : visit_integer(type, launch);
}

void launch_comparison(BinaryFunction function, DataType type, const void* a, const void* b,
                       bool* y, const Walk<2>& walk, cudaStream_t stream) {
  visit_any(type, [&]<typename T>(T) {
    map_pairs_kernel<<<grid_of(walk.size), kThreads, 0, stream>>>(
        Comparison<T>{function}, static_cast<const T*>(a), static_cast<const T*>(b), y, walk);
  });
}

void launch_cast(DataType from, const void* x, DataType to, void* y, std::int64_t size,
                 cudaStream_t stream) {
  if (is_real(from) && is_real(to) && size % 4 == 0 && is_aligned(x) && is_aligned(y)) {
    visit_real(from, [&]<typename From>(From) {
      visit_real(to, [&]<typename To>(To) {
        cast_real_kernel<<<grid_of(size / 4), kThreads, 0, stream>>>(
            static_cast<const Vector<From, 4>*>(x), static_cast<Vector<To, 4>*>(y), size / 4);
      });
    });
    return;
  }
  visit_any(from, [&]<typename From>(From) {
    cast_kernel<From>
        <<<grid_of(size), kThreads, 0, stream>>>(static_cast<const From*>(x), to, y, size);
  });
}

}  // namespace metalaudio::nn::cuda

#include <metalaudio/nn/cuda/kernels/common.cuh>
#include <metalaudio/nn/cuda/kernels/elementwise.h>
#include <metalaudio/nn/cuda/kernels/functions.cuh>

namespace metalaudio::nn::cuda {

namespace {

struct Parameters {
  float alpha;
  float beta;
};

__device__ float unary(UnaryFunction function, float x, Parameters p) {
  switch (function) {
    case UnaryFunction::absolute:
      return fabsf(x);
    case UnaryFunction::negate:
      return -x;
    case UnaryFunction::sign:
      return x > 0 ? 1.0F : x < 0 ? -1.0F : x;
    case UnaryFunction::exp:
      return expf(x);
    case UnaryFunction::log:
      return logf(x);
    case UnaryFunction::sqrt:
      return sqrtf(x);
    case UnaryFunction::reciprocal:
      return 1.0F / x;
    case UnaryFunction::sin:
      return sinf(x);
    case UnaryFunction::cos:
      return cosf(x);
    case UnaryFunction::tan:
      return tanf(x);
    case UnaryFunction::asin:
      return asinf(x);
    case UnaryFunction::acos:
      return acosf(x);
    case UnaryFunction::atan:
      return atanf(x);
    case UnaryFunction::sinh:
      return sinhf(x);
    case UnaryFunction::cosh:
      return coshf(x);
    case UnaryFunction::tanh:
      return tanhf(x);
    case UnaryFunction::asinh:
      return asinhf(x);
    case UnaryFunction::acosh:
      return acoshf(x);
    case UnaryFunction::atanh:
      return atanhf(x);
    case UnaryFunction::erf:
      return erff(x);
    case UnaryFunction::floor:
      return floorf(x);
    case UnaryFunction::ceil:
      return ceilf(x);
    case UnaryFunction::round:
      return rintf(x);
    case UnaryFunction::relu:
      return x > 0 || x != x ? x : 0.0F;
    case UnaryFunction::sigmoid:
      return sigmoid(x);
    case UnaryFunction::gelu:
      return gelu(x);
    case UnaryFunction::gelu_tanh:
      return activate(Activation::gelu_tanh, x);
    case UnaryFunction::silu:
      return x * sigmoid(x);
    case UnaryFunction::softplus:
      return x > 20 ? x : log1pf(expf(x));
    case UnaryFunction::softsign:
      return x / (1 + fabsf(x));
    case UnaryFunction::mish:
      return x * tanhf(x > 20 ? x : log1pf(expf(x)));
    case UnaryFunction::hard_swish:
      return x != x ? x : x * fminf(fmaxf(x / 6 + 0.5F, 0.0F), 1.0F);
    case UnaryFunction::hard_sigmoid:
      return x != x ? x : fminf(fmaxf(p.alpha * x + p.beta, 0.0F), 1.0F);
    case UnaryFunction::leaky_relu:
      return x < 0 ? p.alpha * x : x;
    case UnaryFunction::elu:
      return x < 0 ? p.alpha * expm1f(x) : x;
    case UnaryFunction::celu:
      return x < 0 ? p.alpha * expm1f(x / p.alpha) : x;
    case UnaryFunction::selu:
      return x < 0 ? p.beta * p.alpha * expm1f(x) : p.beta * x;
    case UnaryFunction::thresholded_relu:
      return x > p.alpha ? x : 0.0F;
    case UnaryFunction::clip:
      return x != x ? x : fminf(fmaxf(x, p.alpha), p.beta);
    case UnaryFunction::shrink:
      return x < -p.alpha ? x + p.beta : x > p.alpha ? x - p.beta : 0.0F;
    default:
      return x;
  }
}

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

template <typename T>
__global__ void binary_kernel(BinaryFunction function, const T* a, const T* b, T* y,
                              __grid_constant__ const Broadcast shape, std::int64_t size) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = blockIdx.x * static_cast<std::int64_t>(blockDim.x) + threadIdx.x; i < size;
       i += step) {
    std::int64_t rest = i;
    std::int64_t at_a = 0;
    std::int64_t at_b = 0;
    for (int axis = shape.axes - 1; axis >= 0; --axis) {
      const std::int64_t index = rest % shape.extents[axis];
      rest /= shape.extents[axis];
      at_a += index * shape.a[axis];
      at_b += index * shape.b[axis];
    }
    y[i] = from_float<T>(binary(function, to_float(a[at_a]), to_float(b[at_b])));
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

template <typename From, typename To>
__global__ void cast_kernel(const From* x, To* y, std::int64_t size) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = blockIdx.x * static_cast<std::int64_t>(blockDim.x) + threadIdx.x; i < size;
       i += step) {
    y[i] = from_float<To>(to_float(x[i]));
  }
}

bool aligned(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer) % 16 == 0; }

}  // namespace

void launch_unary(UnaryFunction function, float alpha, float beta, DataType type, const void* x,
                  void* y, std::int64_t size, cudaStream_t stream) {
  const Parameters p{alpha, beta};
  visit_real(type, [&]<typename T>(T) {
    constexpr int kWide = 16 / sizeof(T);
    if (size % kWide == 0 && aligned(x) && aligned(y)) {
      unary_kernel<T, kWide><<<grid_of(size / kWide), kThreads, 0, stream>>>(
          function, p, static_cast<const Vector<T, kWide>*>(x),
          static_cast<Vector<T, kWide>*>(y), size / kWide);
    } else {
      unary_kernel<T, 1><<<grid_of(size), kThreads, 0, stream>>>(
          function, p, static_cast<const Vector<T, 1>*>(x),
          static_cast<Vector<T, 1>*>(y), size);
    }
  });
}

void launch_binary(BinaryFunction function, DataType type, const void* a, const void* b, void* y,
                   const Broadcast& shape, std::int64_t size, cudaStream_t stream) {
  visit_real(type, [&]<typename T>(T) {
    constexpr int kWide = 16 / sizeof(T);
    const bool same = shape.axes == 1 && shape.a[0] == 1 && shape.b[0] == 1;
    if (same && size % kWide == 0 && aligned(a) && aligned(b) && aligned(y)) {
      same_shape_kernel<T, kWide><<<grid_of(size / kWide), kThreads, 0, stream>>>(
          function, static_cast<const Vector<T, kWide>*>(a),
          static_cast<const Vector<T, kWide>*>(b), static_cast<Vector<T, kWide>*>(y), size / kWide);
    } else {
      binary_kernel<T><<<grid_of(size), kThreads, 0, stream>>>(
          function, static_cast<const T*>(a), static_cast<const T*>(b), static_cast<T*>(y), shape,
          size);
    }
  });
}

void launch_glu(DataType type, const void* x, void* y, std::int64_t rows, std::int64_t channels,
                cudaStream_t stream) {
  visit_real(type, [&]<typename T>(T) {
    constexpr int kWide = 16 / sizeof(T);
    if (channels % kWide == 0 && aligned(x) && aligned(y)) {
      glu_kernel<T, kWide><<<grid_of(rows * channels / kWide), kThreads, 0, stream>>>(
          static_cast<const T*>(x), static_cast<T*>(y), rows, channels / kWide);
    } else {
      glu_kernel<T, 1><<<grid_of(rows * channels), kThreads, 0, stream>>>(
          static_cast<const T*>(x), static_cast<T*>(y), rows, channels);
    }
  });
}

void launch_cast(DataType from, const void* x, DataType to, void* y, std::int64_t size,
                 cudaStream_t stream) {
  visit_real(from, [&]<typename From>(From) {
    visit_real(to, [&]<typename To>(To) {
      cast_kernel<From, To><<<grid_of(size), kThreads, 0, stream>>>(
          static_cast<const From*>(x), static_cast<To*>(y), size);
    });
  });
}

}  // namespace metalaudio::nn::cuda

#include <metalaudio/nn/cuda/kernels/norm.h>
#include <metalaudio/nn/cuda/kernels/common.cuh>
#include <metalaudio/nn/cuda/kernels/functions.cuh>

namespace metalaudio::nn::cuda {

namespace {

/// Groups of at most so many values are done by one block in one launch.
constexpr std::int64_t kSmallGroup = 32768;
/// Otherwise so many values are summed by one block.
constexpr std::int64_t kPart = 8192;

/// Of values minus the first one of their group.
struct Moments {
  double sum;
  double squares;
};

struct Affine {
  float shift;      ///< the group's first value
  float mean;       ///< of what is left after it
  float deviation;  ///< 1 / sqrt(variance + epsilon)
};

__device__ Affine affine_of(Moments moments, float shift, double count, float epsilon) {
  const double mean = moments.sum / count;
  const double variance = fmax(0.0, moments.squares / count - mean * mean);
  return {shift, static_cast<float>(mean), static_cast<float>(1.0 / sqrt(variance + epsilon))};
}

/// Where the elements of a group lie: `width` at a position, `pitch` from one position to the next.
template <typename T>
struct Group {
  const T* x;
  std::int64_t width;
  std::int64_t pitch;

  __device__ std::int64_t at(std::int64_t element) const {
    if (width == pitch) return element;
    // No group has more than 2^32 elements, and divisions of 64 bits are slow.
    const auto position = static_cast<unsigned>(element) / static_cast<unsigned>(width);
    return position * pitch + (element - position * width);
  }
};

template <typename T>
__device__ Moments sum_moments(const Group<T>& group, std::int64_t first, std::int64_t last,
                               float shift, double* shared) {
  float sum = 0;
  float squares = 0;
  constexpr int W = 16 / sizeof(T);
  if (group.width == group.pitch && first % W == 0 &&
      reinterpret_cast<std::uintptr_t>(group.x) % 16 == 0) {
    const std::int64_t vectors = (last - first) / W;
    const auto* x = reinterpret_cast<const Vector<T, W>*>(group.x + first);
    for (std::int64_t i = threadIdx.x; i < vectors; i += blockDim.x) {
      const Vector<T, W> v = x[i];
#pragma unroll
      for (int w = 0; w < W; ++w) {
        const float value = to_float(v.at[w]) - shift;
        sum += value;
        squares += value * value;
      }
    }
    first += vectors * W;
  }
  for (std::int64_t i = first + threadIdx.x; i < last; i += blockDim.x) {
    const float value = to_float(group.x[group.at(i)]) - shift;
    sum += value;
    squares += value * value;
  }
  Moments moments;
  moments.sum = block_sum(static_cast<double>(sum), shared);
  moments.squares = block_sum(static_cast<double>(squares), shared);
  return moments;
}

template <typename T>
struct Output {
  const float* gamma;
  const float* beta;
  T* y;
  Activation activation;
};

__device__ __forceinline__ float normalised(float x, const Affine& affine, const float* gamma,
                                            const float* beta, std::int64_t channel) {
  const float value = (x - affine.shift - affine.mean) * affine.deviation;
  const float scaled = gamma != nullptr ? value * gamma[channel] : value;
  return beta != nullptr ? scaled + beta[channel] : scaled;
}

/// W factors or shifts of channels; of four and more, `from` is aligned to four.
template <int W>
__device__ __forceinline__ void read_channels(const float* from, float (&to)[W], float absent) {
  constexpr int kAtOnce = W % 4 == 0 ? 4 : 1;
#pragma unroll
  for (int w = 0; w < W; w += kAtOnce) {
    Vector<float, kAtOnce> some;
    if (from != nullptr) some = *reinterpret_cast<const Vector<float, kAtOnce>*>(from + w);
#pragma unroll
    for (int i = 0; i < kAtOnce; ++i) to[w + i] = from != nullptr ? some.at[i] : absent;
  }
}
/// Of a place in them, or null.
__device__ __forceinline__ const float* from_channel(const float* values, std::int64_t channel) {
  return values != nullptr ? values + channel : nullptr;
}

/// Elements [first, last) of a group whose first channel is `channel`. With glu the group is all
/// channels, and elements count those of y.
template <typename T>
__device__ void write_normalised(const Group<T>& group, const Affine& affine,
                                 const Output<T>& output, T* y, std::int64_t channel,
                                 std::int64_t first, std::int64_t last) {
  if (output.activation == Activation::glu) {
    const std::int64_t half = group.width / 2;
    for (std::int64_t i = first + threadIdx.x; i < last; i += blockDim.x) {
      const std::int64_t position = static_cast<unsigned>(i) / static_cast<unsigned>(half);
      const std::int64_t c = i - position * half;
      const T* x = group.x + position * group.pitch + c;
      const float a = normalised(to_float(x[0]), affine, output.gamma, output.beta, c);
      const float b = normalised(to_float(x[half]), affine, output.gamma, output.beta, c + half);
      y[i] = from_float<T>(a * sigmoid(b));
    }
    return;
  }
  const auto write_vectors = [&]<int W>() {
    for (std::int64_t i = first + threadIdx.x * W; i < last; i += blockDim.x * W) {
      const std::int64_t position = static_cast<unsigned>(i) / static_cast<unsigned>(group.width);
      const std::int64_t c = i - position * group.width;
      const std::int64_t at = position * group.pitch + c;
      Vector<T, W> v = *reinterpret_cast<const Vector<T, W>*>(group.x + at);
      float gamma[W];
      float beta[W];
      read_channels(from_channel(output.gamma, channel + c), gamma, 1.0F);
      read_channels(from_channel(output.beta, channel + c), beta, -0.0F);
#pragma unroll
      for (int w = 0; w < W; ++w) {
        const float normal = (to_float(v.at[w]) - affine.shift - affine.mean) * affine.deviation;
        v.at[w] = from_float<T>(activate(output.activation, normal * gamma[w] + beta[w]));
      }
      *reinterpret_cast<Vector<T, W>*>(y + at) = v;
    }
  };
  constexpr int kWide = 16 / sizeof(T);
  // Vectors that lie in one position, on whole lines.
  const bool wide = group.width % kWide == 0 && group.pitch % kWide == 0 &&
                    reinterpret_cast<std::uintptr_t>(group.x) % 16 == 0 &&
                    reinterpret_cast<std::uintptr_t>(y) % 16 == 0;
  wide ? write_vectors.template operator()<kWide>() : write_vectors.template operator()<1>();
}

template <typename T>
__device__ Group<T> group_of(const T* x, const GroupNormShape& shape, std::int64_t index) {
  const std::int64_t width = shape.channels / shape.groups;
  const std::int64_t batch = index / shape.groups;
  const std::int64_t pitch = shape.pitch > 0 ? shape.pitch : shape.channels;
  return {x + batch * shape.positions * pitch + index % shape.groups * width, width, pitch};
}

template <typename T>
__device__ T* place_of(const Output<T>& output, const GroupNormShape& shape, std::int64_t index) {
  const std::int64_t channels = output.activation == Activation::glu ? shape.channels / 2
                                : shape.pitch > 0                    ? shape.pitch
                                                                     : shape.channels;
  return output.y + index / shape.groups * shape.positions * channels +
         index % shape.groups * (shape.channels / shape.groups);
}

/// A whole group by one block.
template <typename T>
__global__ void small_groups(const T* x, __grid_constant__ const Output<T> output,
                             __grid_constant__ const GroupNormShape shape) {
  __shared__ double shared[32];
  const std::int64_t index = blockIdx.x;
  const Group<T> group = group_of(x, shape, index);
  const std::int64_t size = shape.positions * group.width;
  const float shift = to_float(group.x[0]);
  const Affine affine = affine_of(sum_moments(group, 0, size, shift, shared), shift,
                                  static_cast<double>(size), shape.epsilon);
  write_normalised(group, affine, output, place_of(output, shape, index),
                   index % shape.groups * group.width, 0,
                   output.activation == Activation::glu ? size / 2 : size);
}

template <typename T>
__global__ void sum_parts(const T* x, __grid_constant__ const GroupNormShape shape,
                          Moments* partial) {
  __shared__ double shared[32];
  const std::int64_t index = blockIdx.y;
  const Group<T> group = group_of(x, shape, index);
  const std::int64_t size = shape.positions * group.width;
  const std::int64_t first = blockIdx.x * kPart;
  const std::int64_t last = first + kPart < size ? first + kPart : size;
  const Moments moments = sum_moments(group, first, last, to_float(group.x[0]), shared);
  if (threadIdx.x == 0) partial[index * gridDim.x + blockIdx.x] = moments;
}

template <typename T>
__global__ void write_parts(const T* x, __grid_constant__ const Output<T> output,
                            __grid_constant__ const GroupNormShape shape, const Moments* partial) {
  __shared__ double shared[32];
  const std::int64_t index = blockIdx.y;
  const Group<T> group = group_of(x, shape, index);
  const std::int64_t size = shape.positions * group.width;
  Moments mine{0, 0};
  for (unsigned part = threadIdx.x; part < gridDim.x; part += blockDim.x) {
    mine.sum += partial[index * gridDim.x + part].sum;
    mine.squares += partial[index * gridDim.x + part].squares;
  }
  Moments moments;
  moments.sum = block_sum(mine.sum, shared);
  moments.squares = block_sum(mine.squares, shared);
  const Affine affine =
      affine_of(moments, to_float(group.x[0]), static_cast<double>(size), shape.epsilon);
  const bool glu = output.activation == Activation::glu;
  const std::int64_t part = glu ? kPart / 2 : kPart;
  const std::int64_t end = glu ? size / 2 : size;
  const std::int64_t first = blockIdx.x * part;
  const std::int64_t last = first + part < end ? first + part : end;
  write_normalised(group, affine, output, place_of(output, shape, index),
                   index % shape.groups * group.width, first, last);
}

/// A row by one warp, which holds `Held` vectors of it in each lane: its mean first, then the
/// deviations from it. Held = 0: a row of any length, read three times.
template <typename T, int W, int Held>
__global__ void layer_norm_kernel(const T* x, const float* gamma, const float* beta, T* y,
                                  std::int64_t rows, std::int64_t width, float epsilon,
                                  RowNorm form) {
  const std::int64_t row =
      static_cast<std::int64_t>(blockIdx.x) * (blockDim.x / 32) + threadIdx.x / 32;
  if (row >= rows) return;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const auto* from = reinterpret_cast<const Vector<T, W>*>(x + row * width);
  auto* to = reinterpret_cast<Vector<T, W>*>(y + row * width);
  const int vectors = static_cast<int>(width / W);
  const auto warp_sum = [](float value) {
    for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(0xffffffffU, value, step);
    return value;
  };
  Vector<T, W> held[Held > 0 ? Held : 1];
#pragma unroll
  for (int n = 0; n < Held; ++n) {
    if (lane + 32 * n < vectors) held[n] = from[lane + 32 * n];
  }
  const auto over_vectors = [&](auto&& body) {
    if constexpr (Held > 0) {
#pragma unroll
      for (int n = 0; n < Held; ++n) {
        if (lane + 32 * n < vectors) body(lane + 32 * n, held[n]);
      }
    } else {
      for (int i = lane; i < vectors; i += 32) body(i, from[i]);
    }
  };
  float mean = 0;
  if (form == RowNorm::layer) {
    float sum = 0;
    over_vectors([&](int, const Vector<T, W>& v) {
#pragma unroll
      for (int w = 0; w < W; ++w) sum += to_float(v.at[w]);
    });
    mean = warp_sum(sum) / static_cast<float>(width);
  }
  float squares = 0;
  over_vectors([&](int, const Vector<T, W>& v) {
#pragma unroll
    for (int w = 0; w < W; ++w) {
      const float value = to_float(v.at[w]) - mean;
      squares += value * value;
    }
  });
  const float variance = warp_sum(squares) / static_cast<float>(width);
  const float deviation =
      form == RowNorm::l2
          ? 1.0F / fmaxf(sqrtf(variance), epsilon / sqrtf(static_cast<float>(width)))
          : 1.0F / sqrtf(variance + epsilon);
  over_vectors([&](int i, Vector<T, W> v) {
    float factors[W];
    float shifts[W];
    read_channels(from_channel(gamma, i * W), factors, 1.0F);
    read_channels(from_channel(beta, i * W), shifts, -0.0F);
#pragma unroll
    for (int w = 0; w < W; ++w) {
      v.at[w] = from_float<T>((to_float(v.at[w]) - mean) * deviation * factors[w] + shifts[w]);
    }
    to[i] = v;
  });
}

/// The kernel for rows of a width: four values at a time, so that gamma and beta are too.
template <typename T>
auto layer_norm_for(std::int64_t width) {
  if (width % 4 != 0) return layer_norm_kernel<T, 1, 0>;
  if (width <= 128) return layer_norm_kernel<T, 4, 1>;
  if (width <= 256) return layer_norm_kernel<T, 4, 2>;
  if (width <= 384) return layer_norm_kernel<T, 4, 3>;
  if (width <= 512) return layer_norm_kernel<T, 4, 4>;
  if (width <= 1024) return layer_norm_kernel<T, 4, 8>;
  return layer_norm_kernel<T, 4, 0>;
}

std::int64_t parts_of(const GroupNormShape& shape) {
  const std::int64_t size = shape.positions * (shape.channels / shape.groups);
  return (size + kPart - 1) / kPart;
}

}  // namespace

std::size_t group_norm_bytes(const GroupNormShape& shape) {
  return static_cast<std::size_t>(shape.batch * shape.groups * parts_of(shape)) * sizeof(Moments);
}

void launch_group_norm(DataType type, const void* x, const float* gamma, const float* beta, void* y,
                       const GroupNormShape& shape, Activation activation, void* partial,
                       cudaStream_t stream) {
  visit_real(type, [&]<typename T>(T) {
    const Output<T> output{gamma, beta, static_cast<T*>(y), activation};
    const std::int64_t groups = shape.batch * shape.groups;
    const std::int64_t size = shape.positions * (shape.channels / shape.groups);
    const auto* from = static_cast<const T*>(x);
    if (size <= kSmallGroup) {
      small_groups<T><<<static_cast<unsigned>(groups), kThreads, 0, stream>>>(from, output, shape);
      return;
    }
    const dim3 grid(static_cast<unsigned>(parts_of(shape)), static_cast<unsigned>(groups));
    sum_parts<T><<<grid, kThreads, 0, stream>>>(from, shape, static_cast<Moments*>(partial));
    write_parts<T>
        <<<grid, kThreads, 0, stream>>>(from, output, shape, static_cast<const Moments*>(partial));
  });
}

void launch_layer_norm(DataType type, const void* x, const float* gamma, const float* beta, void* y,
                       std::int64_t rows, std::int64_t width, float epsilon, RowNorm form,
                       cudaStream_t stream) {
  constexpr int kRows = kThreads / 32;
  visit_real(type, [&]<typename T>(T) {
    const auto grid = static_cast<unsigned>((rows + kRows - 1) / kRows);
    auto* const kernel = layer_norm_for<T>(width);
    kernel<<<grid, kThreads, 0, stream>>>(static_cast<const T*>(x), gamma, beta, static_cast<T*>(y),
                                          rows, width, epsilon, form);
  });
}

}  // namespace metalaudio::nn::cuda

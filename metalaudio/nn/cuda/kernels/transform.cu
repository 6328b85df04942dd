#include <metalaudio/nn/cuda/kernels/transform.h>
#include <metalaudio/nn/cuda/kernels/convert.cuh>
#include <metalaudio/nn/cuda/kernels/walk.cuh>

namespace metalaudio::nn::cuda {

namespace {

/// Adds value · e^(±i angle) to a sum, the angle being that of turns[turn].
__device__ void add(double (&sum)[2], double re, double im, const double* turns, std::int64_t turn,
                    bool inverse) {
  const double cosine = turns[2 * turn];
  const double sine = inverse ? turns[2 * turn + 1] : -turns[2 * turn + 1];
  sum[0] += re * cosine - im * sine;
  sum[1] += re * sine + im * cosine;
}

template <typename T>
__global__ void dft_kernel(const T* x, const double* turns, T* y,
                           __grid_constant__ const DftShape shape) {
  const std::int64_t count = shape.outer * shape.bins * shape.inner;
  for (auto i = first_item(); i < count; i += item_step()) {
    const std::int64_t inner = i % shape.inner;
    const std::int64_t bin = i / shape.inner % shape.bins;
    const std::int64_t outer = i / shape.inner / shape.bins;
    const T* const line = x + (outer * shape.in * shape.inner + inner) * shape.parts;
    double sum[2] = {};
    std::int64_t turn = 0;
    for (std::int64_t n = 0; n < shape.size; ++n) {
      const bool mirrored = shape.to_real && n > shape.size / 2;
      const std::int64_t at = mirrored ? shape.size - n : n;
      if (at < shape.in) {
        const T* const from = line + at * shape.inner * shape.parts;
        const double re = converted<double>(from[0]);
        double im = shape.parts == 2 ? converted<double>(from[1]) : 0.0;
        if (mirrored) im = -im;
        // What mirrors itself is real.
        if (shape.to_real && (n == 0 || 2 * n == shape.size)) im = 0;
        add(sum, re, im, turns, turn, shape.inverse);
      }
      turn += bin;
      if (turn >= shape.size) turn -= shape.size;
    }
    if (shape.inverse) {
      sum[0] /= static_cast<double>(shape.size);
      sum[1] /= static_cast<double>(shape.size);
    }
    if (shape.to_real) {
      y[i] = converted<T>(sum[0]);
    } else {
      y[2 * i] = converted<T>(sum[0]);
      y[2 * i + 1] = converted<T>(sum[1]);
    }
  }
}

template <typename T>
__global__ void stft_kernel(const T* signal, const T* window, const double* turns, T* y,
                            __grid_constant__ const StftShape shape) {
  const std::int64_t count = shape.batch * shape.frames * shape.bins;
  for (auto i = first_item(); i < count; i += item_step()) {
    const std::int64_t bin = i % shape.bins;
    const std::int64_t frame = i / shape.bins % shape.frames;
    const std::int64_t batch = i / shape.bins / shape.frames;
    const T* const from = signal + (batch * shape.samples + frame * shape.hop) * shape.parts;
    double sum[2] = {};
    std::int64_t turn = 0;
    for (std::int64_t n = 0; n < shape.frame; ++n) {
      const double weight = window != nullptr ? converted<double>(window[n]) : 1.0;
      const double re = converted<double>(from[n * shape.parts]) * weight;
      const double im =
          shape.parts == 2 ? converted<double>(from[n * shape.parts + 1]) * weight : 0.0;
      add(sum, re, im, turns, turn, false);
      turn += bin;
      if (turn >= shape.frame) turn -= shape.frame;
    }
    y[2 * i] = converted<T>(sum[0]);
    y[2 * i + 1] = converted<T>(sum[1]);
  }
}

template <typename T>
__global__ void rotary_kernel(const T* x, const float* turns, T* y,
                              __grid_constant__ const RotaryShape shape) {
  for (auto i = first_item(); i < shape.size; i += item_step()) {
    const std::int64_t c = i % shape.channels % shape.depth;
    if (c >= 2 * shape.pairs) {
      y[i] = x[i];
      continue;
    }
    const std::int64_t token = i / shape.inner % shape.tokens;
    const std::int64_t pair = shape.interleaved ? c / 2 : c % shape.pairs;
    const bool second = shape.interleaved ? c % 2 == 1 : c >= shape.pairs;
    const std::int64_t apart = shape.interleaved ? 1 : shape.pairs;
    const float* const turn = turns + 2 * (token * shape.pairs + pair);
    const float own = to_float(x[i]);
    const float other = to_float(x[second ? i - apart : i + apart]);
    y[i] =
        from_float<T>(second ? own * turn[0] + other * turn[1] : own * turn[0] - other * turn[1]);
  }
}

/// f64 too, unlike visit_real().
template <typename F>
void visit_floating(DataType type, F&& f) {
  type == DataType::f64 ? f(double{}) : visit_real(type, f);
}

}  // namespace

void launch_dft(DataType type, const void* x, const double* turns, void* y, const DftShape& shape,
                cudaStream_t stream) {
  const std::int64_t count = shape.outer * shape.bins * shape.inner;
  if (count == 0) return;
  visit_floating(type, [&]<typename T>(T) {
    dft_kernel<T><<<grid_of(count), kThreads, 0, stream>>>(static_cast<const T*>(x), turns,
                                                           static_cast<T*>(y), shape);
  });
}

void launch_stft(DataType type, const void* signal, const void* window, const double* turns,
                 void* y, const StftShape& shape, cudaStream_t stream) {
  const std::int64_t count = shape.batch * shape.frames * shape.bins;
  if (count == 0) return;
  visit_floating(type, [&]<typename T>(T) {
    stft_kernel<T><<<grid_of(count), kThreads, 0, stream>>>(static_cast<const T*>(signal),
                                                            static_cast<const T*>(window), turns,
                                                            static_cast<T*>(y), shape);
  });
}

void launch_rotary(DataType type, const void* x, const float* turns, void* y,
                   const RotaryShape& shape, cudaStream_t stream) {
  if (shape.size == 0) return;
  visit_real(type, [&]<typename T>(T) {
    rotary_kernel<T><<<grid_of(shape.size), kThreads, 0, stream>>>(static_cast<const T*>(x), turns,
                                                                   static_cast<T*>(y), shape);
  });
}

}  // namespace metalaudio::nn::cuda

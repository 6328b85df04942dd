#pragma once

#include <metalaudio/core/data_type.h>

#include <cuda_runtime_api.h>

#include <cstdint>

namespace metalaudio::nn::cuda {

/// The lengths that the plain sums below may have.
constexpr std::int64_t kMostBins = 8192;

/// [outer][in][inner][parts] -> [outer][bins][inner][parts of the result], by the definition.
struct DftShape {
  std::int64_t outer = 1;
  std::int64_t in = 1;
  std::int64_t inner = 1;
  std::int64_t bins = 1;
  std::int64_t size = 1;  ///< of the transform
  int parts = 1;          ///< of x: 1 where it is real
  bool inverse = false;
  bool to_real = false;  ///< a half spectrum stands for its mirror image as well
};
/// turns[k] = (cos, sin) of 2 pi k / size, in float64.
void launch_dft(DataType type, const void* x, const double* turns, void* y, const DftShape& shape,
                cudaStream_t stream);

/// signal[batch][samples][parts] -> [batch][frames][bins][2].
struct StftShape {
  std::int64_t batch = 1;
  std::int64_t samples = 0;
  std::int64_t frames = 0;
  std::int64_t frame = 1;
  std::int64_t hop = 1;
  std::int64_t bins = 1;
  int parts = 1;
};
/// window may be null.
void launch_stft(DataType type, const void* signal, const void* window, const double* turns,
                 void* y, const StftShape& shape, cudaStream_t stream);

/// Pairs of channels of each head that turn with their token; the other channels stay.
struct RotaryShape {
  std::int64_t size = 0;
  std::int64_t tokens = 1;
  std::int64_t inner = 1;  ///< elements behind a token's: other axes and channels
  std::int64_t channels = 1;
  std::int64_t depth = 1;  ///< of a head
  std::int64_t pairs = 0;
  bool interleaved = true;
};
/// turns[token][pair] = (cos, sin). Of f32, f16 or bf16.
void launch_rotary(DataType type, const void* x, const float* turns, void* y,
                   const RotaryShape& shape, cudaStream_t stream);

}  // namespace metalaudio::nn::cuda

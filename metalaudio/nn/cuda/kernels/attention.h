#pragma once

#include <metalaudio/core/data_type.h>

#include <cuda_runtime_api.h>

#include <array>
#include <cstdint>

namespace metalaudio::nn::cuda {

/// Batches of tokens along one axis of a dense array; behind the tokens lie `inner` batches more.
struct TokenRows {
  std::int64_t tokens = 0;
  std::int64_t inner = 1;
  std::int64_t channels = 0;

  constexpr std::int64_t pitch() const noexcept { return inner * channels; }
  constexpr std::int64_t offset(std::int64_t batch) const noexcept {
    return (batch / inner * tokens * inner + batch % inner) * channels;
  }
};

struct AttentionShape {
  std::int64_t batches = 0;
  int heads = 1;
  int depth = 0;  ///< of a head's queries and keys
  int width = 0;  ///< of a head's values
  float scale = 1;
  bool causal = false;
  bool tf32 = false;  ///< float32 may be rounded to what the tensor cores take
  TokenRows queries;
  TokenRows keys;
  TokenRows values;
  TokenRows results;
  std::array<std::int64_t, 4> mask{};  ///< its steps along batch, head, query and key
};

/// The widest head that the plain kernel keeps in shared memory.
constexpr int kMostDepth = 4096;

/// softmax(scale · q kᵀ + mask) v for values of f32, f16 or bf16, with float32 sums; mask may be
/// null. Heads of 16, 32, … 128 without a mask run in tiles, on the tensor cores that take the type.
void launch_attention(DataType type, const void* q, const void* k, const void* v, const void* mask,
                      void* y, const AttentionShape& shape, cudaStream_t stream);

}  // namespace metalaudio::nn::cuda

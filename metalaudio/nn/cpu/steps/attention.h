#pragma once

#include <metalaudio/nn/cpu/cpu_step.h>
#include <metalaudio/nn/cpu/row_kernels.h>
#include <metalaudio/nn/operations/attention.h>

namespace metalaudio::nn::cpu {

/// A value as batches of tokens along one axis.
struct Tokens {
  Tokens(const Shape& shape, std::int64_t axis) {
    const std::size_t along = axis_of(axis, shape.rank());
    count = static_cast<std::size_t>(shape[along]);
    channels = static_cast<std::size_t>(shape.back());
    for (std::size_t i = 0; i < along; ++i) outer *= static_cast<std::size_t>(shape[i]);
    for (std::size_t i = along + 1; i + 1 < shape.rank(); ++i) {
      inner *= static_cast<std::size_t>(shape[i]);
    }
  }

  std::size_t batches() const noexcept { return outer * inner; }
  std::size_t stride() const noexcept { return inner * channels; }
  std::size_t offset(std::size_t batch) const noexcept {
    return (batch / inner * count * inner + batch % inner) * channels;
  }
  /// One head's channels of a batch.
  template <typename T>
  T* head(T* base, std::size_t batch, std::size_t head, std::size_t heads) const noexcept {
    return base + offset(batch) + head * (channels / heads);
  }
  Rows rows(const float* base, std::size_t batch, std::size_t head,
            std::size_t heads) const noexcept {
    return {this->head(base, batch, head, heads), static_cast<std::ptrdiff_t>(stride())};
  }

  std::size_t outer = 1;
  std::size_t count = 0;
  std::size_t inner = 1;
  std::size_t channels = 0;
};

/// Keys and values are packed for as many batches at a time as fit here, one at least.
constexpr std::size_t kPackedAttentionBytes = std::size_t{8} << 20U;

/// 1 / sqrt(depth), unless told.
float scale_of(const Attention& attention, std::size_t depth);

/// Attention without a mask in the tiles of AMX, with so many bfloat16 for a factor; with none of
/// them, in vectors of float32.
std::unique_ptr<Step> make_tiled_attention(std::size_t parts, const Attention& attention,
                                           const Node& node, StepMaker& maker);

}  // namespace metalaudio::nn::cpu

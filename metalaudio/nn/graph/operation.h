#pragma once

#include <metalaudio/nn/activation.h>

#include <cstdint>
#include <string_view>
#include <variant>

namespace metalaudio::nn {

enum class OperationKind {
  input,
  constant,
  conv,
  conv_transpose,
  group_norm,
  layer_norm,
  attention,
  activation,
  add,
  multiply,
  reshape,
  slice,
};

std::string_view to_string(OperationKind kind) noexcept;

/// How a kernel slides along one axis: before and after are zeros added at the ends.
struct Axis {
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t dilation = 1;
  std::int64_t before = 0;
  std::int64_t after = 0;

  std::int64_t output_extent(std::int64_t input) const noexcept {
    return (input + before + after - dilation * (kernel - 1) - 1) / stride + 1;
  }
};

struct ConvAttributes {
  Axis rows;
  Axis positions;
};

/// Output index = stride · input index + tap - crop, for the first `extent` of them.
struct TransposeAxis {
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t crop = 0;
  std::int64_t extent = 0;
};

struct ConvTransposeAttributes {
  TransposeAxis rows;
  TransposeAxis positions;
};

struct GroupNormAttributes {
  std::int64_t groups = 1;
  bool per_row = false;  ///< every row has moments of its own
  float epsilon = 1e-5F;
};

struct LayerNormAttributes {
  float epsilon = 1e-5F;
};

struct AttentionAttributes {
  std::int64_t heads = 1;
};

/// The first row and position that are kept.
struct SliceAttributes {
  std::int64_t row = 0;
  std::int64_t position = 0;
};

struct ActivationAttributes {
  Activation activation = Activation::none;
};

using Attributes =
    std::variant<std::monostate, ConvAttributes, ConvTransposeAttributes, GroupNormAttributes,
                 LayerNormAttributes, AttentionAttributes, ActivationAttributes, SliceAttributes>;

}  // namespace metalaudio::nn

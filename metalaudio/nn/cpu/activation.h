#pragma once

#include <metalaudio/nn/operations/operation.h>

#include <optional>

namespace metalaudio::nn::cpu {

/// What the vector kernels can do to a result before they store it. gelu is the exact form (erf).
/// glu pairs the two halves of the columns: a · sigmoid(b).
enum class Activation { none, gelu, gelu_tanh, relu, sigmoid, tanh, silu, glu };

/// The activation that an operation is, where the kernels have it.
std::optional<Activation> activation_of(const Operation& operation) noexcept;

}  // namespace metalaudio::nn::cpu

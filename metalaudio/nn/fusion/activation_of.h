#pragma once

#include <metalaudio/nn/operations/operation.h>

#include <optional>

namespace metalaudio::nn {

/// The activation that an operation is, where the kernels have it.
std::optional<Activation> activation_of(const Operation& operation) noexcept;

}  // namespace metalaudio::nn

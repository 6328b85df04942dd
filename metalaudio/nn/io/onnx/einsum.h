#pragma once

#include <metalaudio/nn/io/onnx/builder.h>

#include <string>
#include <vector>

namespace metalaudio::nn {

/// numpy.einsum, written with transposes, products and sums: "bij,bjk->bik", with "..." and
/// repeated letters, and without "->".
/// Errors:   throws Error{invalid_data} on an equation that does not fit the operands.
Value einsum(Builder& builder, const std::string& equation, const std::vector<Value>& operands);

}  // namespace metalaudio::nn

#pragma once

#include <metalaudio/nn/operations/inputs.h>

#include <span>

namespace metalaudio::nn {

/// Rejects indices of another type than i32 and i64.
void expect_indices(const Inputs& inputs, std::size_t index);

/// Rejects constant indices that are out of range, and any at all into an axis without elements;
/// the last axis of the indices goes through `extents` in turn.
void expect_in_range(const Inputs& inputs, std::size_t index,
                     std::span<const std::int64_t> extents);

}  // namespace metalaudio::nn

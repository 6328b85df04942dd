#pragma once

#include <metalaudio/core/moments.h>

#include <span>

namespace metalaudio::models {

/// In one pass, of distances to the first value, so that a constant has no deviation.
/// Realtime: safe.
Moments moments_of(std::span<const float> values) noexcept;

}  // namespace metalaudio::models

#pragma once

#include <span>

namespace metalaudio::models {

/// How many values there are, their mean, and the sum of their squared distances to it.
/// Threads:  a value.
struct Moments {
  double count = 0;
  double mean = 0;
  double squares = 0;

  /// Joins those of other values: in whatever parts, in one order the same.
  void merge(const Moments& other) noexcept;
  /// Unbiased, as torch.Tensor.std.
  double deviation() const noexcept;
};

Moments moments_of(std::span<const float> values) noexcept;

}  // namespace metalaudio::models

#pragma once

namespace metalaudio {

/// How many values there are, their mean, and the sum of their squared deviations from it.
/// Threads:  a value.
/// Realtime: all.
struct Moments {
  double count = 0;
  double mean = 0;
  double squares = 0;

  /// As if both sets had been one: in one order the same, in whatever parts.
  /// Source:   Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm for computing sample
  ///           variances" (1979).
  void merge(const Moments& other) noexcept;
  /// Unbiased, as torch.Tensor.std.
  double deviation() const noexcept;
  /// 1 / sqrt(variance + epsilon), with the biased variance of normalisation layers.
  double inverse_deviation(double epsilon) const noexcept;
};

}  // namespace metalaudio

#pragma once

#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

namespace metalaudio::dsp::cuda {

/// Appends e^(-2πi turn / whole), computed in double.
inline void add_twiddle(std::vector<float>& to, std::size_t turn, std::size_t whole) {
  const double angle =
      -2 * std::numbers::pi * static_cast<double>(turn) / static_cast<double>(whole);
  to.push_back(static_cast<float>(std::cos(angle)));
  to.push_back(static_cast<float>(std::sin(angle)));
}

/// The twiddle factors of transform.cuh for a power of two from 8 on, as pairs, as many as the size: a
/// pass of radix R out of transforms of S values finds that of input r and output k at r · S + k, so
/// that neighbouring threads read neighbours.
inline std::vector<float> make_twiddles(std::size_t size) {
  std::size_t left = size;
  while (left % 8 == 0) left /= 8;
  std::size_t radix = left > 1 ? left : 8;  // of the first pass
  std::size_t span = 1;
  std::vector<float> twiddles;
  for (std::size_t i = 0; i < size; ++i) {
    if (i == span * radix) {
      span = i;
      radix = 8;
    }
    add_twiddle(twiddles, i / span * (i % span), span * radix);
  }
  return twiddles;
}

}  // namespace metalaudio::dsp::cuda

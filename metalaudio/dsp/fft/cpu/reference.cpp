#include <metalaudio/dsp/fft/cpu/reference.h>

#include <cmath>
#include <numbers>

namespace metalaudio::dsp {

namespace {

using Complex = std::complex<double>;

/// exp(-2πi·k/n), with k reduced first so that the angle is exact.
Complex root(std::size_t k, std::size_t n) {
  const double angle =
      -2.0 * std::numbers::pi * static_cast<double>(k % n) / static_cast<double>(n);
  return {std::cos(angle), std::sin(angle)};
}

std::size_t smallest_factor(std::size_t n) {
  for (std::size_t f = 2; f * f <= n; ++f) {
    if (n % f == 0) return f;
  }
  return n;
}

/// Decimation in time: out[0, n) is the transform of x[0], x[stride], x[2·stride], …
void transform(const Complex* x, std::size_t stride, std::size_t n, Complex* out) {
  if (n == 1) {
    out[0] = x[0];
    return;
  }
  const std::size_t radix = smallest_factor(n);
  const std::size_t m = n / radix;
  for (std::size_t r = 0; r < radix; ++r) transform(x + r * stride, stride * radix, m, out + r * m);
  std::vector<Complex> column(radix);
  for (std::size_t k = 0; k < m; ++k) {
    for (std::size_t r = 0; r < radix; ++r) column[r] = out[k + r * m] * root(r * k, n);
    for (std::size_t s = 0; s < radix; ++s) {
      Complex sum = 0.0;
      for (std::size_t r = 0; r < radix; ++r) sum += column[r] * root(r * s, radix);
      out[k + s * m] = sum;
    }
  }
}

}  // namespace

std::vector<Complex> reference_fft(std::span<const Complex> x) {
  std::vector<Complex> out(x.size());
  if (!x.empty()) transform(x.data(), 1, x.size(), out.data());
  return out;
}

}  // namespace metalaudio::dsp

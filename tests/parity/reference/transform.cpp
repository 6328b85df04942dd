#include <complex>
#include <numbers>

#include "tests/parity/reference/operations.h"

namespace metalaudio::nn {

namespace {

using Complex = std::complex<Number>;

/// Number k of the transform of a line, by its definition.
Complex bin(const std::vector<Complex>& line, std::int64_t k, bool inverse) {
  const auto size = static_cast<std::int64_t>(line.size());
  Complex sum = 0;
  for (std::int64_t n = 0; n < size; ++n) {
    const Number turn = static_cast<Number>(n * k % size) / static_cast<Number>(size);
    const Number angle = (inverse ? 2 : -2) * std::numbers::pi_v<Number> * turn;
    sum += line[static_cast<std::size_t>(n)] * Complex(std::cos(angle), std::sin(angle));
  }
  return inverse ? sum / static_cast<Number>(size) : sum;
}

Complex complex_at(const ReferenceValue& value, Index index) {
  index.back() = 0;
  const Number re = at(value, index);
  if (value.type.shape.back() == 1) return re;
  index.back() = 1;
  return {re, at(value, index)};
}

}  // namespace

void compute(const Dft& o, const ReferenceInputs& in, Results& results) {
  const Shape& shape = in[0]->type.shape;
  const std::size_t axis = axis_of(o.axis, shape.rank());
  const bool to_real = o.onesided && o.inverse;
  const std::int64_t size = o.size > 0 ? o.size : to_real ? 2 * (shape[axis] - 1) : shape[axis];
  fill(results[0], [&](Index index) {
    const std::int64_t k = index[axis];
    const std::int64_t part = index.back();
    std::vector<Complex> line(static_cast<std::size_t>(size));
    for (std::int64_t n = 0; n < size; ++n) {
      // A half spectrum stands for its mirror image as well.
      const bool mirrored = to_real && n > size / 2;
      index[axis] = mirrored ? size - n : n;
      if (index[axis] >= shape[axis]) continue;
      const Complex value = complex_at(*in[0], index);
      line[static_cast<std::size_t>(n)] = mirrored ? std::conj(value) : value;
    }
    if (to_real) {
      line[0] = line[0].real();
      if (size % 2 == 0) line[line.size() / 2] = line[line.size() / 2].real();
    }
    const Complex y = bin(line, k, o.inverse);
    return part == 0 ? y.real() : y.imag();
  });
}

void compute(const Stft& o, const ReferenceInputs& in, Results& results) {
  fill(results[0], [&](const Index& index) {
    std::vector<Complex> line(static_cast<std::size_t>(o.frame));
    for (std::int64_t n = 0; n < o.frame; ++n) {
      const Number window = in[1] != nullptr ? in[1]->values[static_cast<std::size_t>(n)] : 1;
      line[static_cast<std::size_t>(n)] =
          complex_at(*in[0], {index[0], index[1] * o.hop + n, 0}) * window;
    }
    const Complex y = bin(line, index[2], false);
    return index[3] == 0 ? y.real() : y.imag();
  });
}

}  // namespace metalaudio::nn

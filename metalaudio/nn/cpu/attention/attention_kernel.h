#pragma once

#include <cstddef>

namespace metalaudio::nn::cpu {

/// Softmax of scale · x over each row but for its division: x becomes e^(scale · (x - top)), and
/// inverses[rows] one over each row's sum, for whoever multiplies with the row to apply to the
/// fewer numbers that come of it. scale > 0. A row whose greatest value is an infinity, or that
/// holds a NaN, becomes NaN; what is below 2^-126 becomes that.
void exponentiate(float* x, std::ptrdiff_t stride, std::size_t rows, std::size_t columns,
                  float scale, float* inverses);

/// x[row][column] *= factors[row].
void scale_rows(float* x, std::ptrdiff_t stride, std::size_t rows, std::size_t columns,
                const float* factors);

}  // namespace metalaudio::nn::cpu

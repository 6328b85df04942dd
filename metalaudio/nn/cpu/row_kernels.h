#pragma once

#include <metalaudio/core/moments.h>
#include <metalaudio/nn/fusion/activation_of.h>

#include <cstddef>

namespace metalaudio::nn::cpu {

/// Rows of `columns` floats, `stride` floats apart.
struct Rows {
  const float* base = nullptr;
  std::ptrdiff_t stride = 0;
};

/// The moments of rows · columns values, in two passes: sound however far the mean is from zero,
/// and finite for all finite values.
Moments moments(Rows x, std::size_t rows, std::size_t columns);

/// out = activation(x · scale[column] + shift[column]); in place where out is x.
void affine(Rows x, std::size_t rows, std::size_t columns, const float* scale, const float* shift,
            Activation activation, float* out, std::ptrdiff_t out_stride);

/// With z = x · scale + shift over 2 · columns columns:
/// out = residual + gain[column] · z[column] · sigmoid(z[columns + column]).
/// gain and residual.base may be null (1 and 0).
void affine_glu(Rows x, std::size_t rows, std::size_t columns, const float* scale,
                const float* shift, const float* gain, Rows residual, float* out,
                std::ptrdiff_t out_stride);

/// torch.nn.functional.layer_norm over each row.
void layer_norm(Rows x, std::size_t rows, std::size_t columns, const float* gamma,
                const float* beta, float epsilon, float* out, std::ptrdiff_t out_stride);

/// Softmax of scale · x over each row, in place, with scale > 0. As in torch, a row whose greatest
/// value is an infinity, or that holds a NaN, becomes NaN.
void softmax(float* x, std::ptrdiff_t stride, std::size_t rows, std::size_t columns, float scale);

/// out = activation(x), over `size` values.
void activate(const float* x, std::size_t size, Activation activation, float* out);

/// out = a + b, over `size` values.
void add(const float* a, const float* b, std::size_t size, float* out);

/// out = x + residual, rows that lie side by side in both; residual may be null (0).
void add_rows(Rows x, std::size_t rows, std::size_t columns, const float* residual, float* out);

}  // namespace metalaudio::nn::cpu

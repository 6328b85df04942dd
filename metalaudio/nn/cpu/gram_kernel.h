#pragma once

#include <cstddef>

namespace metalaudio::nn::cpu {

/// The floats that add_products() wants for so many rows.
std::size_t centred_floats(std::size_t rows, std::size_t columns);

/// sums[columns] += Σ_rows d and products[columns][columns] += Σ_rows d · dᵀ for the deviations
/// d[columns] of contiguous rows from a pivot. Added in float32 over these rows, in double to what
/// is there: rows come in blocks of about a hundred, and a pivot near the means costs no digits.
void add_products(const float* x, std::size_t rows, std::size_t columns, const float* pivot,
                  float* centred, double* sums, double* products);

}  // namespace metalaudio::nn::cpu

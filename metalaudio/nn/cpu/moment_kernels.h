#pragma once

#include <metalaudio/nn/cpu/row_kernels.h>

namespace metalaudio::nn::cpu {

// The moments of rows · columns values in one pass, of deviations from the first value.

/// Sums and squares of eight vectors at a time enter a compensated sum.
/// Source:   Kahan, "Further remarks on reducing truncation errors", CACM 8 (1965).
Moments kahan_moments(Rows x, std::size_t rows, std::size_t columns);

/// Every lane keeps a running mean and the squares around it.
/// Source:   Welford, "Note on a method for calculating corrected sums of squares", Technometrics 4
///           (1962).
Moments welford_moments(Rows x, std::size_t rows, std::size_t columns);

}  // namespace metalaudio::nn::cpu

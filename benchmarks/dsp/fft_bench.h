#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>

namespace metalaudio::bench {

/// One real forward transform, beside FFTW (patient or measured) and KissFFT; appends a row.
void bench_fft(std::size_t n, bool patient, nlohmann::json& rows);
/// Transforms of several channels in one call.
void bench_fft_batch(std::size_t n, std::size_t channels, nlohmann::json& rows);

}  // namespace metalaudio::bench

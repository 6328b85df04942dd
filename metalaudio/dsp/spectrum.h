#pragma once

#include <metalaudio/core/realtime/marker.h>

#include <complex>
#include <span>

namespace metalaudio::dsp {

/// Bin by bin: |X|, |X|², and the angle of X in [-π, π]. in and out are of one length.
/// Threads:  safe.
/// Realtime: all three.
template <typename T>
METALAUDIO_REALTIME void magnitude(std::span<const std::complex<T>> spectrum,
                                   std::span<T> out) noexcept;
template <typename T>
METALAUDIO_REALTIME void power(std::span<const std::complex<T>> spectrum,
                               std::span<T> out) noexcept;
template <typename T>
METALAUDIO_REALTIME void phase(std::span<const std::complex<T>> spectrum,
                               std::span<T> out) noexcept;

}  // namespace metalaudio::dsp

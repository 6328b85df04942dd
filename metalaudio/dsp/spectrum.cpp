#include <metalaudio/dsp/spectrum.h>

#include <cassert>
#include <cmath>

namespace metalaudio::dsp {

template <typename T>
void magnitude(std::span<const std::complex<T>> spectrum, std::span<T> out) noexcept {
  assert(spectrum.size() == out.size());
  power(spectrum, out);
  for (T& v : out) v = std::sqrt(v);
}

template <typename T>
void power(std::span<const std::complex<T>> spectrum, std::span<T> out) noexcept {
  assert(spectrum.size() == out.size());
  for (std::size_t k = 0; k < out.size(); ++k) {
    const T re = spectrum[k].real();
    const T im = spectrum[k].imag();
    out[k] = re * re + im * im;
  }
}

template <typename T>
void phase(std::span<const std::complex<T>> spectrum, std::span<T> out) noexcept {
  assert(spectrum.size() == out.size());
  for (std::size_t k = 0; k < out.size(); ++k) {
    out[k] = std::atan2(spectrum[k].imag(), spectrum[k].real());
  }
}

template void magnitude(std::span<const std::complex<float>>, std::span<float>) noexcept;
template void magnitude(std::span<const std::complex<double>>, std::span<double>) noexcept;
template void power(std::span<const std::complex<float>>, std::span<float>) noexcept;
template void power(std::span<const std::complex<double>>, std::span<double>) noexcept;
template void phase(std::span<const std::complex<float>>, std::span<float>) noexcept;
template void phase(std::span<const std::complex<double>>, std::span<double>) noexcept;

}  // namespace metalaudio::dsp

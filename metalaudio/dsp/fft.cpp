#include <metalaudio/core/error.h>
#include <metalaudio/dsp/fft.h>
#include <metalaudio/dsp/fft/fft_impl.h>

#include <cassert>

namespace metalaudio::dsp {

void check_fft_size(const char* operation, std::size_t size) {
  constexpr std::size_t kLargest = std::size_t{1} << 27;
  if (size == 0 || size > kLargest) {
    fail(ErrorCode::invalid_argument, "[{}] size {}: expected 1 to {}", operation, size, kLargest);
  }
}

namespace {

template <typename T>
std::unique_ptr<const FftImpl<T>> make_impl(std::size_t size) {
  check_fft_size("Fft", size);
  return make_fft_cpu<T>(size);
}

}  // namespace

template <typename T>
BasicFft<T>::BasicFft(std::size_t size)
    : size_(size), impl_(make_impl<T>(size)), scratch_(impl_->scratch_size()) {}

template <typename T>
BasicFft<T>::~BasicFft() = default;
template <typename T>
BasicFft<T>::BasicFft(BasicFft&&) noexcept = default;
template <typename T>
BasicFft<T>& BasicFft<T>::operator=(BasicFft&&) noexcept = default;

template <typename T>
void BasicFft<T>::forward(std::span<const T> x, std::span<Complex> spectrum) noexcept {
  assert(x.size() == size_ && spectrum.size() == bins());
  impl_->forward(x.data(), spectrum.data(), scratch_.data());
}

template <typename T>
void BasicFft<T>::forward(std::span<const T> x, SplitSpan<T> spectrum) noexcept {
  assert(x.size() == size_ && spectrum.re.size() == bins() && spectrum.im.size() == bins());
  impl_->forward(x.data(), spectrum.re.data(), spectrum.im.data(), scratch_.data());
}

template <typename T>
void BasicFft<T>::inverse(std::span<const Complex> spectrum, std::span<T> x) noexcept {
  assert(x.size() == size_ && spectrum.size() == bins());
  impl_->inverse(spectrum.data(), x.data(), scratch_.data());
}

template <typename T>
void BasicFft<T>::inverse(SplitSpan<const T> spectrum, std::span<T> x) noexcept {
  assert(x.size() == size_ && spectrum.re.size() == bins() && spectrum.im.size() == bins());
  impl_->inverse(spectrum.re.data(), spectrum.im.data(), x.data(), scratch_.data());
}

template <typename T>
void BasicFft<T>::forward_batch(std::span<const T> x, std::span<Complex> spectra,
                                FftScratch<T>& scratch) const noexcept {
  const std::size_t count = x.size() / size_;
  assert(x.size() == count * size_ && spectra.size() == count * bins());
  for (std::size_t i = 0; i < count; ++i) {
    impl_->forward(x.data() + i * size_, spectra.data() + i * bins(), scratch.data());
  }
}

template <typename T>
void BasicFft<T>::inverse_batch(std::span<const Complex> spectra, std::span<T> x,
                                FftScratch<T>& scratch) const noexcept {
  const std::size_t count = x.size() / size_;
  assert(x.size() == count * size_ && spectra.size() == count * bins());
  for (std::size_t i = 0; i < count; ++i) {
    impl_->inverse(spectra.data() + i * bins(), x.data() + i * size_, scratch.data());
  }
}

template <typename T>
FftScratch<T> BasicFft<T>::make_scratch() const {
  return FftScratch<T>(scratch_size());
}

template <typename T>
std::size_t BasicFft<T>::scratch_size() const noexcept {
  return impl_->scratch_size();
}

template <typename T>
std::size_t BasicFft<T>::unordered_size() const noexcept {
  return impl_->unordered_size();
}

template <typename T>
void BasicFft<T>::forward_unordered(std::span<const T> x, std::span<T> spectrum) noexcept {
  assert(x.size() == size_ && spectrum.size() == unordered_size());
  impl_->forward_unordered(x.data(), spectrum.data(), scratch_.data());
}

template <typename T>
void BasicFft<T>::inverse_unordered(std::span<const T> spectrum, std::span<T> x) noexcept {
  assert(x.size() == size_ && spectrum.size() == unordered_size());
  impl_->inverse_unordered(spectrum.data(), x.data(), scratch_.data());
}

template <typename T>
std::size_t BasicFft<T>::steps() const noexcept {
  return impl_->steps();
}

template <typename T>
void BasicFft<T>::forward_unordered_step(std::size_t step, std::span<const T> x,
                                         std::span<T> spectrum) noexcept {
  assert(step < steps() && x.size() == size_ && spectrum.size() == unordered_size());
  impl_->forward_unordered_step(step, x.data(), spectrum.data(), scratch_.data());
}

template <typename T>
void BasicFft<T>::inverse_unordered_step(std::size_t step, std::span<const T> spectrum,
                                         std::span<T> x) noexcept {
  assert(step < steps() && x.size() == size_ && spectrum.size() == unordered_size());
  impl_->inverse_unordered_step(step, spectrum.data(), x.data(), scratch_.data());
}

template <typename T>
void BasicFft<T>::multiply_accumulate(std::span<const T> a, std::span<const T> b,
                                      std::span<T> sum) const noexcept {
  assert(a.size() == unordered_size() && b.size() == a.size() && sum.size() == a.size());
  impl_->multiply_accumulate(a.data(), b.data(), sum.data());
}

template class BasicFft<float>;
template class BasicFft<double>;

}  // namespace metalaudio::dsp

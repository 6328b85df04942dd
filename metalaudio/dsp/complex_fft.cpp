#include <metalaudio/dsp/complex_fft.h>
#include <metalaudio/dsp/fft/fft_impl.h>

#include <cassert>

namespace metalaudio::dsp {

namespace {

template <typename T>
std::unique_ptr<const ComplexFftImpl<T>> make_impl(std::size_t size) {
  check_fft_size("ComplexFft", size);
  return make_complex_fft_cpu<T>(size);
}

}  // namespace

template <typename T>
BasicComplexFft<T>::BasicComplexFft(std::size_t size)
    : size_(size), impl_(make_impl<T>(size)), scratch_(make_scratch()) {}

template <typename T>
BasicComplexFft<T>::~BasicComplexFft() = default;
template <typename T>
BasicComplexFft<T>::BasicComplexFft(BasicComplexFft&&) noexcept = default;
template <typename T>
BasicComplexFft<T>& BasicComplexFft<T>::operator=(BasicComplexFft&&) noexcept = default;

template <typename T>
FftScratch<T> BasicComplexFft<T>::make_scratch() const {
  return FftScratch<T>(scratch_size());
}

template <typename T>
std::size_t BasicComplexFft<T>::scratch_size() const noexcept {
  return impl_->scratch_size();
}

template <typename T>
void BasicComplexFft<T>::forward(std::span<const Complex> x, std::span<Complex> out) noexcept {
  assert(x.size() == size_ && out.size() == size_);
  forward_batch(x, out, scratch_);
}

template <typename T>
void BasicComplexFft<T>::inverse(std::span<const Complex> x, std::span<Complex> out) noexcept {
  assert(x.size() == size_ && out.size() == size_);
  inverse_batch(x, out, scratch_);
}

template <typename T>
void BasicComplexFft<T>::forward(SplitSpan<const T> x, SplitSpan<T> out) noexcept {
  assert(x.re.size() == size_ && x.im.size() == size_);
  assert(out.re.size() == size_ && out.im.size() == size_);
  impl_->forward(x.re.data(), x.im.data(), out.re.data(), out.im.data(), scratch_.data());
}

template <typename T>
void BasicComplexFft<T>::inverse(SplitSpan<const T> x, SplitSpan<T> out) noexcept {
  assert(x.re.size() == size_ && x.im.size() == size_);
  assert(out.re.size() == size_ && out.im.size() == size_);
  impl_->inverse(x.re.data(), x.im.data(), out.re.data(), out.im.data(), scratch_.data());
}

template <typename T>
void BasicComplexFft<T>::forward_batch(std::span<const Complex> x, std::span<Complex> out,
                                       FftScratch<T>& scratch) const noexcept {
  assert(x.size() % size_ == 0 && out.size() == x.size());
  for (std::size_t at = 0; at < x.size(); at += size_) {
    impl_->forward(x.data() + at, out.data() + at, scratch.data());
  }
}

template <typename T>
void BasicComplexFft<T>::inverse_batch(std::span<const Complex> x, std::span<Complex> out,
                                       FftScratch<T>& scratch) const noexcept {
  assert(x.size() % size_ == 0 && out.size() == x.size());
  for (std::size_t at = 0; at < x.size(); at += size_) {
    impl_->inverse(x.data() + at, out.data() + at, scratch.data());
  }
}

template class BasicComplexFft<float>;
template class BasicComplexFft<double>;

}  // namespace metalaudio::dsp

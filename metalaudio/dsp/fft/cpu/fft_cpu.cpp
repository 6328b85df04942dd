#include <metalaudio/dsp/fft/cpu/complex_plan.h>
#include <metalaudio/dsp/fft/fft_impl.h>

#include <algorithm>

namespace metalaudio::dsp {

namespace {

/// Sizes that lanes divide.
template <typename T>
class LanesFft final : public FftImpl<T> {
 public:
  LanesFft(std::size_t size, std::size_t lanes)
      : kernels_(fft_kernels<T>()), plan_(make_fft_real<T>(size, lanes)) {}

  std::size_t scratch_size() const noexcept override { return plan_.scratch_size(); }
  std::size_t unordered_size() const noexcept override { return 2 * plan_.unordered_size(); }

  void forward(const T* x, std::complex<T>* spectrum, T* scratch) const noexcept override {
    kernels_.real_forward(plan_, FftOrder::interleaved, x, reinterpret_cast<T*>(spectrum), nullptr,
                          scratch, kFftWhole);
  }
  void forward(const T* x, T* re, T* im, T* scratch) const noexcept override {
    kernels_.real_forward(plan_, FftOrder::split, x, re, im, scratch, kFftWhole);
  }
  void inverse(const std::complex<T>* spectrum, T* x, T* scratch) const noexcept override {
    kernels_.real_inverse(plan_, FftOrder::interleaved, reinterpret_cast<const T*>(spectrum),
                          nullptr, x, scratch, kFftWhole);
  }
  void inverse(const T* re, const T* im, T* x, T* scratch) const noexcept override {
    kernels_.real_inverse(plan_, FftOrder::split, re, im, x, scratch, kFftWhole);
  }

  void forward_unordered(const T* x, T* spectrum, T* scratch) const noexcept override {
    forward_step(kFftWhole, x, spectrum, scratch);
  }
  void inverse_unordered(const T* spectrum, T* x, T* scratch) const noexcept override {
    inverse_step(kFftWhole, spectrum, x, scratch);
  }
  std::size_t steps() const noexcept override { return plan_.steps(); }
  void forward_unordered_step(std::size_t step, const T* x, T* spectrum,
                              T* scratch) const noexcept override {
    forward_step(plan_.slices == 0 ? kFftWhole : step, x, spectrum, scratch);
  }
  void inverse_unordered_step(std::size_t step, const T* spectrum, T* x,
                              T* scratch) const noexcept override {
    inverse_step(plan_.slices == 0 ? kFftWhole : step, spectrum, x, scratch);
  }
  void multiply_accumulate(const T* a, const T* b, T* sum) const noexcept override {
    const std::size_t n = plan_.unordered_size();
    kernels_.multiply_accumulate(a, a + n, b, b + n, n, sum, sum + n);
  }

 private:
  void forward_step(std::size_t step, const T* x, T* spectrum, T* scratch) const noexcept {
    kernels_.real_forward(plan_, FftOrder::unordered, x, spectrum,
                          spectrum + plan_.unordered_size(), scratch, step);
  }
  void inverse_step(std::size_t step, const T* spectrum, T* x, T* scratch) const noexcept {
    kernels_.real_inverse(plan_, FftOrder::unordered, spectrum, spectrum + plan_.unordered_size(),
                          x, scratch, step);
  }

  const FftKernels<T>& kernels_;
  FftReal<T> plan_;
};

/// Other even sizes: a complex transform of half the size over the even and odd samples, then one
/// pass.
template <typename T>
class EvenFft final : public FftImpl<T> {
 public:
  explicit EvenFft(std::size_t size)
      : half_(size / 2),
        kernels_(fft_kernels<T>()),
        plan_(make_complex_plan<T>(half_)),
        length_(plan_->padded_size()),
        z_offset_(plan_->total_scratch_size()),
        w_(2 * (half_ / 2 + 1)) {
    const FftRoots root(size);
    for (std::size_t k = 0; k <= half_ / 2; ++k) {
      const std::complex<double> w = root(k) * std::complex<double>(0.0, -0.5);
      w_[k] = static_cast<T>(w.real());
      w_[half_ / 2 + 1 + k] = static_cast<T>(w.imag());
    }
  }

  std::size_t scratch_size() const noexcept override {
    return plan_->total_scratch_size() + 2 * length_;
  }
  std::size_t unordered_size() const noexcept override { return 2 * unordered_half(); }

  void forward(const T* x, std::complex<T>* spectrum, T* scratch) const noexcept override {
    plan_->from_interleaved(x, z_re(scratch), z_im(scratch), scratch);
    kernels_.separate_halves_interleaved(z_re(scratch), z_im(scratch), half_, w_re(), w_im(),
                                         reinterpret_cast<T*>(spectrum));
  }
  void forward(const T* x, T* re, T* im, T* scratch) const noexcept override {
    plan_->from_interleaved(x, z_re(scratch), z_im(scratch), scratch);
    kernels_.separate_halves(z_re(scratch), z_im(scratch), half_, w_re(), w_im(), re, im);
  }
  void inverse(const std::complex<T>* spectrum, T* x, T* scratch) const noexcept override {
    kernels_.join_halves_interleaved(reinterpret_cast<const T*>(spectrum), half_, w_re(), w_im(),
                                     gain(), z_re(scratch), z_im(scratch));
    finish_inverse(spectrum[0].real(), spectrum[half_].real(), x, scratch);
  }
  void inverse(const T* re, const T* im, T* x, T* scratch) const noexcept override {
    kernels_.join_halves(re, im, half_, w_re(), w_im(), gain(), z_re(scratch), z_im(scratch));
    finish_inverse(re[0], re[half_], x, scratch);
  }

  void forward_unordered(const T* x, T* spectrum, T* scratch) const noexcept override {
    forward(x, spectrum, spectrum + unordered_half(), scratch);
  }
  void inverse_unordered(const T* spectrum, T* x, T* scratch) const noexcept override {
    inverse(spectrum, spectrum + unordered_half(), x, scratch);
  }
  void multiply_accumulate(const T* a, const T* b, T* sum) const noexcept override {
    const std::size_t n = unordered_half();
    kernels_.multiply_accumulate(a, a + n, b, b + n, n, sum, sum + n);
  }

 private:
  /// half_ + 1 bins, in whole vectors of whatever width.
  std::size_t unordered_half() const noexcept { return (half_ + 1 + 15) / 16 * 16; }
  T gain() const noexcept { return T(1) / static_cast<T>(2 * half_); }
  T* z_re(T* scratch) const noexcept { return scratch + z_offset_; }
  T* z_im(T* scratch) const noexcept { return scratch + z_offset_ + length_; }
  const T* w_re() const noexcept { return w_.data(); }
  const T* w_im() const noexcept { return w_.data() + half_ / 2 + 1; }

  /// Bin 0 of Z comes from the real parts of the first and the last bin alone, whatever their
  /// imaginary parts.
  void finish_inverse(T first, T last, T* x, T* scratch) const noexcept {
    z_re(scratch)[0] = gain() * (first + last);
    z_im(scratch)[0] = gain() * (first - last);
    // Exchanging re and im on both sides makes it the inverse.
    plan_->to_exchanged(z_im(scratch), z_re(scratch), x, scratch);
  }

  std::size_t half_;
  const FftKernels<T>& kernels_;
  std::unique_ptr<const ComplexPlan<T>> plan_;
  std::size_t length_;
  std::size_t z_offset_;  ///< of Z in the scratch
  Array<T> w_;
};

/// Odd sizes: a complex transform of the whole size.
template <typename T>
class OddFft final : public FftImpl<T> {
 public:
  explicit OddFft(std::size_t size)
      : size_(size),
        kernels_(fft_kernels<T>()),
        plan_(make_complex_plan<T>(size)),
        length_(plan_->padded_size()) {}

  std::size_t scratch_size() const noexcept override {
    return plan_->total_scratch_size() + 4 * length_;
  }
  std::size_t unordered_size() const noexcept override { return 2 * bins(); }

  void forward(const T* x, T* re, T* im, T* scratch) const noexcept override {
    transform(x, scratch);
    std::copy_n(array(scratch, 2), bins(), re);
    std::copy_n(array(scratch, 3), bins(), im);
  }
  void forward(const T* x, std::complex<T>* spectrum, T* scratch) const noexcept override {
    transform(x, scratch);
    kernels_.interleave(array(scratch, 2), array(scratch, 3), bins(),
                        reinterpret_cast<T*>(spectrum));
  }
  void inverse(const T* re, const T* im, T* x, T* scratch) const noexcept override {
    T* full_re = array(scratch, 0);
    T* full_im = array(scratch, 1);
    const T gain = T(1) / static_cast<T>(size_);
    full_re[0] = gain * re[0];
    full_im[0] = T{};
    for (std::size_t k = 1; k < bins(); ++k) {
      full_re[k] = full_re[size_ - k] = gain * re[k];
      full_im[k] = gain * im[k];
      full_im[size_ - k] = -full_im[k];
    }
    plan_->split(full_im, full_re, array(scratch, 3), array(scratch, 2), scratch);
    std::copy_n(array(scratch, 2), size_, x);
  }
  void inverse(const std::complex<T>* spectrum, T* x, T* scratch) const noexcept override {
    T* re = array(scratch, 2);
    T* im = array(scratch, 3);
    kernels_.deinterleave(reinterpret_cast<const T*>(spectrum), bins(), re, im);
    inverse(re, im, x, scratch);
  }
  void forward_unordered(const T* x, T* spectrum, T* scratch) const noexcept override {
    forward(x, spectrum, spectrum + bins(), scratch);
  }
  void inverse_unordered(const T* spectrum, T* x, T* scratch) const noexcept override {
    inverse(spectrum, spectrum + bins(), x, scratch);
  }
  void multiply_accumulate(const T* a, const T* b, T* sum) const noexcept override {
    kernels_.multiply_accumulate(a, a + bins(), b, b + bins(), bins(), sum, sum + bins());
  }

 private:
  std::size_t bins() const noexcept { return size_ / 2 + 1; }
  T* array(T* scratch, std::size_t i) const noexcept {
    return scratch + plan_->total_scratch_size() + i * length_;
  }
  void transform(const T* x, T* scratch) const noexcept {
    std::copy_n(x, size_, array(scratch, 0));
    std::fill_n(array(scratch, 1), length_, T{});
    plan_->split(array(scratch, 0), array(scratch, 1), array(scratch, 2), array(scratch, 3),
                 scratch);
  }

  std::size_t size_;
  const FftKernels<T>& kernels_;
  std::unique_ptr<const ComplexPlan<T>> plan_;
  std::size_t length_;
};

template <typename T>
class CpuComplexFft final : public ComplexFftImpl<T> {
 public:
  explicit CpuComplexFft(std::size_t size)
      : kernels_(fft_kernels<T>()),
        plan_(make_complex_plan<T>(size)),
        length_(plan_->padded_size()) {}

  std::size_t scratch_size() const noexcept override {
    return plan_->total_scratch_size() + 4 * length_;
  }
  void forward(const std::complex<T>* x, std::complex<T>* out, T* scratch) const noexcept override {
    plan_->from_interleaved(numbers(x), array(scratch, 2), array(scratch, 3), scratch);
    kernels_.interleave(array(scratch, 2), array(scratch, 3), plan_->size(), numbers(out));
  }
  void inverse(const std::complex<T>* x, std::complex<T>* out, T* scratch) const noexcept override {
    const T gain = T(1) / static_cast<T>(plan_->size());
    kernels_.deinterleave(numbers(x), plan_->size(), array(scratch, 0), array(scratch, 1));
    plan_->to_exchanged(array(scratch, 1), array(scratch, 0), numbers(out), scratch);
    for (std::size_t k = 0; k < plan_->size(); ++k) out[k] *= gain;
  }
  void forward(const T* x_re, const T* x_im, T* re, T* im, T* scratch) const noexcept override {
    transform(x_re, x_im, re, im, T(1), scratch);
  }
  void inverse(const T* x_re, const T* x_im, T* re, T* im, T* scratch) const noexcept override {
    transform(x_im, x_re, im, re, T(1) / static_cast<T>(plan_->size()), scratch);
  }

 private:
  static const T* numbers(const std::complex<T>* x) { return reinterpret_cast<const T*>(x); }
  static T* numbers(std::complex<T>* x) { return reinterpret_cast<T*>(x); }
  T* array(T* scratch, std::size_t i) const noexcept {
    return scratch + plan_->total_scratch_size() + i * length_;
  }
  /// Through memory with slack, which a caller's arrays do not have.
  void transform(const T* x_re, const T* x_im, T* re, T* im, T gain, T* scratch) const noexcept {
    const std::size_t n = plan_->size();
    std::copy_n(x_re, n, array(scratch, 0));
    std::copy_n(x_im, n, array(scratch, 1));
    plan_->split(array(scratch, 0), array(scratch, 1), array(scratch, 2), array(scratch, 3),
                 scratch);
    for (std::size_t k = 0; k < n; ++k) {
      re[k] = gain * array(scratch, 2)[k];
      im[k] = gain * array(scratch, 3)[k];
    }
  }

  const FftKernels<T>& kernels_;
  std::unique_ptr<const ComplexPlan<T>> plan_;
  std::size_t length_;
};

}  // namespace

template <typename T>
std::unique_ptr<const FftImpl<T>> make_fft_cpu(std::size_t size) {
  if (const std::size_t lanes = fft_real_lanes<T>(size, fft_kernels<T>().lanes)) {
    return std::make_unique<LanesFft<T>>(size, lanes);
  }
  if (size % 2 == 0) return std::make_unique<EvenFft<T>>(size);
  return std::make_unique<OddFft<T>>(size);
}

template <typename T>
std::unique_ptr<const ComplexFftImpl<T>> make_complex_fft_cpu(std::size_t size) {
  return std::make_unique<CpuComplexFft<T>>(size);
}

template std::unique_ptr<const FftImpl<float>> make_fft_cpu(std::size_t);
template std::unique_ptr<const FftImpl<double>> make_fft_cpu(std::size_t);
template std::unique_ptr<const ComplexFftImpl<float>> make_complex_fft_cpu(std::size_t);
template std::unique_ptr<const ComplexFftImpl<double>> make_complex_fft_cpu(std::size_t);

}  // namespace metalaudio::dsp

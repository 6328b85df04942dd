#include <metalaudio/dsp/cpu/fft_reference.h>
#include <metalaudio/dsp/fft_impl.h>

namespace metalaudio::dsp {

namespace {

/// The first form: every call through the reference.
template <typename T>
class CpuFft final : public FftImpl<T> {
 public:
  explicit CpuFft(std::size_t size) : size_(size), bins_(size / 2 + 1) {}

  std::size_t scratch_size() const noexcept override { return 1; }
  std::size_t unordered_size() const noexcept override { return 2 * bins_; }

  void forward(const T* x, T* re, T* im, T*) const noexcept override {
    const std::vector<std::complex<double>> in(x, x + size_);
    const auto out = reference_fft(in);
    for (std::size_t k = 0; k < bins_; ++k) {
      re[k] = static_cast<T>(out[k].real());
      im[k] = static_cast<T>(out[k].imag());
    }
  }
  void forward(const T* x, std::complex<T>* spectrum, T* scratch) const noexcept override {
    std::vector<T> re(bins_), im(bins_);
    forward(x, re.data(), im.data(), scratch);
    for (std::size_t k = 0; k < bins_; ++k) spectrum[k] = {re[k], im[k]};
  }
  void inverse(const T* re, const T* im, T* x, T*) const noexcept override {
    std::vector<std::complex<double>> in(size_);
    for (std::size_t k = 0; k < bins_; ++k) {
      const std::size_t mirror = (size_ - k) % size_;
      const double imag = mirror == k ? 0.0 : static_cast<double>(im[k]);
      in[k] = {re[k], -imag};
      in[mirror] = {re[k], imag};
      if (mirror == k) in[k] = re[k];
    }
    const auto out = reference_fft(in);
    for (std::size_t i = 0; i < size_; ++i) {
      x[i] = static_cast<T>(out[i].real() / static_cast<double>(size_));
    }
  }
  void inverse(const std::complex<T>* spectrum, T* x, T* scratch) const noexcept override {
    std::vector<T> re(bins_), im(bins_);
    for (std::size_t k = 0; k < bins_; ++k) re[k] = spectrum[k].real(), im[k] = spectrum[k].imag();
    inverse(re.data(), im.data(), x, scratch);
  }
  void forward_unordered(const T* x, T* spectrum, T* scratch) const noexcept override {
    forward(x, spectrum, spectrum + bins_, scratch);
  }
  void inverse_unordered(const T* spectrum, T* x, T* scratch) const noexcept override {
    inverse(spectrum, spectrum + bins_, x, scratch);
  }
  void multiply_accumulate(const T* a, const T* b, T* sum) const noexcept override {
    for (std::size_t k = 0, i = bins_; k < bins_; ++k, ++i) {
      sum[k] += a[k] * b[k] - a[i] * b[i];
      sum[i] += a[k] * b[i] + a[i] * b[k];
    }
  }

 private:
  std::size_t size_;
  std::size_t bins_;
};

}  // namespace

template <typename T>
std::unique_ptr<const FftImpl<T>> make_fft_cpu(std::size_t size) {
  return std::make_unique<CpuFft<T>>(size);
}

template std::unique_ptr<const FftImpl<float>> make_fft_cpu(std::size_t);
template std::unique_ptr<const FftImpl<double>> make_fft_cpu(std::size_t);

}  // namespace metalaudio::dsp

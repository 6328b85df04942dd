#include <metalaudio/dsp/fft/cpu/complex_plan.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <vector>

namespace metalaudio::dsp {

template <typename T>
void ComplexPlan<T>::from_interleaved(const T* x, T* out_re, T* out_im, T* scratch) const noexcept {
  T* re = scratch + scratch_size();
  T* im = re + padded_size();
  kernels_.deinterleave(x, size_, re, im);
  split(re, im, out_re, out_im, scratch);
}

template <typename T>
void ComplexPlan<T>::to_exchanged(const T* in_re, const T* in_im, T* x, T* scratch) const noexcept {
  T* re = scratch + scratch_size();
  T* im = re + padded_size();
  split(in_re, in_im, re, im, scratch);
  kernels_.interleave(im, re, size_, x);
}

namespace {

template <typename T>
class LanesPlan final : public ComplexPlan<T> {
 public:
  LanesPlan(std::size_t size, std::size_t lanes, const FftKernels<T>& kernels)
      : ComplexPlan<T>(size, kernels), plan_(make_fft_lanes<T>(size, lanes)) {}

  std::size_t scratch_size() const noexcept override { return plan_.scratch_size(); }
  void split(const T* in_re, const T* in_im, T* out_re, T* out_im,
             T* scratch) const noexcept override {
    this->kernels().lanes_split(plan_, in_re, in_im, out_re, out_im, scratch);
  }
  void from_interleaved(const T* x, T* out_re, T* out_im, T* scratch) const noexcept override {
    this->kernels().lanes_from_interleaved(plan_, x, out_re, out_im, scratch);
  }
  void to_exchanged(const T* in_re, const T* in_im, T* x, T* scratch) const noexcept override {
    // With fewer rows than lanes the last store runs past the end.
    if (plan_.columns.rows < plan_.lanes) {
      return ComplexPlan<T>::to_exchanged(in_re, in_im, x, scratch);
    }
    this->kernels().lanes_to_exchanged(plan_, in_re, in_im, x, scratch);
  }

 private:
  FftLanes<T> plan_;
};

template <typename T>
class GridPlan final : public ComplexPlan<T> {
 public:
  GridPlan(std::size_t size, std::size_t tall, std::size_t lanes, const FftKernels<T>& kernels)
      : ComplexPlan<T>(size, kernels), plan_(make_fft_grid<T>(size, tall, lanes)) {}

  std::size_t scratch_size() const noexcept override { return plan_.scratch_size(); }
  void split(const T* in_re, const T* in_im, T* out_re, T* out_im,
             T* scratch) const noexcept override {
    this->kernels().grid_split(plan_, in_re, in_im, out_re, out_im, scratch);
  }

 private:
  FftGrid<T> plan_;
};

/// By the definition, for the few points that fill no vectors.
template <typename T>
class DirectPlan final : public ComplexPlan<T> {
 public:
  DirectPlan(std::size_t size, const FftKernels<T>& kernels) : ComplexPlan<T>(size, kernels) {
    const FftRoots root(size);
    for (std::size_t k = 0; k < size; ++k) {
      for (std::size_t i = 0; i < size; ++i) roots_.emplace_back(root(k * i));
    }
  }

  std::size_t scratch_size() const noexcept override { return 0; }
  void split(const T* in_re, const T* in_im, T* out_re, T* out_im, T*) const noexcept override {
    const std::size_t n = this->size();
    for (std::size_t k = 0; k < n; ++k) {
      double re = 0.0;
      double im = 0.0;
      for (std::size_t i = 0; i < n; ++i) {
        const std::complex<double> w = roots_[k * n + i];
        re += in_re[i] * w.real() - in_im[i] * w.imag();
        im += in_re[i] * w.imag() + in_im[i] * w.real();
      }
      out_re[k] = static_cast<T>(re);
      out_im[k] = static_cast<T>(im);
    }
  }

 private:
  std::vector<std::complex<double>> roots_;
};

/// The smallest size that transforms fast and holds n points' linear convolution.
std::size_t convolution_size(std::size_t n) {
  std::size_t best = std::bit_ceil(2 * n - 1);
  for (const std::size_t odd : {3U, 5U, 9U, 15U}) {
    const std::size_t power = std::bit_ceil((2 * n - 1 + odd - 1) / odd);
    if (power >= 64) best = std::min(best, odd * power);
  }
  return best;
}

/// Any size, as a convolution with a chirp.
template <typename T>
class BluesteinPlan final : public ComplexPlan<T> {
 public:
  BluesteinPlan(std::size_t size, const FftKernels<T>& kernels)
      : ComplexPlan<T>(size, kernels),
        inner_(make_complex_plan<T>(convolution_size(size))),
        length_(inner_->padded_size()),
        chirp_(2 * size),
        filter_(2 * length_) {
    const FftRoots root(2 * size);
    const std::size_t inner_size = inner_->size();
    Array<T> time(2 * length_);
    Array<T> scratch(inner_->total_scratch_size());
    for (std::size_t i = 0; i < size; ++i) {
      // k² modulo 2·size keeps the angle exact.
      const std::complex<double> w = root(i * i % (2 * size));
      chirp_[i] = static_cast<T>(w.real());
      chirp_[size + i] = static_cast<T>(w.imag());
      const double gain = 1.0 / static_cast<double>(inner_size);
      const std::size_t mirror = (inner_size - i) % inner_size;
      time[i] = time[mirror] = static_cast<T>(gain * w.real());
      time[length_ + i] = time[length_ + mirror] = static_cast<T>(-gain * w.imag());
    }
    inner_->split(time.data(), time.data() + length_, filter_.data(), filter_.data() + length_,
                  scratch.data());
  }

  std::size_t scratch_size() const noexcept override {
    return inner_->total_scratch_size() + 4 * length_;
  }

  void split(const T* in_re, const T* in_im, T* out_re, T* out_im,
             T* scratch) const noexcept override {
    const std::size_t n = this->size();
    T* a_re = scratch + inner_->total_scratch_size();
    T* a_im = a_re + length_;
    T* b_re = a_im + length_;
    T* b_im = b_re + length_;
    multiply(in_re, in_im, chirp_.data(), chirp_.data() + n, n, a_re, a_im);
    std::fill(a_re + n, a_re + inner_->size(), T{});
    std::fill(a_im + n, a_im + inner_->size(), T{});
    inner_->split(a_re, a_im, b_re, b_im, scratch);
    multiply(b_re, b_im, filter_.data(), filter_.data() + length_, inner_->size(), a_re, a_im);
    // Exchanging re and im on both sides makes it the inverse.
    inner_->split(a_im, a_re, b_im, b_re, scratch);
    multiply(b_re, b_im, chirp_.data(), chirp_.data() + n, n, out_re, out_im);
  }

 private:
  static void multiply(const T* a_re, const T* a_im, const T* w_re, const T* w_im, std::size_t n,
                       T* re, T* im) noexcept {
    for (std::size_t i = 0; i < n; ++i) {
      const T real = a_re[i] * w_re[i] - a_im[i] * w_im[i];
      im[i] = a_re[i] * w_im[i] + a_im[i] * w_re[i];
      re[i] = real;
    }
  }

  std::unique_ptr<const ComplexPlan<T>> inner_;
  std::size_t length_;
  Array<T> chirp_;
  Array<T> filter_;
};

}  // namespace

template <typename T>
std::unique_ptr<const ComplexPlan<T>> make_complex_plan(std::size_t size) {
  const FftKernels<T>& kernels = fft_kernels<T>();
  if (!is_smooth(size)) return std::make_unique<BluesteinPlan<T>>(size, kernels);
  double least = std::numeric_limits<double>::max();
  std::size_t lanes = 0;
  std::size_t tall = 0;
  for (std::size_t width = kernels.lanes; width >= 16 / sizeof(T) && size >= 16; width /= 2) {
    if (size % width == 0 && fft_lanes_cost(size, width) < least) {
      least = fft_lanes_cost(size, width);
      lanes = width;
      tall = 0;
    }
    const std::size_t height = fft_grid_height(size, width);
    if (height != 0 && fft_grid_cost(height, size / height, width) < least) {
      least = fft_grid_cost(height, size / height, width);
      lanes = width;
      tall = height;
    }
  }
  if (tall != 0) return std::make_unique<GridPlan<T>>(size, tall, lanes, kernels);
  if (lanes != 0) return std::make_unique<LanesPlan<T>>(size, lanes, kernels);
  return std::make_unique<DirectPlan<T>>(size, kernels);
}

template class ComplexPlan<float>;
template class ComplexPlan<double>;
template std::unique_ptr<const ComplexPlan<float>> make_complex_plan(std::size_t);
template std::unique_ptr<const ComplexPlan<double>> make_complex_plan(std::size_t);

}  // namespace metalaudio::dsp

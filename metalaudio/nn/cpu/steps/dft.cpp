#include <metalaudio/dsp/complex_fft.h>
#include <metalaudio/dsp/fft.h>
#include <metalaudio/nn/cpu/steps/steps.h>
#include <metalaudio/nn/steps/number.h>

#include <complex>
#include <optional>

namespace metalaudio::nn::cpu {

namespace {

enum class Kind { real_to_half, real_to_full, complex_to_complex, half_to_real };

/// What a transform of so many points keeps, at most: its tables, and the scratch that it has of its
/// own. Measured: 82 bytes a complex point, 306 where a large prime factor asks for Bluestein's
/// algorithm; half of it a real point where there are two.
std::size_t transform_bytes(std::size_t size, bool real) {
  std::size_t rest = std::max<std::size_t>(1, size);
  for (const std::size_t factor : {2U, 3U, 5U, 7U}) {
    while (rest % factor == 0) rest /= factor;
  }
  const std::size_t points = real && size % 2 == 0 ? size / 2 : size;
  return points * (rest == 1 ? 88 : 320);
}

/// One transform of lines that lie, before and after, behind the transform's own scratch. In double
/// for float32 values too: what should cancel does, and ONNX's tolerance near zero is 1e-7.
class LineTransform {
 public:
  using Complex = std::complex<double>;

  LineTransform(std::size_t size, Kind kind, bool inverse, StepMaker& maker)
      : size_(size), kind_(kind), inverse_(inverse) {
    maker.will_keep(transform_bytes(size, kind != Kind::complex_to_complex));
    std::size_t scratch = 0;
    if (kind == Kind::complex_to_complex) {
      complex_.emplace(size);
      scratch = complex_->scratch_size();
    } else {
      real_.emplace(size);
      scratch = real_->scratch_size();
    }
    constexpr std::size_t kAlign = 64 / sizeof(double);
    line_ = (scratch + kAlign - 1) / kAlign * kAlign;
    room_ = (2 * size + 2 + kAlign - 1) / kAlign * kAlign;
  }

  ScratchNeeds scratch() const noexcept {
    ScratchNeeds needs;
    needs.transform_doubles = line_ + 2 * room_;
    return needs;
  }

  std::size_t size() const noexcept { return size_; }
  bool takes_real() const noexcept { return kind_ <= Kind::real_to_full; }
  bool gives_real() const noexcept { return kind_ == Kind::half_to_real; }
  /// How many numbers, real or complex, a line has before and after.
  std::size_t in_count() const noexcept { return gives_real() ? size_ / 2 + 1 : size_; }
  std::size_t out_count() const noexcept {
    return kind_ == Kind::real_to_half ? size_ / 2 + 1 : size_;
  }

  double* in(ThreadScratch& scratch) const noexcept {
    return scratch.transform_doubles.data() + line_;
  }
  double* out(ThreadScratch& scratch) const noexcept { return in(scratch) + room_; }

  void run(ThreadScratch& scratch) const noexcept {
    dsp::FftScratch<double>& work = scratch.transform_doubles;
    double* x = in(scratch);
    double* y = out(scratch);
    auto* from = reinterpret_cast<Complex*>(x);
    auto* to = reinterpret_cast<Complex*>(y);
    const std::size_t bins = size_ / 2 + 1;
    switch (kind_) {
      case Kind::complex_to_complex:
        if (inverse_) {
          complex_->inverse_batch({from, size_}, {to, size_}, work);
        } else {
          complex_->forward_batch({from, size_}, {to, size_}, work);
        }
        return;
      case Kind::half_to_real:
        real_->inverse_batch({from, bins}, {y, size_}, work);
        return;
      case Kind::real_to_half:
      case Kind::real_to_full:
        real_->forward_batch({x, size_}, {to, bins}, work);
        for (std::size_t k = bins; kind_ == Kind::real_to_full && k < size_; ++k) {
          to[k] = std::conj(to[size_ - k]);
        }
        return;
    }
  }

 private:
  std::size_t size_;
  Kind kind_;
  bool inverse_;
  std::optional<dsp::BasicFft<double>> real_;
  std::optional<dsp::BasicComplexFft<double>> complex_;
  std::size_t line_ = 0;  ///< elements of the transform's scratch
  std::size_t room_ = 0;  ///< of a line
};

Kind kind_of(const Dft& dft, bool complex) {
  if (dft.onesided) return dft.inverse ? Kind::half_to_real : Kind::real_to_half;
  return complex || dft.inverse ? Kind::complex_to_complex : Kind::real_to_full;
}

template <typename T>
class DftStep final : public CpuStep {
 public:
  DftStep(const Dft& dft, const Node& node, StepMaker& maker)
      : DftStep(dft, maker.graph().shape(node.inputs[0]), maker.graph().shape(node.results[0]),
                maker.slot(node.inputs[0]), maker.slot(node.results[0]), maker) {}

  void run(const CpuRun& run) const noexcept override {
    run.workers.parallel_blocks(lines_, together(transform_.size() * 4),
                                [&](std::size_t first, std::size_t n, ThreadScratch& scratch) {
                                  for (std::size_t line = first; line < first + n; ++line) {
                                    read(run, line, transform_.in(scratch));
                                    transform_.run(scratch);
                                    write(run, line, transform_.out(scratch));
                                  }
                                });
  }

  ScratchNeeds scratch() const noexcept override { return transform_.scratch(); }

 private:
  DftStep(const Dft& dft, const Shape& in, const Shape& out, Slot x, Slot y, StepMaker& maker)
      : transform_(points(dft, in, out), kind_of(dft, in.back() == 2), dft.inverse, maker),
        x_(x),
        y_(y) {
    const std::size_t axis = axis_of(dft.axis, in.rank());
    around_ = {Shape(in.extents().first(in.rank() - 1)), axis};
    parts_ = static_cast<std::size_t>(in.back());
    lines_ = around_.lines();
  }

  static std::size_t points(const Dft& dft, const Shape& in, const Shape& out) {
    const std::size_t axis = axis_of(dft.axis, in.rank());
    const bool half = dft.onesided && !dft.inverse;
    return static_cast<std::size_t>(dft.size > 0 ? dft.size : half ? in[axis] : out[axis]);
  }

  void read(const CpuRun& run, std::size_t line, double* to) const noexcept {
    const T* x = run.at<const T>(x_) + around_.line(line) * parts_;
    const std::size_t wide = transform_.takes_real() ? 1 : 2;
    const std::size_t count = std::min(around_.extent, transform_.in_count());
    for (std::size_t i = 0; i < count; ++i) {
      const T* from = x + i * around_.inner * parts_;
      to[i * wide] = static_cast<double>(from[0]);
      if (wide == 2) to[i * 2 + 1] = parts_ == 2 ? static_cast<double>(from[1]) : 0.0;
    }
    std::fill(to + count * wide, to + transform_.in_count() * wide, 0.0);
  }

  void write(const CpuRun& run, std::size_t line, const double* from) const noexcept {
    const std::size_t parts = transform_.gives_real() ? 1 : 2;
    const std::size_t count = transform_.out_count();
    const std::size_t first = line / around_.inner * count * around_.inner + line % around_.inner;
    T* y = run.at<T>(y_) + first * parts;
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t p = 0; p < parts; ++p) {
        y[i * around_.inner * parts + p] = static_cast<T>(from[i * parts + p]);
      }
    }
  }

  LineTransform transform_;
  Slot x_;
  Slot y_;
  Around around_;
  std::size_t parts_ = 1;
  std::size_t lines_ = 0;
};

template <typename T>
class StftStep final : public CpuStep {
 public:
  StftStep(const Stft& stft, const Node& node, StepMaker& maker)
      : parts_(static_cast<std::size_t>(maker.graph().shape(node.inputs[0])[2])),
        transform_(static_cast<std::size_t>(stft.frame),
                   stft.onesided ? Kind::real_to_half
                   : parts_ == 1 ? Kind::real_to_full
                                 : Kind::complex_to_complex,
                   false, maker),
        signal_(maker.slot(node.inputs[Stft::signal])),
        window_(maker.slot(node.inputs[Stft::window])),
        y_(maker.slot(node.results[0])),
        hop_(static_cast<std::size_t>(stft.hop)) {
    const Shape& in = maker.graph().shape(node.inputs[0]);
    batch_ = static_cast<std::size_t>(in[0]);
    length_ = static_cast<std::size_t>(in[1]);
    frames_ = static_cast<std::size_t>(maker.graph().shape(node.results[0])[1]);
  }

  void run(const CpuRun& run) const noexcept override {
    run.workers.parallel_blocks(batch_ * frames_, together(transform_.size() * 4),
                                [&](std::size_t first, std::size_t n, ThreadScratch& scratch) {
                                  for (std::size_t i = first; i < first + n; ++i) {
                                    read(run, i, transform_.in(scratch));
                                    transform_.run(scratch);
                                    write(run, i, transform_.out(scratch));
                                  }
                                });
  }

  ScratchNeeds scratch() const noexcept override { return transform_.scratch(); }

 private:
  void write(const CpuRun& run, std::size_t frame, const double* from) const noexcept {
    const std::size_t count = 2 * transform_.out_count();
    T* y = run.at<T>(y_) + frame * count;
    for (std::size_t i = 0; i < count; ++i) y[i] = static_cast<T>(from[i]);
  }

  void read(const CpuRun& run, std::size_t frame, double* to) const noexcept {
    const T* window = run.at<const T>(window_);
    const T* x =
        run.at<const T>(signal_) + (frame / frames_ * length_ + frame % frames_ * hop_) * parts_;
    for (std::size_t i = 0; i < transform_.size() * parts_; ++i) {
      to[i] = static_cast<double>(window == nullptr ? x[i] : x[i] * window[i / parts_]);
    }
  }

  std::size_t parts_;
  LineTransform transform_;
  Slot signal_;
  Slot window_;
  Slot y_;
  std::size_t hop_;
  std::size_t batch_ = 0;
  std::size_t length_ = 0;
  std::size_t frames_ = 0;
};

}  // namespace

std::unique_ptr<Step> make_dft(const Dft& dft, const Node& node, StepMaker& maker) {
  if (maker.graph().type(node.inputs[0]).type == DataType::f64) {
    return std::make_unique<DftStep<double>>(dft, node, maker);
  }
  return std::make_unique<DftStep<float>>(dft, node, maker);
}
std::unique_ptr<Step> make_stft(const Stft& stft, const Node& node, StepMaker& maker) {
  if (maker.graph().type(node.inputs[0]).type == DataType::f64) {
    return std::make_unique<StftStep<double>>(stft, node, maker);
  }
  return std::make_unique<StftStep<float>>(stft, node, maker);
}

}  // namespace metalaudio::nn::cpu

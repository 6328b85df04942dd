#include <metalaudio/nn/cpu/kernel.h>
#include <metalaudio/nn/cpu/row_kernels.h>

namespace metalaudio::nn::cpu {

namespace {

/// x + gain · glu(norm(conv1x1(gelu(norm(conv3(x)))))), every row normalised by itself.
/// With many rows (a spectrogram) a thread takes a row through all of it in its cache. With one row
/// (a waveform) the threads share three passes, since the moments need the whole row; the wide
/// middle value is computed twice instead of stored.
class DConvKernel final : public Kernel {
 public:
  DConvKernel(const Step& step, const KernelContext& context)
      : shape_(context.shape(step.output)),
        x_(context.at(step.inputs[DConvInputs::x])),
        y_(context.at(step.output)),
        dilation_(std::get<ConvAttributes>(step.attributes).positions.dilation) {
    const auto copy = [&](DConvInputs::Index index) {
      const std::span<const float> values = context.constant(step.inputs[index]);
      return std::vector<float>(values.begin(), values.end());
    };
    gamma1_ = copy(DConvInputs::gamma1);
    beta1_ = copy(DConvInputs::beta1);
    gamma2_ = copy(DConvInputs::gamma2);
    beta2_ = copy(DConvInputs::beta2);
    gain_ = copy(DConvInputs::gain);
    hidden_ = gamma1_.size();
    channels_ = static_cast<std::size_t>(shape_[2]);
    positions_ = static_cast<std::size_t>(shape_[1]);
    const auto rows = static_cast<std::size_t>(shape_[0]);
    weights1_ = PackedMatrix(copy(DConvInputs::weight1), copy(DConvInputs::bias1), hidden_,
                             3 * channels_, false);
    weights2_ = PackedMatrix(copy(DConvInputs::weight2), copy(DConvInputs::bias2), 2 * channels_,
                             hidden_, false);
    by_row_ = rows >= 2 * context.workers.threads();
    context.workers.reserve_gemm(3, kBlockRows, std::max(channels_, hidden_));
    const std::size_t vectors = 2 * (hidden_ + 2 * channels_);
    if (by_row_) {
      context.workers.reserve_floats(vectors + positions_ * (hidden_ + 2 * channels_));
    } else {
      context.workers.reserve_floats(vectors + kBlockRows * 2 * channels_);
      hidden_values_.resize(positions_ * hidden_);
      moments_.resize(blocks_of(positions_));
    }
    affine_.resize(vectors);
  }

  void run(Workers& workers) noexcept override {
    const auto rows = static_cast<std::size_t>(shape_[0]);
    if (by_row_) {
      workers.parallel_for(
          rows, [this](std::size_t row, ThreadScratch& scratch) { run_row(row, scratch); });
      return;
    }
    for (std::size_t row = 0; row < rows; ++row) run_passes(row, workers);
  }

  std::size_t weight_bytes() const noexcept override {
    return weights1_.bytes() + weights2_.bytes();
  }

 private:
  const float* input(std::size_t row) const noexcept { return x_ + row * positions_ * channels_; }
  float* output(std::size_t row) const noexcept { return y_ + row * positions_ * channels_; }
  static std::ptrdiff_t stride(std::size_t n) noexcept { return static_cast<std::ptrdiff_t>(n); }

  /// hidden[count][hidden] for positions [first, first + count) of a row.
  void convolve(const float* row, std::size_t first, std::size_t count, GemmScratch& scratch,
                float* hidden) const noexcept {
    GemmTap taps[3];
    for (std::ptrdiff_t k = 0; k < 3; ++k) {
      const std::ptrdiff_t position = stride(first) + (k - 1) * dilation_;
      taps[k] = {row + position * stride(channels_), stride(channels_), -position,
                 stride(positions_) - position, static_cast<std::size_t>(k) * channels_};
    }
    gemm_block(taps, channels_, count, panels_of(weights1_), scratch, {hidden, stride(hidden_)});
  }

  /// wide[count][2 · channels] from hidden[count][hidden].
  void expand(const float* hidden, std::size_t count, GemmScratch& scratch,
              float* wide) const noexcept {
    const GemmTap tap{hidden, stride(hidden_), 0, stride(count), 0};
    gemm_block({&tap, 1}, hidden_, count, panels_of(weights2_), scratch,
               {wide, stride(2 * channels_)});
  }

  /// Normalisation with these moments as x · scale + shift.
  static void fold(const Moments& moments, const std::vector<float>& gamma,
                   const std::vector<float>& beta, float* scale, float* shift) noexcept {
    const double inverse = moments.inverse_deviation(kEpsilon);
    for (std::size_t c = 0; c < gamma.size(); ++c) {
      scale[c] = static_cast<float>(gamma[c] * inverse);
      shift[c] = static_cast<float>(beta[c] - moments.mean * gamma[c] * inverse);
    }
  }

  void normalise_hidden(float* hidden, std::size_t count, const float* affine) const noexcept {
    cpu::affine({hidden, stride(hidden_)}, count, hidden_, affine, affine + hidden_,
                Activation::gelu, hidden, stride(hidden_));
  }

  void finish(const float* wide, std::size_t count, const float* affine, const float* x,
              float* y) const noexcept {
    affine_glu({wide, stride(2 * channels_)}, count, channels_, affine, affine + 2 * channels_,
               gain_.data(), {x, stride(channels_)}, y, stride(channels_));
  }

  void run_row(std::size_t row, ThreadScratch& scratch) const noexcept {
    float* affine1 = scratch.floats.data();
    float* affine2 = affine1 + 2 * hidden_;
    float* hidden = affine2 + 4 * channels_;
    float* wide = hidden + positions_ * hidden_;
    for (std::size_t p = 0; p < positions_; p += kBlockRows) {
      convolve(input(row), p, std::min(kBlockRows, positions_ - p), scratch.gemm,
               hidden + p * hidden_);
    }
    fold(moments({hidden, stride(hidden_)}, positions_, hidden_), gamma1_, beta1_, affine1,
         affine1 + hidden_);
    normalise_hidden(hidden, positions_, affine1);
    for (std::size_t p = 0; p < positions_; p += kBlockRows) {
      expand(hidden + p * hidden_, std::min(kBlockRows, positions_ - p), scratch.gemm,
             wide + p * 2 * channels_);
    }
    fold(moments({wide, stride(2 * channels_)}, positions_, 2 * channels_), gamma2_, beta2_,
         affine2, affine2 + 2 * channels_);
    finish(wide, positions_, affine2, input(row), output(row));
  }

  template <typename Body>
  void over_blocks(Workers& workers, Body&& body) noexcept {
    workers.parallel_for(moments_.size(), [&](std::size_t block, ThreadScratch& scratch) {
      const std::size_t first = block * kBlockRows;
      body(block, first, std::min(kBlockRows, positions_ - first), scratch);
    });
  }

  Moments merged() const noexcept {
    Moments total;
    for (const Moments& m : moments_) total.merge(m);
    return total;
  }

  void run_passes(std::size_t row, Workers& workers) noexcept {
    float* affine1 = affine_.data();
    float* affine2 = affine1 + 2 * hidden_;
    over_blocks(workers, [&](std::size_t block, std::size_t p, std::size_t n, ThreadScratch& s) {
      float* hidden = hidden_values_.data() + p * hidden_;
      convolve(input(row), p, n, s.gemm, hidden);
      moments_[block] = moments({hidden, stride(hidden_)}, n, hidden_);
    });
    fold(merged(), gamma1_, beta1_, affine1, affine1 + hidden_);
    over_blocks(workers, [&](std::size_t block, std::size_t p, std::size_t n, ThreadScratch& s) {
      float* hidden = hidden_values_.data() + p * hidden_;
      normalise_hidden(hidden, n, affine1);
      expand(hidden, n, s.gemm, s.floats.data());
      moments_[block] = moments({s.floats.data(), stride(2 * channels_)}, n, 2 * channels_);
    });
    fold(merged(), gamma2_, beta2_, affine2, affine2 + 2 * channels_);
    over_blocks(workers, [&](std::size_t, std::size_t p, std::size_t n, ThreadScratch& s) {
      expand(hidden_values_.data() + p * hidden_, n, s.gemm, s.floats.data());
      finish(s.floats.data(), n, affine2, input(row) + p * channels_, output(row) + p * channels_);
    });
  }

  static constexpr double kEpsilon = 1e-5;  // torch.nn.GroupNorm's default, which DConv keeps

  Shape shape_;
  const float* x_;
  float* y_;
  std::int64_t dilation_;
  std::size_t hidden_ = 0;
  std::size_t channels_ = 0;
  std::size_t positions_ = 0;
  bool by_row_ = false;
  std::vector<float> gamma1_, beta1_, gamma2_, beta2_, gain_;
  PackedMatrix weights1_;
  PackedMatrix weights2_;
  std::vector<float> hidden_values_;  // of the shared passes
  std::vector<Moments> moments_;
  std::vector<float> affine_;
};

}  // namespace

std::unique_ptr<Kernel> make_dconv(const Step& step, const KernelContext& context) {
  return std::make_unique<DConvKernel>(step, context);
}

}  // namespace metalaudio::nn::cpu

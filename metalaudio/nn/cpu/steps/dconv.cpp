#include <metalaudio/nn/cpu/row_kernels.h>
#include <metalaudio/nn/cpu/steps/dconv.h>

namespace metalaudio::nn::cpu {

namespace {

std::ptrdiff_t stride(std::size_t n) noexcept { return static_cast<std::ptrdiff_t>(n); }

/// With many rows (a spectrogram) a thread takes a row through all of it in its cache. With one row
/// (a waveform) the threads share three passes, since the moments need the whole row; the wide
/// middle value is computed twice instead of stored.
class DConvStep final : public CpuStep {
 public:
  DConvStep(const GemmKernel& kernel, const DConvParts& parts, Value y, std::size_t threads,
            StepMaker& maker)
      : kernel_(kernel),
        x_(maker.slot(parts.x)),
        y_(maker.slot(y)),
        dilation_(parts.dilation),
        epsilon1_(parts.epsilon1),
        epsilon2_(parts.epsilon2) {
    const Graph& graph = maker.graph();
    const Shape& shape = graph.shape(y);
    gamma1_ = floats_of(graph, parts.gamma1);
    beta1_ = floats_of(graph, parts.beta1);
    gamma2_ = floats_of(graph, parts.gamma2);
    beta2_ = floats_of(graph, parts.beta2);
    gain_ = floats_of(graph, parts.gain);
    hidden_ = gamma1_.size();
    channels_ = static_cast<std::size_t>(shape.back());
    positions_ = static_cast<std::size_t>(shape[shape.rank() - 2]);
    rows_ = static_cast<std::size_t>(shape.size()) / (positions_ * channels_);
    weights1_ = PackedMatrix(kernel, floats_of(graph, parts.weight1), floats_of(graph, parts.bias1),
                             {hidden_, 3 * channels_, false});
    weights2_ = PackedMatrix(kernel, floats_of(graph, parts.weight2), floats_of(graph, parts.bias2),
                             {2 * channels_, hidden_, false});
    by_row_ = rows_ >= 2 * threads;
    if (!by_row_) {
      hidden_values_ = maker.temporary(positions_ * hidden_ * sizeof(float));
      moments_ = maker.temporary(blocks_of(positions_) * sizeof(Moments));
      affine_ = maker.temporary(affine_floats() * sizeof(float));
    }
  }

  void run(const CpuRun& run) const noexcept override {
    if (by_row_) {
      run.workers.parallel_for(
          rows_, [&](std::size_t row, ThreadScratch& scratch) { run_row(run, row, scratch); });
      return;
    }
    for (std::size_t row = 0; row < rows_; ++row) run_passes(run, row);
  }

  std::size_t weight_bytes() const noexcept override {
    return weights1_.bytes() + weights2_.bytes();
  }

  ScratchNeeds scratch() const noexcept override {
    ScratchNeeds needs{0, kernel_.needs(weights1_.size(), 3, kBlockRows, channels_)};
    needs.gemm.cover(kernel_.needs(weights2_.size(), 1, kBlockRows, hidden_));
    needs.floats = by_row_ ? affine_floats() + positions_ * (hidden_ + 2 * channels_)
                           : kBlockRows * 2 * channels_;
    return needs;
  }

 private:
  std::size_t affine_floats() const noexcept { return 2 * (hidden_ + 2 * channels_); }
  const float* input(const CpuRun& run, std::size_t row) const noexcept {
    return run.at<const float>(x_) + row * positions_ * channels_;
  }
  float* output(const CpuRun& run, std::size_t row) const noexcept {
    return run.at(y_) + row * positions_ * channels_;
  }

  /// hidden[count][hidden] for positions [first, first + count) of a row.
  void convolve(const float* row, std::size_t first, std::size_t count, GemmScratch& scratch,
                float* hidden) const noexcept {
    GemmTap taps[3];
    for (std::ptrdiff_t k = 0; k < 3; ++k) {
      const std::ptrdiff_t position = stride(first) + (k - 1) * dilation_;
      taps[k] = {row + position * stride(channels_), stride(channels_), -position,
                 stride(positions_) - position, static_cast<std::size_t>(k) * channels_};
    }
    weights1_.multiply(taps, channels_, count, scratch, {hidden, stride(hidden_)});
  }

  /// wide[count][2 · channels] from hidden[count][hidden].
  void expand(const float* hidden, std::size_t count, GemmScratch& scratch,
              float* wide) const noexcept {
    const GemmTap tap{hidden, stride(hidden_), 0, stride(count), 0};
    weights2_.multiply({&tap, 1}, hidden_, count, scratch, {wide, stride(2 * channels_)});
  }

  /// Normalisation with these moments as x · scale + shift.
  static void fold(const Moments& moments, double epsilon, const Array<float>& gamma,
                   const Array<float>& beta, float* scale, float* shift) noexcept {
    const double inverse = moments.inverse_deviation(epsilon);
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

  void run_row(const CpuRun& run, std::size_t row, ThreadScratch& scratch) const noexcept {
    float* affine1 = scratch.floats.data();
    float* affine2 = affine1 + 2 * hidden_;
    float* hidden = affine2 + 4 * channels_;
    float* wide = hidden + positions_ * hidden_;
    // Moments are taken block by block, while the block is in the first cache.
    Moments total;
    for (std::size_t p = 0; p < positions_; p += kBlockRows) {
      const std::size_t n = std::min(kBlockRows, positions_ - p);
      convolve(input(run, row), p, n, scratch.gemm, hidden + p * hidden_);
      total.merge(moments({hidden + p * hidden_, stride(hidden_)}, n, hidden_));
    }
    fold(total, epsilon1_, gamma1_, beta1_, affine1, affine1 + hidden_);
    total = {};
    for (std::size_t p = 0; p < positions_; p += kBlockRows) {
      const std::size_t n = std::min(kBlockRows, positions_ - p);
      normalise_hidden(hidden + p * hidden_, n, affine1);
      float* block = wide + p * 2 * channels_;
      expand(hidden + p * hidden_, n, scratch.gemm, block);
      total.merge(moments({block, stride(2 * channels_)}, n, 2 * channels_));
    }
    fold(total, epsilon2_, gamma2_, beta2_, affine2, affine2 + 2 * channels_);
    finish(wide, positions_, affine2, input(run, row), output(run, row));
  }

  template <typename Body>
  void over_blocks(const CpuRun& run, Body&& body) const noexcept {
    run.workers.parallel_blocks(positions_, kBlockRows,
                                [&](std::size_t first, std::size_t n, ThreadScratch& scratch) {
                                  body(first / kBlockRows, first, n, scratch);
                                });
  }

  Moments merged(const CpuRun& run) const noexcept {
    Moments total;
    const auto* moments = run.at<const Moments>(moments_);
    for (std::size_t i = 0; i < blocks_of(positions_); ++i) total.merge(moments[i]);
    return total;
  }

  void run_passes(const CpuRun& run, std::size_t row) const noexcept {
    auto* const block_moments = run.at<Moments>(moments_);
    float* const hidden_values = run.at(hidden_values_);
    float* affine1 = run.at(affine_);
    float* affine2 = affine1 + 2 * hidden_;
    over_blocks(run, [&](std::size_t block, std::size_t p, std::size_t n, ThreadScratch& s) {
      float* hidden = hidden_values + p * hidden_;
      convolve(input(run, row), p, n, s.gemm, hidden);
      block_moments[block] = moments({hidden, stride(hidden_)}, n, hidden_);
    });
    fold(merged(run), epsilon1_, gamma1_, beta1_, affine1, affine1 + hidden_);
    over_blocks(run, [&](std::size_t block, std::size_t p, std::size_t n, ThreadScratch& s) {
      float* hidden = hidden_values + p * hidden_;
      normalise_hidden(hidden, n, affine1);
      expand(hidden, n, s.gemm, s.floats.data());
      block_moments[block] = moments({s.floats.data(), stride(2 * channels_)}, n, 2 * channels_);
    });
    fold(merged(run), epsilon2_, gamma2_, beta2_, affine2, affine2 + 2 * channels_);
    over_blocks(run, [&](std::size_t, std::size_t p, std::size_t n, ThreadScratch& s) {
      expand(hidden_values + p * hidden_, n, s.gemm, s.floats.data());
      finish(s.floats.data(), n, affine2, input(run, row) + p * channels_,
             output(run, row) + p * channels_);
    });
  }

  const GemmKernel& kernel_;
  Slot x_;
  Slot y_;
  std::int64_t dilation_;
  double epsilon1_;
  double epsilon2_;
  std::size_t hidden_ = 0;
  std::size_t channels_ = 0;
  std::size_t positions_ = 0;
  std::size_t rows_ = 0;
  bool by_row_ = false;
  Array<float> gamma1_, beta1_, gamma2_, beta2_, gain_;
  PackedMatrix weights1_;
  PackedMatrix weights2_;
  Slot hidden_values_;  // of the shared passes
  Slot moments_;
  Slot affine_;
};

}  // namespace

std::unique_ptr<Step> make_dconv(const GemmKernel& kernel, const DConvParts& parts, Value y,
                                 std::size_t threads, StepMaker& maker) {
  return std::make_unique<DConvStep>(kernel, parts, y, threads, maker);
}

}  // namespace metalaudio::nn::cpu

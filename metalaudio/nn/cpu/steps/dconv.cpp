#include <metalaudio/nn/cpu/gram_kernel.h>
#include <metalaudio/nn/cpu/row_kernels.h>
#include <metalaudio/nn/cpu/steps/dconv.h>

#include <cmath>
#include <numeric>

namespace metalaudio::nn::cpu {

namespace {

std::ptrdiff_t stride(std::size_t n) noexcept { return static_cast<std::ptrdiff_t>(n); }

/// What a row's second product needs once its statistics are known, and what they are made of; all
/// of it in one piece of memory.
struct RowWork {
  float* scale;       ///< of the first normalisation, repeated to whole vectors
  float* shift;       ///< the same
  float* pivot;       ///< near the means of the activated hidden values
  float* weights;     ///< of the second product, with normalisation and gain
  float* bias;        ///< the same
  std::byte* packed;  ///< these, packed
};

/// x + gain · glu(norm(conv1x1(h))), h = gelu(norm(conv3(x))). The moments of the second
/// convolution's wide result follow from the sums of h and of h hᵀ; then normalisation and gain go
/// into its weights, and the result leaves the product gated and added to x.
/// With many rows (a spectrogram) a thread takes a row through all of it in its cache. With one row
/// (a waveform) the threads share three passes, since the moments need the whole row.
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
    weight2_ = floats_of(graph, parts.weight2);
    bias2_ = floats_of(graph, parts.bias2);
    hidden_ = gamma1_.size();
    channels_ = static_cast<std::size_t>(shape.back());
    positions_ = static_cast<std::size_t>(shape[shape.rank() - 2]);
    rows_ = static_cast<std::size_t>(shape.size()) / (positions_ * channels_);
    weights1_ = PackedMatrix(kernel, floats_of(graph, parts.weight1), floats_of(graph, parts.bias1),
                             {hidden_, 3 * channels_, false});
    size2_ = {2 * channels_, hidden_, true};
    repeats_ = kWhole / std::gcd(hidden_, kWhole);
    sum_up_weights();
    by_row_ = rows_ >= 2 * threads;
    if (!by_row_) {
      hidden_values_ = maker.temporary(positions_ * hidden_ * sizeof(float));
      moments_ = maker.temporary(blocks_of(positions_) * sizeof(Moments));
      sums_ = maker.temporary(blocks_of(positions_) * sums_size() * sizeof(double));
      work_ = maker.temporary(work_floats() * sizeof(float));
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
    return weights1_.bytes() + weight2_.size() * sizeof(float);
  }

  ScratchNeeds scratch() const noexcept override {
    ScratchNeeds needs{0, kernel_.needs(weights1_.size(), 3, kBlockRows, channels_)};
    needs.gemm.cover(kernel_.needs(size2_, 1, kBlockRows, hidden_));
    needs.floats = lines(centred_floats(kBlockRows, hidden_));
    if (by_row_) {
      needs.floats += work_floats() + lines(2 * sums_size()) + lines(positions_ * hidden_);
    }
    return needs;
  }

 private:
  static constexpr std::size_t kWhole = 16;  ///< floats: a line, and whole vectors
  static std::size_t lines(std::size_t floats) noexcept {
    return (floats + kWhole - 1) / kWhole * kWhole;
  }
  std::size_t sums_size() const noexcept { return hidden_ * (hidden_ + 1); }
  std::size_t work_floats() const noexcept {
    return 2 * lines(repeats_ * hidden_) + lines(hidden_) + lines(weight2_.size()) +
           lines(bias2_.size()) + kernel_.packed_bytes(size2_) / sizeof(float);
  }
  RowWork work_at(float* at) const noexcept {
    const auto take = [&at](std::size_t floats) {
      float* taken = at;
      at += lines(floats);
      return taken;
    };
    RowWork work{};
    work.scale = take(repeats_ * hidden_);
    work.shift = take(repeats_ * hidden_);
    work.pivot = take(hidden_);
    work.weights = take(weight2_.size());
    work.bias = take(bias2_.size());
    work.packed = reinterpret_cast<std::byte*>(at);
    return work;
  }

  const float* input(const CpuRun& run, std::size_t row) const noexcept {
    return run.at<const float>(x_) + row * positions_ * channels_;
  }
  float* output(const CpuRun& run, std::size_t row) const noexcept {
    return run.at(y_) + row * positions_ * channels_;
  }

  /// What the moments of W h + b need of W and b: Wᵀ W, Wᵀ b, and the sums of W's rows, b and b².
  void sum_up_weights() {
    weight_products_.assign(hidden_ * hidden_, 0.0);
    weight_biases_.assign(hidden_, 0.0);
    weight_sums_.assign(hidden_, 0.0);
    for (std::size_t n = 0; n < bias2_.size(); ++n) {
      const float* w = weight2_.data() + n * hidden_;
      const double b = bias2_[n];
      for (std::size_t i = 0; i < hidden_; ++i) {
        for (std::size_t j = 0; j < hidden_; ++j) {
          weight_products_[i * hidden_ + j] += static_cast<double>(w[i]) * w[j];
        }
        weight_biases_[i] += w[i] * b;
        weight_sums_[i] += w[i];
      }
      bias_sum_ += b;
      bias_squares_ += b * b;
    }
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

  /// The first normalisation as x · scale + shift, and the pivot: the means of the first block.
  void fold_first(const Moments& moments, const float* hidden, float* scratch,
                  const RowWork& work) const noexcept {
    const double inverse = moments.inverse_deviation(epsilon1_);
    for (std::size_t i = 0; i < repeats_ * hidden_; ++i) {
      const std::size_t c = i % hidden_;
      work.scale[i] = static_cast<float>(gamma1_[c] * inverse);
      work.shift[i] = static_cast<float>(beta1_[c] - moments.mean * gamma1_[c] * inverse);
    }
    std::fill_n(work.pivot, hidden_, 0.0F);
    const std::size_t count = std::min(kBlockRows, positions_);
    activate_hidden(hidden, count, work, scratch);
    for (std::size_t i = 0; i < count * hidden_; ++i) work.pivot[i % hidden_] += scratch[i];
    for (std::size_t c = 0; c < hidden_; ++c) work.pivot[c] /= static_cast<float>(count);
  }

  /// Rows of few channels as fewer rows of whole vectors.
  void activate_hidden(const float* hidden, std::size_t count, const RowWork& work,
                       float* to) const noexcept {
    const std::size_t columns = repeats_ * hidden_;
    const std::size_t wide = count / repeats_;
    affine({hidden, stride(columns)}, wide, columns, work.scale, work.shift, Activation::gelu, to,
           stride(columns));
    const std::size_t done = wide * columns;
    affine({hidden + done, stride(hidden_)}, count % repeats_, hidden_, work.scale, work.shift,
           Activation::gelu, to + done, stride(hidden_));
  }

  /// Of the second convolution's result, from the sums over the row.
  Moments moments_of_result(const double* sums, const float* pivot) const noexcept {
    const double* products = sums + hidden_;
    const auto positions = static_cast<double>(positions_);
    const auto columns = static_cast<double>(bias2_.size());
    double within = 0;
    double total = bias_sum_;
    double around = bias_squares_;
    for (std::size_t i = 0; i < hidden_; ++i) {
      const double mean = pivot[i] + sums[i] / positions;
      total += weight_sums_[i] * mean;
      around += 2 * weight_biases_[i] * mean;
      for (std::size_t j = 0; j < hidden_; ++j) {
        const double weight = weight_products_[i * hidden_ + j];
        within += weight * (products[i * hidden_ + j] - sums[i] * sums[j] / positions);
        around += weight * mean * (pivot[j] + sums[j] / positions);
      }
    }
    const double mean = total / columns;
    const double squares = within + positions * (around - columns * mean * mean);
    return {columns * positions, mean, std::max(0.0, squares)};
  }

  /// The second product's weights with the normalisation, and the gain of what the gate lets
  /// through.
  void fold_second(const Moments& moments, const RowWork& work) const noexcept {
    const double inverse = moments.inverse_deviation(epsilon2_);
    for (std::size_t n = 0; n < bias2_.size(); ++n) {
      const double gain = n < channels_ ? gain_[n] : 1.0;
      const double scale = gamma2_[n] * inverse * gain;
      for (std::size_t k = 0; k < hidden_; ++k) {
        work.weights[n * hidden_ + k] = static_cast<float>(weight2_[n * hidden_ + k] * scale);
      }
      work.bias[n] = static_cast<float>((bias2_[n] - moments.mean) * scale + beta2_[n] * gain);
    }
    kernel_.pack({work.weights, stride(hidden_), 1}, size2_, work.bias, work.packed);
  }

  void finish(const float* hidden, std::size_t count, const RowWork& work, GemmScratch& scratch,
              const float* x, float* y) const noexcept {
    const GemmTap tap{hidden, stride(hidden_), 0, stride(count), 0};
    kernel_.multiply({&tap, 1}, hidden_, count, work.packed, size2_, scratch,
                     {y, stride(channels_), Activation::glu, x, stride(channels_)});
  }

  void run_row(const CpuRun& run, std::size_t row, ThreadScratch& scratch) const noexcept {
    const RowWork work = work_at(scratch.floats.data());
    float* at = scratch.floats.data() + work_floats();
    auto* sums = reinterpret_cast<double*>(at);
    float* centred = at + lines(2 * sums_size());
    float* hidden = centred + lines(centred_floats(kBlockRows, hidden_));
    const float* x = input(run, row);
    // Moments are taken block by block, while the block is in the first cache.
    Moments total;
    const auto over_row = [&](auto&& body) {
      for (std::size_t p = 0; p < positions_; p += kBlockRows) {
        body(p, std::min(kBlockRows, positions_ - p), hidden + p * hidden_);
      }
    };
    over_row([&](std::size_t p, std::size_t n, float* block) {
      convolve(x, p, n, scratch.gemm, block);
      total.merge(moments({block, stride(hidden_)}, n, hidden_));
    });
    fold_first(total, hidden, centred, work);
    std::fill_n(sums, sums_size(), 0.0);
    over_row([&](std::size_t, std::size_t n, float* block) {
      activate_hidden(block, n, work, block);
      add_products(block, n, hidden_, work.pivot, centred, sums, sums + hidden_);
    });
    fold_second(moments_of_result(sums, work.pivot), work);
    over_row([&](std::size_t p, std::size_t n, const float* block) {
      finish(block, n, work, scratch.gemm, x + p * channels_, output(run, row) + p * channels_);
    });
  }

  template <typename Body>
  void over_blocks(const CpuRun& run, Body&& body) const noexcept {
    run.workers.parallel_blocks(positions_, kBlockRows,
                                [&](std::size_t first, std::size_t n, ThreadScratch& scratch) {
                                  body(first / kBlockRows, first, n, scratch);
                                });
  }

  void run_passes(const CpuRun& run, std::size_t row) const noexcept {
    auto* const block_moments = run.at<Moments>(moments_);
    auto* const block_sums = run.at<double>(sums_);
    float* const hidden_values = run.at(hidden_values_);
    const RowWork work = work_at(run.at(work_));
    over_blocks(run, [&](std::size_t block, std::size_t p, std::size_t n, ThreadScratch& s) {
      float* hidden = hidden_values + p * hidden_;
      convolve(input(run, row), p, n, s.gemm, hidden);
      block_moments[block] = moments({hidden, stride(hidden_)}, n, hidden_);
    });
    Moments total;
    for (std::size_t i = 0; i < blocks_of(positions_); ++i) total.merge(block_moments[i]);
    run.workers.parallel_for(1, [&](std::size_t, ThreadScratch& s) {
      fold_first(total, hidden_values, s.floats.data(), work);
    });
    over_blocks(run, [&](std::size_t block, std::size_t p, std::size_t n, ThreadScratch& s) {
      float* hidden = hidden_values + p * hidden_;
      double* sums = block_sums + block * sums_size();
      std::fill_n(sums, sums_size(), 0.0);
      activate_hidden(hidden, n, work, hidden);
      add_products(hidden, n, hidden_, work.pivot, s.floats.data(), sums, sums + hidden_);
    });
    for (std::size_t block = 1; block < blocks_of(positions_); ++block) {
      const double* sums = block_sums + block * sums_size();
      for (std::size_t i = 0; i < sums_size(); ++i) block_sums[i] += sums[i];
    }
    fold_second(moments_of_result(block_sums, work.pivot), work);
    over_blocks(run, [&](std::size_t, std::size_t p, std::size_t n, ThreadScratch& s) {
      finish(hidden_values + p * hidden_, n, work, s.gemm, input(run, row) + p * channels_,
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
  std::size_t repeats_ = 1;  ///< of the hidden channels, to whole vectors
  bool by_row_ = false;
  Array<float> gamma1_, beta1_, gamma2_, beta2_, gain_, weight2_, bias2_;
  PackedMatrix weights1_;
  MatrixSize size2_;
  std::vector<double> weight_products_;  ///< Wᵀ W of the second convolution
  std::vector<double> weight_biases_;    ///< Wᵀ b
  std::vector<double> weight_sums_;
  double bias_sum_ = 0;
  double bias_squares_ = 0;
  Slot hidden_values_;  // of the shared passes
  Slot moments_;
  Slot sums_;
  Slot work_;
};

}  // namespace

std::unique_ptr<Step> make_dconv(const GemmKernel& kernel, const DConvParts& parts, Value y,
                                 std::size_t threads, StepMaker& maker) {
  return std::make_unique<DConvStep>(kernel, parts, y, threads, maker);
}

}  // namespace metalaudio::nn::cpu

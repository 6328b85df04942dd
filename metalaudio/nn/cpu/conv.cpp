#include <metalaudio/core/error.h>
#include <metalaudio/nn/cpu/bf16.h>
#include <metalaudio/nn/cpu/kernel.h>

namespace metalaudio::nn::cpu {

namespace {

std::ptrdiff_t ceil_divide(std::ptrdiff_t a, std::ptrdiff_t b) {
  return a >= 0 ? (a + b - 1) / b : -(-a / b);
}

/// A convolution as a sum of products, one per kernel tap, without an unfolded copy of its input: a
/// tap's rows are the input's own, `stride` positions apart.
class ConvKernel final : public Kernel {
 public:
  ConvKernel(const Step& step, const KernelContext& context)
      : attributes_(std::get<ConvAttributes>(step.attributes)),
        in_(context.shape(step.inputs[0])),
        out_(context.shape(step.output)),
        x_(context.at(step.inputs[0])),
        y_(context.at(step.output)),
        activation_(step.activation),
        round_(context.round_to_bf16) {
    if (step.residual.index >= 0) {
      residual_ = context.at(step.residual);
      residual_strides_ = broadcast_strides(context.shape(step.residual));
    }
    if (taps() > kMaxTaps) {
      fail(ErrorCode::unsupported, "[nn::Plan] {}: a kernel of {} taps, at most {}", step.label,
           taps(), kMaxTaps);
    }
    pack(step, context);
    // A 1x1 convolution does not care where rows end.
    const bool flat = taps() == 1 && attributes_.rows.stride == 1 &&
                      attributes_.positions.stride == 1 && in_[0] == out_[0] && in_[1] == out_[1] &&
                      (residual_ == nullptr || residual_strides_.row == out_[1] * out_[2]);
    if (flat) {
      in_ = {1, in_[0] * in_[1], in_[2]};
      out_ = {1, out_[0] * out_[1], out_[2]};
    }
    blocks_ = blocks_of(static_cast<std::size_t>(out_[1]));
    const auto depth = static_cast<std::size_t>(in_[2] * attributes_.positions.kernel);
    context.workers.reserve_gemm(taps(), kBlockRows, depth);
    if (round_)
      context.workers.reserve_floats(taps() * kBlockRows * static_cast<std::size_t>(in_[2]));
  }

  void run(Workers& workers) noexcept override {
    workers.parallel_for(static_cast<std::size_t>(out_[0]) * blocks_,
                         [this](std::size_t task, ThreadScratch& scratch) {
                           const auto row = static_cast<std::int64_t>(task / blocks_);
                           run_block(row, task % blocks_ * kBlockRows, scratch);
                         });
  }

  std::size_t weight_bytes() const noexcept override { return weights_.bytes(); }

 private:
  std::size_t taps() const {
    return static_cast<std::size_t>(attributes_.rows.kernel * attributes_.positions.kernel);
  }

  void pack(const Step& step, const KernelContext& context) {
    const std::span<const float> weight = context.constant(step.inputs[1]);
    const std::span<const float> bias = context.constant(step.inputs[2]);
    std::vector<float> scaled(weight.begin(), weight.end());
    std::vector<float> scaled_bias(bias.begin(), bias.end());
    const std::size_t depth = weight.size() / bias.size();
    if (step.gain.index >= 0) {
      const std::span<const float> gain = context.constant(step.gain);
      for (std::size_t i = 0; i < scaled.size(); ++i) scaled[i] *= gain[i / depth];
      for (std::size_t i = 0; i < scaled_bias.size(); ++i) scaled_bias[i] *= gain[i];
    }
    if (round_) round_to_bf16(scaled, scaled);
    weights_ =
        PackedMatrix(scaled, scaled_bias, bias.size(), depth, activation_ == Activation::glu);
  }

  void run_block(std::int64_t row, std::size_t first, ThreadScratch& scratch) const noexcept {
    const auto start = static_cast<std::int64_t>(first);
    const auto rows = std::min(kBlockRows, static_cast<std::size_t>(out_[1] - start));
    GemmTap taps[kMaxTaps];  // few: the constructor refuses more
    std::size_t count = 0;
    std::size_t depth = static_cast<std::size_t>(in_[2]);
    for (std::int64_t k = 0; k < attributes_.rows.kernel; ++k) {
      const std::int64_t r =
          row * attributes_.rows.stride - attributes_.rows.before + k * attributes_.rows.dilation;
      if (r < 0 || r >= in_[0]) continue;
      count += position_taps(r, k, start, rows, taps + count, &depth);
    }
    if (round_) round_taps({taps, count}, depth, rows, scratch);
    GemmOutput output{y_ + (row * out_[1] + start) * out_[2], out_[2], activation_, nullptr, 0};
    if (residual_ != nullptr) {
      output.residual =
          residual_ + row * residual_strides_.row + start * residual_strides_.position;
      output.residual_row_stride = residual_strides_.position;
    }
    gemm_block({taps, count}, depth, rows, panels_of(weights_), scratch.gemm, output);
  }

  /// The taps of one input row; a single deep one where all their positions are inside, since
  /// neighbouring positions are neighbours in memory.
  std::size_t position_taps(std::int64_t r, std::int64_t row_tap, std::int64_t start,
                            std::size_t rows, GemmTap* taps, std::size_t* depth) const noexcept {
    const Axis& axis = attributes_.positions;
    const std::int64_t channels = in_[2];
    const std::int64_t begin = start * axis.stride - axis.before;
    const std::int64_t end =
        begin + (static_cast<std::int64_t>(rows) - 1) * axis.stride + axis.kernel;
    const float* row = x_ + r * in_[1] * channels;
    const auto weight_row = static_cast<std::size_t>(row_tap * axis.kernel * channels);
    if (axis.dilation == 1 && begin >= 0 && end <= in_[1]) {
      *depth = static_cast<std::size_t>(axis.kernel * channels);
      taps[0] = {row + begin * channels, axis.stride * channels, 0,
                 static_cast<std::ptrdiff_t>(rows), weight_row};
      return 1;
    }
    for (std::int64_t k = 0; k < axis.kernel; ++k) {
      const std::int64_t position = begin + k * axis.dilation;
      const std::int64_t first_inside = ceil_divide(-position, axis.stride);
      const std::int64_t last_inside = ceil_divide(in_[1] - position, axis.stride);
      taps[k] = {row + position * channels, axis.stride * channels, first_inside, last_inside,
                 weight_row + static_cast<std::size_t>(k * channels)};
    }
    return static_cast<std::size_t>(axis.kernel);
  }

  void round_taps(std::span<GemmTap> taps, std::size_t depth, std::size_t rows,
                  ThreadScratch& scratch) const noexcept {
    float* to = scratch.floats.data();
    for (GemmTap& tap : taps) {
      tap = round_tap(tap, depth, rows, to);
      to += rows * depth;
    }
  }

  static constexpr std::size_t kMaxTaps = 64;

  ConvAttributes attributes_;
  Shape in_;
  Shape out_;
  const float* x_;
  float* y_;
  const float* residual_ = nullptr;
  BroadcastStrides residual_strides_;
  Activation activation_;
  bool round_;
  std::size_t blocks_ = 0;
  PackedMatrix weights_;
};

}  // namespace

std::unique_ptr<Kernel> make_conv(const Step& step, const KernelContext& context) {
  return std::make_unique<ConvKernel>(step, context);
}

}  // namespace metalaudio::nn::cpu

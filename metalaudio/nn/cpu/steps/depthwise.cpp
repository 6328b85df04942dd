#include <metalaudio/nn/cpu/depthwise_kernel.h>
#include <metalaudio/nn/cpu/row_kernels.h>
#include <metalaudio/nn/cpu/steps/conv.h>

namespace metalaudio::nn::cpu {

namespace {

/// A convolution of each channel by itself: all channels of a position at once, tap by tap.
class DepthwiseStep final : public CpuStep {
 public:
  DepthwiseStep(const Conv& conv, const Node& node, const ConvEpilogue& epilogue, Value y,
                StepMaker& maker)
      : in_(maker.graph().shape(node.inputs[Conv::x]), conv.axes.size()),
        out_(maker.graph().shape(node.results[0]), conv.axes.size()),
        x_(maker.slot(node.inputs[Conv::x])),
        y_(maker.slot(y)),
        residual_(epilogue.residual, y, conv.axes.size(), maker),
        activation_(epilogue.activation) {
    if (conv.axes.size() == 2) rows_axis_ = conv.axes[0];
    if (!conv.axes.empty()) positions_axis_ = conv.axes.back();
    blocks_ = blocks_of(size_of(out_.positions));
    pack(maker.graph(), node, epilogue.gain);
  }

  void run(const CpuRun& run) const noexcept override {
    run.workers.parallel_for(
        size_of(out_.batch * out_.rows) * blocks_, [&](std::size_t task, ThreadScratch& scratch) {
          const auto row = static_cast<std::int64_t>(task / blocks_);
          run_block(run, row / out_.rows, row % out_.rows, task % blocks_ * kBlockRows, scratch);
        });
  }

  std::size_t weight_bytes() const noexcept override {
    return (weights_.size() + bias_.size()) * sizeof(float);
  }
  ScratchNeeds scratch() const noexcept override { return {0, {taps(), 0, 0, 0}}; }

 private:
  std::size_t taps() const { return size_of(rows_axis_.kernel * positions_axis_.kernel); }

  /// [channel][tap] to [tap][padded].
  void pack(const Graph& graph, const Node& node, Value gain) {
    const std::size_t lanes = depthwise_lanes();
    const std::size_t channels = size_of(out_.channels);
    padded_ = (channels + lanes - 1) / lanes * lanes;
    weights_ = Array<float>(taps() * padded_);
    bias_ = Array<float>(padded_);
    const Array<float> weight = floats_of(graph, node.inputs[Conv::weight]);
    const Array<float> factors = gain.present() ? floats_of(graph, gain) : Array<float>();
    if (node.inputs[Conv::bias].present()) {
      const Array<float> bias = floats_of(graph, node.inputs[Conv::bias]);
      std::copy(bias.begin(), bias.end(), bias_.begin());
    }
    for (std::size_t c = 0; c < channels; ++c) {
      const float factor = gain.present() ? factors[c] : 1.0F;
      for (std::size_t k = 0; k < taps(); ++k) {
        weights_[k * padded_ + c] = weight[c * taps() + k] * factor;
      }
      bias_[c] *= factor;
    }
  }

  void run_block(const CpuRun& run, std::int64_t batch, std::int64_t row, std::size_t first,
                 ThreadScratch& scratch) const noexcept {
    const auto start = static_cast<std::int64_t>(first);
    const std::size_t rows = std::min(kBlockRows, size_of(out_.positions - start));
    const std::size_t channels = size_of(out_.channels);
    GemmTap* taps = scratch.gemm.taps();
    const std::size_t count = list_taps(run, batch, row, start, taps);
    float* out = run.at(y_) + ((batch * out_.rows + row) * out_.positions + start) * out_.channels;
    depthwise({taps, count}, rows, channels, weights_.data(), padded_, bias_.data(), out);
    if (activation_ != Activation::none) activate(out, rows * channels, activation_, out);
    const float* residual = residual_.at(run, batch, row, start);
    if (residual == nullptr) return;
    for (std::size_t r = 0; r < rows; ++r, out += channels, residual += residual_.step()) {
      add(out, residual, channels, out);
    }
  }

  std::size_t list_taps(const CpuRun& run, std::int64_t batch, std::int64_t row, std::int64_t start,
                        GemmTap* taps) const noexcept {
    const float* plane = run.at<const float>(x_) + batch * in_.batch_stride();
    const SlidingAxis& axis = positions_axis_;
    std::size_t count = 0;
    for (std::int64_t j = 0; j < rows_axis_.kernel; ++j) {
      const std::int64_t r = row * rows_axis_.stride - rows_axis_.before + j * rows_axis_.dilation;
      if (r < 0 || r >= in_.rows) continue;
      for (std::int64_t k = 0; k < axis.kernel; ++k) {
        const std::int64_t position = start * axis.stride - axis.before + k * axis.dilation;
        taps[count++] = {plane + r * in_.row_stride() + position * in_.channels,
                         axis.stride * in_.channels, ceil_divide(-position, axis.stride),
                         ceil_divide(in_.positions - position, axis.stride),
                         size_of(j * axis.kernel + k)};
      }
    }
    return count;
  }

  Planes in_;
  Planes out_;
  SlidingAxis rows_axis_;
  SlidingAxis positions_axis_;
  Slot x_;
  Slot y_;
  Residual residual_;
  Activation activation_;
  std::size_t blocks_ = 0;
  std::size_t padded_ = 0;
  Array<float> weights_;
  Array<float> bias_;
};

}  // namespace

std::unique_ptr<Step> make_depthwise_conv(const Conv& conv, const Node& node,
                                          const ConvEpilogue& epilogue, Value y, StepMaker& maker) {
  return std::make_unique<DepthwiseStep>(conv, node, epilogue, y, maker);
}

}  // namespace metalaudio::nn::cpu

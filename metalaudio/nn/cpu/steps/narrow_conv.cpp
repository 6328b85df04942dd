#include <metalaudio/nn/cpu/narrow_conv_kernels.h>
#include <metalaudio/nn/cpu/row_kernels.h>
#include <metalaudio/nn/cpu/steps/narrow_conv.h>
#include <metalaudio/nn/cpu/vector_kernels.h>

namespace metalaudio::nn::cpu {

namespace {

class NarrowConvStep final : public CpuStep {
 public:
  NarrowConvStep(const Conv& conv, const Node& node, const ConvEpilogue& epilogue, Value y,
                 bool tiled, StepMaker& maker)
      : in_(maker.graph().shape(node.inputs[Conv::x]), conv.axes.size()),
        out_(maker.graph().shape(node.results[0]), conv.axes.size()),
        x_(maker.slot(node.inputs[Conv::x])),
        y_(maker.slot(y)),
        residual_(epilogue.residual.present() ? maker.slot(epilogue.residual) : Slot{}),
        activation_(epilogue.activation),
        tiled_(tiled) {
    if (!conv.axes.empty()) axis_ = conv.axes[0];
    const Graph& graph = maker.graph();
    weights_ = floats_of(graph, node.inputs[Conv::weight]);
    const std::size_t outputs = size_of(out_.channels);
    bias_ = node.inputs[Conv::bias].present() ? floats_of(graph, node.inputs[Conv::bias])
                                              : Array<float>(outputs);
    if (epilogue.gain.present()) {
      const Array<float> gain = floats_of(graph, epilogue.gain);
      const std::size_t depth = weights_.size() / outputs;
      for (std::size_t i = 0; i < weights_.size(); ++i) weights_[i] *= gain[i / depth];
      for (std::size_t i = 0; i < outputs; ++i) bias_[i] *= gain[i];
    }
    // Windows of these positions lie inside the input.
    first_ = std::min(out_.positions, (axis_.before + axis_.stride - 1) / axis_.stride);
    const std::int64_t room = in_.positions + axis_.before - axis_.dilation * (axis_.kernel - 1);
    last_ = room <= 0 ? 0 : (room - 1) / axis_.stride + 1;
    last_ = std::max(first_, std::min(last_, out_.positions));
    blocks_ = blocks_of(size_of(out_.positions), kPositions);
  }

  void run(const CpuRun& run) const noexcept override {
    run.workers.parallel_for(size_of(out_.rows) * blocks_, [&](std::size_t task, ThreadScratch&) {
      const auto first = static_cast<std::int64_t>(task % blocks_ * kPositions);
      run_block(run, static_cast<std::int64_t>(task / blocks_), first,
                std::min(first + static_cast<std::int64_t>(kPositions), out_.positions));
    });
  }

  std::size_t weight_bytes() const noexcept override {
    return (weights_.size() + bias_.size()) * sizeof(float);
  }

 private:
  static constexpr std::size_t kPositions = 1024;  // of one task

  void run_block(const CpuRun& run, std::int64_t row, std::int64_t begin,
                 std::int64_t end) const noexcept {
    const float* x = run.at<const float>(x_) + row * in_.row_stride();
    float* y = run.at(y_) + row * out_.row_stride();
    const std::int64_t inside = std::clamp(first_, begin, end);
    const std::int64_t outside = std::clamp(last_, inside, end);
    for (std::int64_t p = begin; p < inside; ++p) at_edge(x, p, y + p * out_.channels);
    for (std::int64_t p = outside; p < end; ++p) at_edge(x, p, y + p * out_.channels);
    if (outside > inside) {
      const std::int64_t start = inside * axis_.stride - axis_.before;
      const NarrowConv conv{
          x + start * in_.channels,   weights_.data(),           bias_.data(),
          y + inside * out_.channels, size_of(outside - inside), size_of(in_.channels),
          size_of(out_.channels),     size_of(axis_.kernel),     size_of(axis_.stride),
          size_of(axis_.dilation)};
      tiled_ ? narrow_conv_tiled(conv) : narrow_conv_basic(conv);
    }
    float* block = y + begin * out_.channels;
    const std::size_t size = size_of((end - begin) * out_.channels);
    if (activation_ != Activation::none) activate(block, size, activation_, block);
    if (const float* residual = run.at<const float>(residual_)) {
      add(block, residual + (block - run.at(y_)), size, block);
    }
  }

  /// A position whose window reaches beyond an end, where zeros are.
  void at_edge(const float* x, std::int64_t position, float* y) const noexcept {
    const std::int64_t channels = in_.channels;
    for (std::int64_t o = 0; o < out_.channels; ++o) {
      float sum = bias_[size_of(o)];
      for (std::int64_t k = 0; k < axis_.kernel; ++k) {
        const std::int64_t at = position * axis_.stride - axis_.before + k * axis_.dilation;
        if (at < 0 || at >= in_.positions) continue;
        const float* w = weights_.data() + (o * axis_.kernel + k) * channels;
        for (std::int64_t c = 0; c < channels; ++c) sum += x[at * channels + c] * w[c];
      }
      y[o] = sum;
    }
  }

  Planes in_;
  Planes out_;
  SlidingAxis axis_;
  Slot x_;
  Slot y_;
  Slot residual_;
  Activation activation_;
  bool tiled_;
  std::int64_t first_ = 0;
  std::int64_t last_ = 0;
  std::size_t blocks_ = 0;
  Array<float> weights_;
  Array<float> bias_;
};

}  // namespace

bool is_narrow(const Graph& graph, const Conv& conv, const Node& node, const ConvEpilogue& epilogue,
               Value y, const ToleranceConfiguration& tolerances) {
  if (conv.axes.size() > 1 || conv.groups != 1 || epilogue.activation == Activation::glu) {
    return false;
  }
  if (epilogue.residual.present() && graph.shape(epilogue.residual) != graph.shape(y)) return false;
  const std::size_t outputs = size_of(graph.shape(node.results[0]).back());
  if (outputs >= tolerances.conv_wide_channels) return false;
  const SlidingAxis axis = conv.axes.empty() ? SlidingAxis{} : conv.axes[0];
  const std::size_t channels = size_of(graph.shape(node.inputs[Conv::x]).back());
  const std::size_t taps = size_of(axis.kernel);
  const std::size_t lanes = gate_lanes();
  const std::size_t positions =
      size_of(Planes(graph.shape(node.results[0]), conv.axes.size()).positions);
  if (channels == 1 && axis.stride == 1 && positions >= lanes) return true;
  // Along taps, an output costs its vectors and a sum over the last one's lanes, which takes as
  // long as kSum vectors; along channels it costs one vector per tap and channel.
  constexpr std::size_t kSum = 8;
  const std::size_t runs = axis.dilation == 1 ? 1 : taps;
  const std::size_t vectors = runs * blocks_of(taps / runs * channels, lanes);
  return outputs * (kSum + vectors) <= taps * channels;
}

std::unique_ptr<Step> make_narrow_conv(const Conv& conv, const Node& node,
                                       const ConvEpilogue& epilogue, Value y,
                                       const ToleranceConfiguration& tolerances, StepMaker& maker) {
  const auto taps = static_cast<std::size_t>(conv.axes.empty() ? 1 : conv.axes[0].kernel);
  return std::make_unique<NarrowConvStep>(conv, node, epilogue, y, taps > tolerances.conv_tile_taps,
                                          maker);
}

}  // namespace metalaudio::nn::cpu

#include <metalaudio/nn/cpu/steps/conv.h>

namespace metalaudio::nn::cpu {

namespace {

/// The taps of one axis that reach outputs congruent to `phase` modulo the stride, in rising order:
/// dilation · tap ≡ phase. Tap t meets input (output + crop - dilation · t) / stride.
std::vector<std::int64_t> phase_taps(const TransposeAxis& axis, std::int64_t phase) {
  std::vector<std::int64_t> taps;
  for (std::int64_t tap = 0; tap < axis.kernel; ++tap) {
    if ((axis.dilation * tap) % axis.stride == phase) taps.push_back(tap);
  }
  return taps;
}

/// A transposed convolution over at most two axes by phases: outputs that are congruent modulo the
/// stride form an ordinary convolution with their own few taps, so nothing is overlapped and added
/// afterwards.
class ConvTransposeStep final : public CpuStep {
 public:
  ConvTransposeStep(const GemmKernel& kernel, const ConvTranspose& conv, const Node& node,
                    const ConvEpilogue& epilogue, Value y, StepMaker& maker)
      : kernel_(kernel),
        groups_(conv.groups),
        in_(maker.graph().shape(node.inputs[ConvTranspose::x]), conv.axes.size()),
        out_(maker.graph().shape(node.results[0]), conv.axes.size()),
        x_(maker.slot(node.inputs[ConvTranspose::x])),
        y_(maker.slot(y)),
        residual_(epilogue.residual, y, conv.axes.size(), maker),
        activation_(epilogue.activation) {
    if (conv.axes.size() == 2) {
      rows_ = Axis(conv.axes[0]);
    } else {
      rows_ = Axis({1, 1, 0, out_.rows});
    }
    positions_ = Axis(conv.axes.back());
    const std::int64_t stride = positions_.axis.stride;
    blocks_ = blocks_of(size_of((out_.positions + stride - 1) / stride));
    pack(maker.graph(), node, epilogue.gain);
  }

  void run(const CpuRun& run) const noexcept override {
    const auto phases = size_of(positions_.axis.stride);
    run.workers.parallel_for(
        size_of(out_.batch * out_.rows) * blocks_ * phases,
        [&, phases](std::size_t task, ThreadScratch& scratch) {
          const auto row = static_cast<std::int64_t>(task / (blocks_ * phases));
          const std::size_t block = task / phases % blocks_;
          run_block(run, row / out_.rows, row % out_.rows, static_cast<std::int64_t>(task % phases),
                    static_cast<std::int64_t>(block * kBlockRows), scratch);
        });
  }

  std::size_t weight_bytes() const noexcept override {
    std::size_t bytes = 0;
    for (const PackedMatrix& weights : weights_) bytes += weights.bytes();
    return bytes;
  }

  ScratchNeeds scratch() const noexcept override {
    ScratchNeeds needs;
    for (const PackedMatrix& weights : weights_) {
      needs.gemm.cover(kernel_.needs(weights.size(), rows_.most_taps() * positions_.most_taps(),
                                     kBlockRows, size_of(group_in())));
    }
    return needs;
  }

 private:
  struct Axis {
    Axis() = default;
    explicit Axis(const TransposeAxis& a) : axis(a) {
      for (std::int64_t p = 0; p < a.stride; ++p) taps.push_back(phase_taps(a, p));
    }
    std::size_t most_taps() const {
      std::size_t most = 0;
      for (const auto& phase : taps) most = std::max(most, phase.size());
      return most;
    }
    /// The input that a tap meets at an output index of its phase.
    std::int64_t source(std::int64_t output, std::int64_t tap) const {
      const std::int64_t at = output + axis.crop - axis.dilation * tap;
      return at >= 0 ? at / axis.stride : -(-at / axis.stride);
    }

    TransposeAxis axis;
    std::vector<std::vector<std::int64_t>> taps;  ///< by phase
  };

  std::int64_t group_in() const { return in_.channels / groups_; }

  void pack(const Graph& graph, const Node& node, Value gain) {
    const auto [weight, bias] = conv_constants(graph, node, gain);
    const std::size_t columns = size_of(out_.channels);
    const std::size_t group = columns / size_of(groups_);
    for (const auto& row_taps : rows_.taps) {
      for (const auto& position_taps : positions_.taps) {
        const std::size_t depth = row_taps.size() * position_taps.size() * size_of(group_in());
        for (std::size_t g = 0; g < size_of(groups_); ++g) {
          std::vector<float> phase;
          phase.reserve(group * depth);
          for (std::size_t n = g * group; n < (g + 1) * group; ++n) {
            gather(weight, n, row_taps, position_taps, phase);
          }
          weights_.emplace_back(kernel_, phase,
                                std::span<const float>(bias).subspan(g * group, group),
                                MatrixSize{group, depth, false});
        }
      }
    }
  }

  void gather(const Array<float>& weight, std::size_t n, const std::vector<std::int64_t>& row_taps,
              const std::vector<std::int64_t>& position_taps, std::vector<float>& to) const {
    const std::int64_t kernel = positions_.axis.kernel;
    const std::size_t channels = size_of(group_in());
    for (const std::int64_t i : row_taps) {
      for (const std::int64_t j : position_taps) {
        const std::size_t tap = n * size_of(rows_.axis.kernel * kernel) + size_of(i * kernel + j);
        for (std::size_t c = 0; c < channels; ++c) to.push_back(weight[tap * channels + c]);
      }
    }
  }

  /// Outputs offset, offset + stride, … of one row, from the start-th on.
  void run_block(const CpuRun& run, std::int64_t batch, std::int64_t row, std::int64_t offset,
                 std::int64_t start, ThreadScratch& scratch) const noexcept {
    const std::int64_t stride = positions_.axis.stride;
    const std::int64_t total =
        offset < out_.positions ? (out_.positions - offset - 1) / stride + 1 : 0;
    const std::int64_t rows = std::min<std::int64_t>(kBlockRows, total - start);
    if (rows <= 0) return;
    const std::int64_t position = offset + start * stride;
    const std::int64_t row_phase = (row + rows_.axis.crop) % rows_.axis.stride;
    const std::int64_t position_phase = (position + positions_.axis.crop) % stride;
    const auto& position_taps = positions_.taps[size_of(position_phase)];
    const float* plane = run.at<const float>(x_) + batch * in_.batch_stride();
    GemmTap* taps = scratch.gemm.taps();
    std::size_t count = 0;
    std::size_t weight_row = 0;
    for (const std::int64_t i : rows_.taps[size_of(row_phase)]) {
      const std::int64_t r = rows_.source(row, i);
      for (const std::int64_t j : position_taps) {
        const std::int64_t p = positions_.source(position, j);
        if (r >= 0 && r < in_.rows) {
          taps[count++] = {plane + (r * in_.positions + p) * in_.channels, in_.channels, -p,
                           in_.positions - p, weight_row};
        }
        weight_row += size_of(group_in());
      }
    }
    const std::int64_t channels = out_.channels;
    float* out = run.at(y_) + ((batch * out_.rows + row) * out_.positions + position) * channels;
    GemmOutput output{out, stride * channels, activation_, residual_.at(run, batch, row, position),
                      stride * residual_.step()};
    const std::size_t first = size_of(row_phase * stride + position_phase) * size_of(groups_);
    for (std::size_t g = 0; g < size_of(groups_); ++g) {
      weights_[first + g].multiply({taps, count}, size_of(group_in()), size_of(rows), scratch.gemm,
                                   output);
      for (std::size_t i = 0; i < count; ++i) taps[i].base += group_in();
      output.base += channels / groups_;
      if (output.residual != nullptr) output.residual += channels / groups_;
    }
  }

  const GemmKernel& kernel_;
  std::int64_t groups_;
  Planes in_;
  Planes out_;
  Axis rows_;
  Axis positions_;
  Slot x_;
  Slot y_;
  Residual residual_;
  Activation activation_;
  std::size_t blocks_ = 0;
  std::vector<PackedMatrix> weights_;  ///< by phase of rows, of positions, and group
};

}  // namespace

std::unique_ptr<Step> make_conv_transpose(const GemmKernel& kernel, const ConvTranspose& conv,
                                          const Node& node, const ConvEpilogue& epilogue, Value y,
                                          StepMaker& maker) {
  if (has_whole_phases(conv, node, epilogue, y, maker.graph())) {
    return make_conv_transpose_phases(kernel, conv, node, epilogue, y, maker);
  }
  return std::make_unique<ConvTransposeStep>(kernel, conv, node, epilogue, y, maker);
}

}  // namespace metalaudio::nn::cpu

#include <metalaudio/nn/cpu/row_kernels.h>
#include <metalaudio/nn/cpu/steps/conv.h>

namespace metalaudio::nn::cpu {

bool stands_still(const TransposeAxis& axis, std::int64_t extent) {
  return axis.kernel == 1 && axis.stride == 1 && axis.crop == 0 && axis.extent == extent;
}

bool in_whole_phases(const TransposeAxis& axis) {
  return axis.stride > 1 && axis.kernel % axis.stride == 0 && axis.dilation == 1;
}

namespace {

/// A transposed convolution along one axis whose kernel is a multiple of its stride: all outputs
/// that meet the same inputs q, q - 1, … are the columns of one product, so that these are read and
/// converted once. Input q leads to outputs stride · q - crop and `stride - 1` behind it.
class ConvTransposePhasesStep final : public CpuStep {
 public:
  ConvTransposePhasesStep(const GemmKernel& kernel, const ConvTranspose& conv, const Node& node,
                          const ConvEpilogue& epilogue, Value y, StepMaker& maker)
      : kernel_(kernel),
        in_(maker.graph().shape(node.inputs[ConvTranspose::x]), conv.axes.size()),
        out_(maker.graph().shape(node.results[0]), conv.axes.size()),
        x_(maker.slot(node.inputs[ConvTranspose::x])),
        y_(maker.slot(y)),
        residual_(epilogue.residual, y, conv.axes.size(), maker),
        activation_(epilogue.activation),
        along_rows_(conv.axes.size() == 2 && in_whole_phases(conv.axes[0])),
        axis_(along_rows_ ? conv.axes[0] : conv.axes.back()),
        taps_(axis_.kernel / axis_.stride),
        columns_(axis_.stride * out_.channels) {
    first_ = axis_.crop / axis_.stride;
    last_ = (axis_.crop + axis_.extent - 1) / axis_.stride + 1;
    pack(maker.graph(), node, epilogue.gain);
  }

  void run(const CpuRun& run) const noexcept override {
    along_rows_ ? run_along_rows(run) : run_along_positions(run);
  }

  std::size_t weight_bytes() const noexcept override { return weights_.bytes(); }

  ScratchNeeds scratch() const noexcept override {
    const std::size_t depth = size_of(in_.channels);
    ScratchNeeds needs{along_rows_ ? block_rows() * size_of(columns_) : size_of(columns_),
                       kernel_.needs(weights_.size(), size_of(taps_), kBlockRows, depth)};
    needs.gemm.cover(kernel_.needs(weights_.size(), 1, kBlockRows, depth * size_of(taps_)));
    return needs;
  }

 private:
  /// Of scratch that stays in the second cache.
  std::size_t block_rows() const noexcept { return columns_ <= 192 ? kBlockRows : kBlockRows / 2; }

  /// Column [phase][channel], depth [input q - taps + 1 … q][channel].
  void pack(const Graph& graph, const Node& node, Value gain) {
    const auto [weight, bias] = conv_constants(graph, node, gain);
    const std::size_t depth = size_of(in_.channels);
    std::vector<float> matrix;
    std::vector<float> bias_of_column;
    for (std::int64_t phase = 0; phase < axis_.stride; ++phase) {
      for (std::size_t n = 0; n < bias.size(); ++n) {
        bias_of_column.push_back(bias[n]);
        for (std::int64_t tap = taps_ - 1; tap >= 0; --tap) {
          const std::size_t from = n * size_of(axis_.kernel) + size_of(phase + tap * axis_.stride);
          for (std::size_t c = 0; c < depth; ++c) matrix.push_back(weight[from * depth + c]);
        }
      }
    }
    weights_ = PackedMatrix(kernel_, matrix, bias_of_column,
                            {size_of(columns_), depth * size_of(taps_), false});
  }

  void run_along_rows(const CpuRun& run) const noexcept {
    const std::size_t block = block_rows();
    const std::size_t blocks = blocks_of(size_of(out_.positions), block);
    const std::size_t inputs = size_of(last_ - first_);
    run.workers.parallel_for(
        size_of(out_.batch) * inputs * blocks, [&](std::size_t task, ThreadScratch& scratch) {
          const std::size_t start = task % blocks * block;
          const std::size_t row = task / blocks;
          block_of_rows(run, static_cast<std::int64_t>(row / inputs),
                        first_ + static_cast<std::int64_t>(row % inputs),
                        static_cast<std::int64_t>(start),
                        std::min(block, size_of(out_.positions) - start), scratch);
        });
  }

  /// All rows of outputs that end with input row q, at `count` positions.
  void block_of_rows(const CpuRun& run, std::int64_t batch, std::int64_t q, std::int64_t start,
                     std::size_t count, ThreadScratch& scratch) const noexcept {
    const float* plane = run.at<const float>(x_) + batch * in_.batch_stride();
    GemmTap* taps = scratch.gemm.taps();
    std::size_t used = 0;
    for (std::int64_t k = 0; k < taps_; ++k) {
      const std::int64_t row = q - taps_ + 1 + k;
      if (row < 0 || row >= in_.rows) continue;
      taps[used++] = {plane + row * in_.row_stride() + start * in_.channels, in_.channels, 0,
                      static_cast<std::ptrdiff_t>(count), size_of(k * in_.channels)};
    }
    float* room = scratch.floats.data();
    weights_.multiply({taps, used}, size_of(in_.channels), count, scratch.gemm,
                      {room, columns_, activation_});
    for (std::int64_t phase = 0; phase < axis_.stride; ++phase) {
      const std::int64_t row = axis_.stride * q - axis_.crop + phase;
      if (row < 0 || row >= out_.rows) continue;
      float* out = run.at(y_) + batch * out_.batch_stride() + row * out_.row_stride() +
                   start * out_.channels;
      add_rows({room + phase * out_.channels, columns_}, count, size_of(out_.channels),
               residual_.at(run, batch, row, start), out);
    }
  }

  void run_along_positions(const CpuRun& run) const noexcept {
    const std::size_t inputs = size_of(last_ - first_);
    const std::size_t blocks = blocks_of(inputs);
    run.workers.parallel_for(size_of(out_.batch * out_.rows) * blocks, [&](std::size_t task,
                                                                           ThreadScratch& scratch) {
      const std::size_t start = task % blocks * kBlockRows;
      const std::int64_t q = first_ + static_cast<std::int64_t>(start);
      run_positions(run, static_cast<std::int64_t>(task / blocks), q,
                    q + static_cast<std::int64_t>(std::min(kBlockRows, inputs - start)), scratch);
    });
  }

  /// Inputs [q, end) of one row, those apart that lead beyond an end of the outputs or of the inputs.
  void run_positions(const CpuRun& run, std::int64_t row, std::int64_t q, std::int64_t end,
                     ThreadScratch& scratch) const noexcept {
    const std::int64_t whole_first = ceil_divide(axis_.crop, axis_.stride);
    const std::int64_t whole_last = (axis_.crop + axis_.extent) / axis_.stride;
    while (q < end) {
      if (q < whole_first || q >= whole_last) {
        partial_position(run, row, q++, scratch);
        continue;
      }
      std::int64_t next = std::min(end, whole_last);
      for (const std::int64_t edge : {taps_ - 1, in_.positions}) {
        if (q < edge) next = std::min(next, edge);
      }
      const std::int64_t at = row * out_.positions + axis_.stride * q - axis_.crop;
      multiply(run, row, q, size_of(next - q), scratch,
               {run.at(y_) + at * out_.channels, columns_, activation_,
                residual_.at(run, row / out_.rows, row % out_.rows, axis_.stride * q - axis_.crop),
                columns_});
      q = next;
    }
  }

  void multiply(const CpuRun& run, std::int64_t row, std::int64_t q, std::size_t count,
                ThreadScratch& scratch, const GemmOutput& output) const noexcept {
    const float* x = run.at<const float>(x_) + row * in_.row_stride();
    const std::int64_t channels = in_.channels;
    const std::int64_t start = q - taps_ + 1;
    GemmTap* taps = scratch.gemm.taps();
    if (start >= 0 && q + static_cast<std::int64_t>(count) <= in_.positions) {
      // Neighbouring positions are neighbours in memory.
      taps[0] = {x + start * channels, channels, 0, static_cast<std::ptrdiff_t>(count), 0};
      weights_.multiply({taps, 1}, size_of(taps_ * channels), count, scratch.gemm, output);
      return;
    }
    for (std::int64_t k = 0; k < taps_; ++k) {
      const std::int64_t position = start + k;
      taps[k] = {x + position * channels, channels, -position, in_.positions - position,
                 size_of(k * channels)};
    }
    weights_.multiply({taps, size_of(taps_)}, size_of(channels), count, scratch.gemm, output);
  }

  /// An input at an end, some of whose outputs are cropped.
  void partial_position(const CpuRun& run, std::int64_t row, std::int64_t q,
                        ThreadScratch& scratch) const noexcept {
    float* room = scratch.floats.data();
    multiply(run, row, q, 1, scratch, {room, columns_, activation_});
    const std::int64_t at = axis_.stride * q - axis_.crop;
    const std::int64_t from = std::max<std::int64_t>(at, 0);
    const std::int64_t to = std::min(at + axis_.stride, out_.positions);
    float* out = run.at(y_) + (row * out_.positions + from) * out_.channels;
    add_rows({room + (from - at) * out_.channels, out_.channels}, size_of(to - from),
             size_of(out_.channels), residual_.at(run, row / out_.rows, row % out_.rows, from),
             out);
  }

  const GemmKernel& kernel_;
  Planes in_;
  Planes out_;
  Slot x_;
  Slot y_;
  Residual residual_;
  Activation activation_;
  bool along_rows_;
  TransposeAxis axis_;
  std::int64_t taps_;     ///< inputs that an output meets
  std::int64_t columns_;  ///< outputs of an input, with their channels
  std::int64_t first_;    ///< the inputs that lead to outputs, those behind an end included
  std::int64_t last_;
  PackedMatrix weights_;
};

}  // namespace

bool has_whole_phases(const ConvTranspose& conv, const Node& node, const ConvEpilogue& epilogue,
                      Value y, const Graph& graph) {
  const Planes in(graph.shape(node.inputs[ConvTranspose::x]), conv.axes.size());
  if (conv.groups != 1 || graph.shape(y).size() == 0 || in.channels == 0) return false;
  if (epilogue.residual.present() && graph.shape(epilogue.residual) != graph.shape(y)) return false;
  if (conv.axes.size() == 1) return in_whole_phases(conv.axes[0]);
  return (in_whole_phases(conv.axes[0]) && stands_still(conv.axes[1], in.positions)) ||
         (in_whole_phases(conv.axes[1]) && stands_still(conv.axes[0], in.rows));
}

std::unique_ptr<Step> make_conv_transpose_phases(const GemmKernel& kernel,
                                                 const ConvTranspose& conv, const Node& node,
                                                 const ConvEpilogue& epilogue, Value y,
                                                 StepMaker& maker) {
  return std::make_unique<ConvTransposePhasesStep>(kernel, conv, node, epilogue, y, maker);
}

}  // namespace metalaudio::nn::cpu

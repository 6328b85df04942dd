#include <metalaudio/nn/cpu/gemm/gemm_kernels.h>
#include <metalaudio/nn/cpu/steps/conv.h>

namespace metalaudio::nn::cpu {

namespace {

/// Rows of a product, counted in rows of a whole tile: a few at the end go in a tile of their own,
/// which takes most of the time of a whole one.
std::int64_t rows_paid(const GemmKernel& kernel, std::int64_t rows) {
  const auto tile = static_cast<std::int64_t>(kernel.tile_rows());
  return (rows + tile - 1) / tile * tile;
}

/// How many neighbouring positions are computed as one row of a product, so that few channels fill
/// a vector: each reads a window that is wider by its strides, with zeros for weights where the
/// window is another position's.
std::int64_t positions_together(const GemmKernel& kernel, const SlidingAxis& axis,
                                std::int64_t channels, std::int64_t positions) {
  const auto lanes = static_cast<std::int64_t>(gemm_panel_width() / 2);
  std::int64_t best = 1;
  const auto cost = [&](std::int64_t m) {
    const std::int64_t rows = rows_paid(kernel, positions / m) + (positions % m == 0 ? 0 : 6);
    return (axis.kernel + axis.stride * (m - 1)) * rows;
  };
  for (std::int64_t m = 2; m * channels <= lanes && m <= positions; ++m) {
    if (cost(m) < cost(best)) best = m;
  }
  return best;
}

/// A convolution over at most two axes as a sum of products, one per kernel tap, without an
/// unfolded copy of its input: a tap's rows are the input's own, `stride` positions apart.
class ConvStep final : public ConvInParts {
 public:
  ConvStep(const GemmKernel& kernel, const Conv& conv, const Node& node,
           const ConvEpilogue& epilogue, Value y, ConvUse use, StepMaker& maker)
      : kernel_(kernel),
        groups_(conv.groups),
        in_(maker.graph().shape(node.inputs[Conv::x]), conv.axes.size()),
        out_(maker.graph().shape(node.results[0]), conv.axes.size()),
        x_(use == ConvUse::by_positions ? Slot{} : maker.slot(node.inputs[Conv::x])),
        y_(maker.slot(y)),
        residual_(epilogue.residual, y, conv.axes.size(), maker),
        activation_(epilogue.activation) {
    if (conv.axes.size() == 2) rows_axis_ = conv.axes[0];
    if (!conv.axes.empty()) positions_axis_ = conv.axes.back();
    result_channels_ = maker.graph().shape(y).back();
    if (groups_ == 1 && residual_.whole() && positions_axis_.dilation == 1 &&
        use != ConvUse::by_positions && kernel.name() == "fp32" && activation_ != Activation::glu) {
      together_ = positions_together(kernel, positions_axis_, out_.channels, out_.positions);
    }
    row_tap_depth_ = positions_axis_.kernel * group_in();
    pack(maker.graph(), node, epilogue.gain);
    // A 1x1 convolution does not care where rows end.
    if (taps() == 1 && use == ConvUse::whole && rows_axis_.stride == 1 &&
        positions_axis_.stride == 1 && in_.rows == out_.rows && in_.positions == out_.positions &&
        residual_.whole()) {
      for (Planes* planes : {&in_, &out_}) {
        planes->positions *= planes->rows * planes->batch;
        planes->rows = planes->batch = 1;
      }
    }
    find_inside();
  }

  void run(const CpuRun& run) const noexcept override {
    const std::size_t rows = size_of(out_.positions / together_);
    const std::size_t planes = size_of(out_.batch * out_.rows);
    const std::size_t block =
        rows_of_task(rows, planes, kernel_.tile_rows(), run.workers.threads());
    const std::size_t blocks = blocks_of(rows, block);
    run.workers.parallel_for(planes * blocks, [&](std::size_t task, ThreadScratch& scratch) {
      run_task(run, task / blocks, task % blocks * block, block, scratch);
    });
  }

  void run_row(const CpuRun& run, std::size_t row, ThreadScratch& scratch) const noexcept override {
    const std::size_t rows = size_of(out_.positions / together_);
    for (std::size_t first = 0; first < rows; first += kBlockRows)
      run_task(run, row, first, kBlockRows, scratch);
  }

  void run_positions(const CpuRun& run, std::size_t row, std::size_t first, std::size_t count,
                     const float* x, ThreadScratch& scratch) const noexcept override {
    const GemmTap tap{x, in_.channels, 0, static_cast<std::ptrdiff_t>(count), 0};
    const auto position =
        static_cast<std::int64_t>(row) * out_.positions + static_cast<std::int64_t>(first);
    const auto batch = static_cast<std::int64_t>(row) / out_.rows;
    weights_[0].multiply({&tap, 1}, size_of(in_.channels), count, scratch.gemm,
                         {run.at(y_) + position * result_channels_, result_channels_, activation_,
                          residual_.at(run, batch, static_cast<std::int64_t>(row) % out_.rows,
                                       static_cast<std::int64_t>(first)),
                          residual_.step()});
  }

  std::size_t weight_bytes() const noexcept override {
    std::size_t bytes = 0;
    for (const PackedMatrix& weights : weights_) bytes += weights.bytes();
    return bytes;
  }

  ScratchNeeds scratch() const noexcept override {
    if (weights_.empty()) return {};
    const MatrixSize& size = weights_.front().size();
    ScratchNeeds needs{0, kernel_.needs(size, taps(), kBlockRows, size_of(group_in()))};
    // Neighbouring positions may be read as one tap.
    needs.gemm.cover(kernel_.needs(size, size_of(rows_axis_.kernel), kBlockRows,
                                   size_of(group_in() * positions_axis_.kernel)));
    return needs;
  }

 private:
  std::size_t taps() const { return size_of(rows_axis_.kernel * positions_axis_.kernel); }
  std::int64_t group_in() const { return in_.channels / groups_; }

  /// A block of a row, from its first-th on.
  void run_task(const CpuRun& run, std::size_t row, std::size_t first, std::size_t block,
                ThreadScratch& scratch) const noexcept {
    const std::size_t rows = size_of(out_.positions / together_);
    const auto plane = static_cast<std::int64_t>(row);
    const std::int64_t batch = plane / out_.rows;
    run_rows(run, batch, plane % out_.rows, first, std::min(block, rows - first), scratch);
    // What is left at the end goes with some of the positions before it.
    if (first + block >= rows && out_.positions % together_ != 0) {
      run_block(run, batch, plane % out_.rows, out_.positions - together_, 1, scratch);
    }
  }

  void pack(const Graph& graph, const Node& node, Value gain) {
    const auto [weight, bias] = conv_constants(graph, node, gain);
    const std::size_t columns = size_of(out_.channels);
    const std::size_t depth = taps() * size_of(group_in());
    if (together_ > 1) return pack_together(weight, bias);
    if (pads_row_taps()) return pack_padded(weight, bias);
    const std::size_t group = columns / size_of(groups_);
    for (std::size_t g = 0; g < size_of(groups_); ++g) {
      weights_.emplace_back(
          kernel_, std::span<const float>(weight).subspan(g * group * depth, group * depth),
          std::span<const float>(bias).subspan(g * group, group),
          MatrixSize{group, depth, activation_ == Activation::glu});
    }
  }

  /// Whether several deep taps would share what they read if their depths were a little larger.
  bool pads_row_taps() const {
    const std::int64_t run = positions_axis_.kernel * in_.channels;
    return groups_ == 1 && positions_axis_.dilation == 1 && rows_axis_.kernel > 1 &&
           positions_axis_.kernel > positions_axis_.stride && run > row_tap_depth(run) / 2 &&
           run != row_tap_depth(run);
  }
  std::int64_t row_tap_depth(std::int64_t run) const {
    const auto unit = static_cast<std::int64_t>(kernel_.tap_unit());
    return (run + unit - 1) / unit * unit;
  }

  /// [channel][row tap][run] with zeros behind every run.
  void pack_padded(const Array<float>& weight, const Array<float>& bias) {
    const std::int64_t run = positions_axis_.kernel * in_.channels;
    row_tap_depth_ = row_tap_depth(run);
    const std::size_t columns = size_of(out_.channels);
    const std::size_t runs = columns * size_of(rows_axis_.kernel);
    std::vector<float> matrix(runs * size_of(row_tap_depth_));
    for (std::size_t r = 0; r < runs; ++r) {
      std::copy_n(weight.begin() + static_cast<std::ptrdiff_t>(r) * run, run,
                  matrix.begin() + static_cast<std::ptrdiff_t>(r) * row_tap_depth_);
    }
    weights_.emplace_back(kernel_, matrix, bias,
                          MatrixSize{columns, size_of(rows_axis_.kernel * row_tap_depth_),
                                     activation_ == Activation::glu, size_of(row_tap_depth_)});
  }

  /// [channel][row tap][tap][in] to [position][channel][row tap][wider window][in]. From here on the
  /// axis slides over rows of positions.
  void pack_together(const Array<float>& weight, const Array<float>& bias) {
    SlidingAxis& axis = positions_axis_;
    const SlidingAxis wide{axis.kernel + axis.stride * (together_ - 1), axis.stride * together_, 1,
                           axis.before, axis.after};
    const std::size_t columns = size_of(out_.channels);
    const std::size_t run = size_of(axis.kernel * in_.channels);
    const std::size_t wide_run = size_of(wide.kernel * in_.channels);
    const std::size_t depth = size_of(rows_axis_.kernel) * wide_run;
    std::vector<float> matrix(size_of(together_) * columns * depth);
    std::vector<float> biases;
    for (std::size_t m = 0; m < size_of(together_); ++m) {
      const std::size_t shift = m * size_of(axis.stride * in_.channels);
      for (std::size_t r = 0; r < columns * size_of(rows_axis_.kernel); ++r) {
        std::copy_n(weight.begin() + static_cast<std::ptrdiff_t>(r * run), run,
                    matrix.begin() +
                        static_cast<std::ptrdiff_t>(m * columns * depth + r * wide_run + shift));
      }
      biases.insert(biases.end(), bias.begin(), bias.end());
    }
    axis = wide;
    row_tap_depth_ = wide.kernel * in_.channels;
    weights_.emplace_back(kernel_, matrix, biases,
                          MatrixSize{size_of(together_) * columns, depth, false});
  }

  /// Rows whose windows reach beyond an end apart from the others: those of a whole window read it
  /// as one deep tap, which pays where a tap is shallow.
  void run_rows(const CpuRun& run, std::int64_t batch, std::int64_t row, std::size_t first,
                std::size_t rows, ThreadScratch& scratch) const noexcept {
    std::size_t edges[] = {first, first, first, first + rows};
    if (splits_) {
      edges[1] = std::clamp(inside_, first, first + rows);
      edges[2] = std::clamp(outside_, edges[1], first + rows);
    }
    for (std::size_t part = 0; part < 3; ++part) {
      const std::size_t count = edges[part + 1] - edges[part];
      if (count == 0) continue;
      run_block(run, batch, row, static_cast<std::int64_t>(edges[part]) * together_, count,
                scratch);
    }
  }

  /// Which rows have their whole window inside the input.
  void find_inside() {
    const SlidingAxis& axis = positions_axis_;
    const std::int64_t last = in_.positions + axis.before - axis.kernel;
    inside_ = size_of((axis.before + axis.stride - 1) / axis.stride);
    outside_ = last < 0 ? 0 : size_of(last / axis.stride + 1);
    constexpr std::int64_t kShallow = 64;
    splits_ = groups_ == 1 && axis.dilation == 1 && axis.kernel > 1 && in_.channels <= kShallow &&
              outside_ > inside_;
  }

  /// `rows` rows of positions that are computed together, from position `start` on.
  void run_block(const CpuRun& run, std::int64_t batch, std::int64_t row, std::int64_t start,
                 std::size_t rows, ThreadScratch& scratch) const noexcept {
    const float* plane = run.at<const float>(x_) + batch * in_.batch_stride();
    GemmTap* taps = scratch.gemm.taps();
    std::size_t count = 0;
    std::size_t depth = size_of(group_in());
    for (std::int64_t k = 0; k < rows_axis_.kernel; ++k) {
      const std::int64_t r = row * rows_axis_.stride - rows_axis_.before + k * rows_axis_.dilation;
      if (r < 0 || r >= in_.rows) continue;
      count += position_taps(plane + r * in_.row_stride(), k, start, rows, taps + count, &depth);
    }
    const std::int64_t result_row = batch * out_.rows + row;
    float* out = run.at(y_) + (result_row * out_.positions + start) * result_channels_;
    GemmOutput output{out, together_ * result_channels_, activation_,
                      residual_.at(run, batch, row, start), together_ * residual_.step()};
    for (std::size_t g = 0; g < weights_.size(); ++g) {
      weights_[g].multiply({taps, count}, depth, rows, scratch.gemm, output);
      for (std::size_t i = 0; i < count; ++i) taps[i].base += group_in();
      output.base += result_channels_ / groups_;
      if (output.residual != nullptr) output.residual += result_channels_ / groups_;
    }
  }

  /// The taps of one input row; a single deep one where all their positions are inside, since
  /// neighbouring positions are neighbours in memory.
  std::size_t position_taps(const float* row, std::int64_t row_tap, std::int64_t start,
                            std::size_t rows, GemmTap* taps, std::size_t* depth) const noexcept {
    const SlidingAxis& axis = positions_axis_;
    const std::int64_t channels = in_.channels;
    const std::int64_t begin = start * (axis.stride / together_) - axis.before;
    const std::int64_t end =
        begin + (static_cast<std::int64_t>(rows) - 1) * axis.stride + axis.kernel;
    const std::size_t weight_row = size_of(row_tap * row_tap_depth_);
    if (axis.dilation == 1 && groups_ == 1 && begin >= 0 && end <= in_.positions) {
      *depth = size_of(axis.kernel * channels);
      taps[0] = {row + begin * channels, axis.stride * channels, 0,
                 static_cast<std::ptrdiff_t>(rows), weight_row};
      return 1;
    }
    for (std::int64_t k = 0; k < axis.kernel; ++k) {
      const std::int64_t position = begin + k * axis.dilation;
      taps[k] = {
          row + position * channels, axis.stride * channels, ceil_divide(-position, axis.stride),
          ceil_divide(in_.positions - position, axis.stride), weight_row + size_of(k * group_in())};
    }
    return size_of(axis.kernel);
  }

  const GemmKernel& kernel_;
  std::int64_t groups_;
  std::int64_t together_ = 1;
  std::int64_t row_tap_depth_ = 0;  ///< in the matrix
  Planes in_;
  Planes out_;
  SlidingAxis rows_axis_;
  SlidingAxis positions_axis_;
  std::int64_t result_channels_ = 0;
  Slot x_;
  Slot y_;
  Residual residual_;
  Activation activation_;
  bool splits_ = false;
  std::size_t inside_ = 0;
  std::size_t outside_ = 0;
  std::vector<PackedMatrix> weights_;
};

}  // namespace

std::unique_ptr<Step> make_conv(const GemmKernel& kernel, const Conv& conv, const Node& node,
                                const ConvEpilogue& epilogue, Value y, StepMaker& maker) {
  const Shape& weight = maker.graph().shape(node.inputs[Conv::weight]);
  if (conv.groups > 1 && conv.groups == weight[0] && weight.back() == 1) {
    return make_depthwise_conv(conv, node, epilogue, y, maker);
  }
  return std::make_unique<ConvStep>(kernel, conv, node, epilogue, y, ConvUse::whole, maker);
}

std::unique_ptr<ConvInParts> make_conv_in_parts(const GemmKernel& kernel, const Node& node,
                                                const ConvEpilogue& epilogue, Value y, ConvUse use,
                                                StepMaker& maker) {
  return std::make_unique<ConvStep>(kernel, std::get<Conv>(node.operation), node, epilogue, y, use,
                                    maker);
}

}  // namespace metalaudio::nn::cpu

#include <metalaudio/nn/cpu/gemm/gemm_fp32.h>
#include <metalaudio/nn/cpu/gemm/gemm_kernels.h>
#include <metalaudio/nn/cpu/gemm/gemm_pairs.h>
#include <metalaudio/nn/cpu/steps/winograd_conv.h>
#include <metalaudio/nn/cpu/winograd_weights.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace metalaudio::nn::cpu {

namespace {

constexpr std::int64_t kPlaces = 4;  ///< along an axis, that a tile reads
/// What keeps the products of a tile from lying a multiple of 4 KiB apart.
constexpr std::size_t kApart = 16;
/// Of what the tiles of a block read, transformed: the second cache also holds the weights that
/// pass through it.
constexpr std::size_t kBlockBytes = 768 << 10;
/// More leave it too little for results that go to several rows.
constexpr std::size_t kBlockTiles = 48;

std::size_t axes_of(const Operation& operation) {
  const auto* conv = std::get_if<Conv>(&operation);
  return conv != nullptr ? conv->axes.size() : std::get<ConvTranspose>(operation).axes.size();
}

/// A transposed convolution has a column for each of the outputs of a result, [phase][channel].
WinogradWeights weights_of(const WinogradPlan& plan, const ConvConstants& from, bool glu) {
  const std::size_t phases = size_of(plan.rows.out_stride * plan.positions.out_stride);
  if (phases == 1) return {plan.form, from.weight, from.bias, glu};
  const std::size_t columns = from.bias.size();
  const std::size_t depth = from.weight.size() / (columns * phases * plan.form.taps);
  std::vector<float> weight;
  std::vector<float> bias;
  weight.reserve(from.weight.size());
  for (std::size_t phase = 0; phase < phases; ++phase) {
    bias.insert(bias.end(), from.bias.begin(), from.bias.end());
    for (std::size_t n = 0; n < columns; ++n) {
      for (std::size_t tap = plan.form.taps; tap-- > 0;) {
        const float* at =
            from.weight.data() + ((n * plan.form.taps + tap) * phases + phase) * depth;
        weight.insert(weight.end(), at, at + depth);
      }
    }
  }
  return {plan.form, weight, bias, glu};
}

class WinogradConvStep final : public CpuStep {
 public:
  WinogradConvStep(const WinogradPlan& plan, const ConvParts& parts, const ConvConstants& constants,
                   Value y, StepMaker& maker)
      : WinogradConvStep(plan, parts, constants, y, axes_of(parts.node->operation), maker) {}

  void run(const CpuRun& run) const noexcept override {
    const std::size_t tiles = size_of(out_.batch * row_groups_ * position_groups_);
    const std::size_t block =
        rows_of_task(tiles, 1, gemm_tile_rows(), run.workers.threads(), most_tiles());
    run.workers.parallel_blocks(tiles, block,
                                [&](std::size_t first, std::size_t count, ThreadScratch& scratch) {
                                  run_block(run, first, count, scratch);
                                });
  }

  std::size_t weight_bytes() const noexcept override { return weights_.bytes(); }

  ScratchNeeds scratch() const noexcept override {
    const std::size_t tiles = most_tiles();
    const std::size_t width = weights_.width();
    const std::size_t floats = products() * (tiles * weights_.depth() + kApart) +
                               products() * (tiles * width + kApart) +
                               (tiles * form_.result_rows() * form_.result_positions() + 1) * width;
    return {floats, {products() * (1 + pieces()), tiles, size_of(in_.channels), 0}};
  }

 private:
  WinogradConvStep(const WinogradPlan& plan, const ConvParts& parts, const ConvConstants& constants,
                   Value y, std::size_t axes, StepMaker& maker)
      : form_(plan.form),
        rows_(plan.rows),
        positions_(plan.positions),
        in_(maker.graph().shape(parts.node->inputs[0]), axes),
        out_(maker.graph().shape(y), axes),
        x_(maker.slot(parts.node->inputs[0])),
        y_(maker.slot(y)),
        residual_(parts.epilogue.residual, y, axes, maker),
        activation_(parts.epilogue.activation),
        row_results_(static_cast<std::int64_t>(form_.result_rows())),
        position_results_(static_cast<std::int64_t>(form_.result_positions())),
        row_groups_(ceil_divide(rows_.last - rows_.first, row_results_)),
        position_groups_(ceil_divide(positions_.last - positions_.first, position_results_)),
        weights_(weights_of(plan, constants, activation_ == Activation::glu)) {}

  std::size_t products() const noexcept { return form_.products(); }
  /// Inputs of a place, one behind the other.
  std::size_t pieces() const noexcept { return size_of(rows_.in_stride * positions_.in_stride); }

  std::size_t most_tiles() const noexcept {
    const std::size_t unit = gemm_tile_rows();
    const std::size_t most = kBlockBytes / (products() * weights_.depth() * sizeof(float));
    return std::clamp(most, unit, kBlockTiles) / unit * unit;
  }

  /// A tile: its batch, and its first results.
  struct Tile {
    std::int64_t batch;
    std::int64_t row;
    std::int64_t position;
  };
  Tile tile_at(std::size_t index) const noexcept {
    const auto i = static_cast<std::int64_t>(index);
    const std::int64_t row = i / position_groups_;
    return {row / row_groups_, rows_.first + row % row_groups_ * row_results_,
            positions_.first + i % position_groups_ * position_results_};
  }

  void fill_windows(const CpuRun& run, std::size_t first, std::size_t count, const float* zeros,
                    const float** windows) const noexcept {
    const std::int64_t rows = form_.along_rows ? kPlaces : 1;
    const std::int64_t positions = form_.along_positions ? kPlaces : 1;
    for (std::size_t t = first; t < first + count; ++t) {
      const Tile tile = tile_at(t);
      const float* plane = run.at<const float>(x_) + tile.batch * in_.batch_stride();
      const std::int64_t row = tile.row * rows_.in_stride + rows_.in_offset;
      const std::int64_t position = tile.position * positions_.in_stride + positions_.in_offset;
      // Only along one axis a place has pieces.
      for (std::int64_t i = 0; i < rows_.in_stride; ++i) {
        for (std::int64_t j = 0; j < positions_.in_stride; ++j) {
          for (std::int64_t k = 0; k < rows; ++k) {
            windows = fill_row(plane, row + i + k * rows_.in_stride, position + j, positions, zeros,
                               windows);
          }
        }
      }
    }
  }

  const float** fill_row(const float* plane, std::int64_t row, std::int64_t position,
                         std::int64_t count, const float* zeros,
                         const float** windows) const noexcept {
    const bool inside = row >= 0 && row < in_.rows;
    std::int64_t at = row * in_.row_stride() + position * in_.channels;
    for (std::int64_t k = 0; k < count; ++k) {
      *windows++ = inside && position >= 0 && position < in_.positions ? plane + at : zeros;
      position += positions_.in_stride;
      at += positions_.in_stride * in_.channels;
    }
    return windows;
  }

  void run_block(const CpuRun& run, std::size_t first, std::size_t count,
                 ThreadScratch& scratch) const noexcept {
    const std::size_t unit = gemm_tile_rows();
    const std::size_t padded = (count + unit - 1) / unit * unit;
    const std::size_t input_stride = padded * weights_.depth() + kApart;
    const std::size_t product_stride = padded * weights_.width() + kApart;
    float* const inputs = scratch.floats.data();
    float* const sums = inputs + products() * input_stride;
    float* const results = sums + products() * product_stride;
    const float** const table = scratch.gemm.table();
    const float** const windows = table + products() * padded;
    fill_windows(run, first, count, scratch.gemm.zeros(), windows);
    winograd_inputs(form_, {windows, count, pieces(), size_of(in_.channels)}, inputs, input_stride);
    for (std::size_t product = 0; product < products(); ++product) {
      const float* const of_product = inputs + product * input_stride;
      for (std::size_t i = 0; i < padded; ++i)
        table[product * padded + i] = of_product + std::min(i, count - 1) * weights_.depth();
    }
    const std::size_t row = count * form_.result_positions() * weights_.width();
    for (std::size_t panel = 0; panel < weights_.panels(); ++panel) {
      for (std::size_t product = 0; product < products(); ++product) {
        weights_.multiply(panel, product, table + product * padded, padded,
                          sums + product * product_stride);
      }
      if (!winograd_results(form_, count, sums, product_stride, results, row))
        mend(panel, windows, count, results, row);
      finish(run, panel, first, count, results, row);
    }
  }

  /// The results of tiles that are not finite.
  void mend(std::size_t panel, const float* const* windows, std::size_t count, float* results,
            std::size_t row) const noexcept {
    const std::size_t width = form_.result_positions() * weights_.width();
    const std::size_t window = pieces() * products();
    for (std::size_t t = 0; t < count; ++t, windows += window, results += width) {
      bool finite = true;
      for (std::size_t r = 0; r < form_.result_rows(); ++r) {
        const float* from = results + r * row;
        finite &= std::all_of(from, from + width, [](float v) { return std::isfinite(v); });
      }
      if (!finite) weights_.multiply_plainly(panel, {windows, window}, results, row);
    }
  }

  /// Results of a panel to where they belong, the columns of each of their outputs by themselves.
  void finish(const CpuRun& run, std::size_t panel, std::size_t first, std::size_t count,
              const float* results, std::size_t row) const noexcept {
    const std::size_t phases = size_of(rows_.out_stride * positions_.out_stride);
    const std::size_t channels = size_of(out_.channels);
    const std::size_t begin = panel * weights_.panel_columns();
    const std::size_t end = std::min(begin + weights_.panel_columns(), phases * channels);
    for (std::size_t column = begin; column < end;) {
      const std::size_t channel = column % channels;
      const std::size_t columns = std::min(channels - channel, end - column);
      const float* from = results + (column - begin);
      // A row of tiles after the other.
      for (std::size_t t = first; t < first + count;) {
        const Tile tile = tile_at(t);
        const auto left =
            size_of(position_groups_ - (tile.position - positions_.first) / position_results_);
        const std::size_t tiles = std::min(left, first + count - t);
        finish_row(run, tile, tiles, column / channels, channel, columns, from, row);
        from += tiles * form_.result_positions() * weights_.width();
        t += tiles;
      }
      column += columns;
    }
  }

  void finish_row(const CpuRun& run, const Tile& tile, std::size_t tiles, std::size_t phase,
                  std::size_t channel, std::size_t columns, const float* results,
                  std::size_t row) const noexcept {
    const auto i = static_cast<std::int64_t>(phase);
    const std::int64_t row_phase = i / positions_.out_stride;
    const std::int64_t stride = positions_.out_stride;
    // Outputs beyond an end are dropped.
    const std::int64_t start = tile.position * stride + positions_.out_offset + i % stride;
    const std::int64_t skipped = std::max<std::int64_t>(0, ceil_divide(-start, stride));
    const std::int64_t last = std::min(static_cast<std::int64_t>(tiles) * position_results_,
                                       ceil_divide(out_.positions - start, stride));
    if (last <= skipped) return;
    const std::int64_t position = start + skipped * stride;
    const auto at = static_cast<std::ptrdiff_t>(channel);
    for (std::int64_t r = 0; r < row_results_; ++r) {
      const std::int64_t to = (tile.row + r) * rows_.out_stride + rows_.out_offset + row_phase;
      if (to < 0 || to >= out_.rows) continue;
      float* y = run.at(y_) + tile.batch * out_.batch_stride() + to * out_.row_stride() +
                 position * out_.channels + at;
      const float* residual = residual_.at(run, tile.batch, to, position);
      gemm_finish({results + size_of(r) * row + size_of(skipped) * weights_.width(),
                   size_of(last - skipped), 0, columns},
                  {y, stride * out_.channels, activation_,
                   residual != nullptr ? residual + at : nullptr, stride * residual_.step()});
    }
  }

  WinogradForm form_;
  WinogradAxis rows_;
  WinogradAxis positions_;
  Planes in_;
  Planes out_;
  Slot x_;
  Slot y_;
  Residual residual_;
  Activation activation_;
  std::int64_t row_results_;  ///< of a tile
  std::int64_t position_results_;
  std::int64_t row_groups_;  ///< of so many
  std::int64_t position_groups_;
  WinogradWeights weights_;
};

/// An axis, and the taps along it; of one tap: 1.
struct PlannedAxis {
  std::size_t taps = 1;
  WinogradAxis axis;
};

std::optional<PlannedAxis> plan_axis(const SlidingAxis& axis, std::int64_t in, std::int64_t out) {
  const WinogradAxis made{axis.stride, -axis.before, 1, 0, 0, out};
  if (axis.kernel == 1 && axis.stride == 1 && in == out) return PlannedAxis{1, made};
  if (axis.dilation != 1) return {};
  if (axis.kernel == 3 && axis.stride == 1) return PlannedAxis{3, made};
  if (axis.kernel == 2 * axis.stride) return PlannedAxis{2, made};
  return {};
}
std::optional<PlannedAxis> plan_axis(const TransposeAxis& axis, std::int64_t in, std::int64_t) {
  if (stands_still(axis, in)) return PlannedAxis{1, {1, 0, 1, 0, 0, in}};
  if (!in_whole_phases(axis) || axis.kernel != 2 * axis.stride || axis.extent < 1) return {};
  return PlannedAxis{2,
                     {1, -1, axis.stride, -axis.crop, axis.crop / axis.stride,
                      (axis.crop + axis.extent - 1) / axis.stride + 1}};
}

template <typename Axes>
std::optional<WinogradPlan> plan_axes(const Axes& axes, const Planes& in, const Planes& out) {
  if (axes.empty() || axes.size() > 2) return {};
  const std::optional<PlannedAxis> positions = plan_axis(axes.back(), in.positions, out.positions);
  std::optional<PlannedAxis> rows = PlannedAxis{1, {1, 0, 1, 0, 0, out.rows}};
  if (axes.size() == 2) rows = plan_axis(axes[0], in.rows, out.rows);
  if (!positions || !rows) return {};
  const std::size_t taps = std::max(rows->taps, positions->taps);
  const WinogradForm form{taps, rows->taps > 1, positions->taps > 1};
  if (taps == 1 || (form.along_both() && (rows->taps != 3 || positions->taps != 3))) return {};
  return WinogradPlan{form, rows->axis, positions->axis};
}

}  // namespace

std::optional<WinogradPlan> plan_winograd(const Graph& graph, const ConvParts& parts) {
  // The tiles of AMX are faster than all filters but that of three by three taps.
  const bool tiles = amx_parts(*parts.kernel) == 3;
  if (!tiles && parts.kernel->name() != "fp32") return {};
  const Operation& operation = parts.node->operation;
  const std::size_t axes = axes_of(operation);
  const Planes in(graph.shape(parts.node->inputs[0]), axes);
  const Planes out(graph.shape(parts.node->results[0]), axes);
  std::optional<WinogradPlan> plan;
  if (const auto* conv = std::get_if<Conv>(&operation)) {
    if (conv->groups == 1) plan = plan_axes(conv->axes, in, out);
  } else if (const auto& transposed = std::get<ConvTranspose>(operation); transposed.groups == 1) {
    plan = plan_axes(transposed.axes, in, out);
  }
  if (!plan || (tiles && !plan->form.along_both())) return {};
  // Fewer leave the products' tiles empty, or are not worth the transforms.
  const std::int64_t channels = plan->form.along_both() ? 32 : 48;
  constexpr std::int64_t kColumns = 24;
  constexpr std::int64_t kPositions = 64;
  const std::int64_t rows = plan->rows.last - plan->rows.first;
  if (plan->form.along_rows && rows < static_cast<std::int64_t>(plan->form.result_rows()))
    return {};
  if (in.channels < channels || out.channels < kColumns) return {};
  if (plan->positions.last - plan->positions.first < kPositions) return {};
  return plan;
}

std::unique_ptr<Step> make_winograd_conv(const WinogradPlan& plan, const ConvParts& parts, Value y,
                                         StepMaker& maker) {
  const ConvConstants constants = conv_constants(maker.graph(), *parts.node, parts.epilogue.gain);
  // Transformed weights are up to 9/4 of the largest. Results that are not finite are computed again
  // with weights taken back from those, which loses what is not finite there.
  constexpr float kMost = std::numeric_limits<float>::max() / 4;
  const bool finite = std::all_of(constants.weight.begin(), constants.weight.end(),
                                  [](float w) { return std::fabs(w) <= kMost; });
  if (!finite) return nullptr;
  return std::make_unique<WinogradConvStep>(plan, parts, constants, y, maker);
}

}  // namespace metalaudio::nn::cpu

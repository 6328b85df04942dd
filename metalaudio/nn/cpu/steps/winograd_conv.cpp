#include <metalaudio/nn/cpu/gemm/gemm_fp32.h>
#include <metalaudio/nn/cpu/gemm/gemm_kernels.h>
#include <metalaudio/nn/cpu/steps/winograd_conv.h>
#include <metalaudio/nn/cpu/winograd_weights.h>

#include <algorithm>
#include <cmath>

namespace metalaudio::nn::cpu {

namespace {

constexpr std::size_t kPlaces = 4;  ///< that two results read
/// What keeps the products of a tile from lying a multiple of 4 KiB apart.
constexpr std::size_t kApart = 16;
/// Of what the tiles of a block read, transformed: the second cache also holds the weights that
/// pass through it.
constexpr std::size_t kBlockBytes = 768 << 10;

class WinogradConvStep final : public CpuStep {
 public:
  WinogradConvStep(const ConvParts& parts, const Conv& conv, Value y, StepMaker& maker)
      : square_(conv.axes.size() == 2 && conv.axes[0].kernel == 3),
        in_(maker.graph().shape(parts.node->inputs[Conv::x]), conv.axes.size()),
        out_(maker.graph().shape(parts.node->results[0]), conv.axes.size()),
        rows_before_(square_ ? conv.axes[0].before : 0),
        positions_before_(conv.axes.back().before),
        weights_(square_, conv_constants(maker.graph(), *parts.node, parts.epilogue.gain),
                 parts.epilogue.activation == Activation::glu),
        channels_(size_of(in_.channels)),
        result_channels_(size_of(maker.graph().shape(y).back())),
        x_(maker.slot(parts.node->inputs[Conv::x])),
        y_(maker.slot(y)),
        residual_(parts.epilogue.residual, y, conv.axes.size(), maker),
        activation_(parts.epilogue.activation),
        tile_rows_(square_ ? (out_.rows + 1) / 2 : out_.rows),
        tile_positions_((out_.positions + 1) / 2) {}

  void run(const CpuRun& run) const noexcept override {
    const std::size_t tiles = size_of(out_.batch * tile_rows_ * tile_positions_);
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
    const std::size_t floats = products() * (tiles * channels_ + kApart) +
                               products() * (tiles * weights_.width() + kApart) +
                               4 * tiles * weights_.width();
    return {floats, {2 * products(), tiles, channels_, 0}};
  }

 private:
  std::size_t products() const noexcept { return square_ ? 16 : 4; }

  std::size_t most_tiles() const noexcept {
    const std::size_t unit = gemm_tile_rows();
    const std::size_t most = kBlockBytes / (products() * channels_ * sizeof(float));
    return std::clamp(most, unit, kBlockRows) / unit * unit;
  }

  /// A tile: its plane, its first row and its first position.
  struct Tile {
    std::int64_t batch;
    std::int64_t row;
    std::int64_t position;
  };
  Tile tile_at(std::size_t index) const noexcept {
    const auto i = static_cast<std::int64_t>(index);
    const std::int64_t row = i / tile_positions_;
    return {row / tile_rows_, row % tile_rows_ * (square_ ? 2 : 1), i % tile_positions_ * 2};
  }

  void fill_windows(const CpuRun& run, std::size_t first, std::size_t count, const float* zeros,
                    const float** windows) const noexcept {
    for (std::size_t t = first; t < first + count; ++t) {
      const Tile tile = tile_at(t);
      const float* plane = run.at<const float>(x_) + tile.batch * in_.batch_stride();
      for (std::size_t i = 0; i < products(); ++i) {
        const std::int64_t row = tile.row - rows_before_ + static_cast<std::int64_t>(i / kPlaces);
        const std::int64_t position =
            tile.position - positions_before_ + static_cast<std::int64_t>(i % kPlaces);
        const bool inside = row >= 0 && row < in_.rows && position >= 0 && position < in_.positions;
        *windows++ = inside ? plane + row * in_.row_stride() + position * in_.channels : zeros;
      }
    }
  }

  void run_block(const CpuRun& run, std::size_t first, std::size_t count,
                 ThreadScratch& scratch) const noexcept {
    const std::size_t unit = gemm_tile_rows();
    const std::size_t padded = (count + unit - 1) / unit * unit;
    const WinogradTiles tiles{square_, count};
    const std::size_t input_stride = padded * channels_ + kApart;
    const std::size_t product_stride = padded * weights_.width() + kApart;
    float* const inputs = scratch.floats.data();
    float* const sums = inputs + products() * input_stride;
    float* const results = sums + products() * product_stride;
    const float** const table = scratch.gemm.table();
    const float** const windows = table + products() * padded;
    fill_windows(run, first, count, scratch.gemm.zeros(), windows);
    winograd_inputs(tiles, windows, channels_, inputs, input_stride);
    for (std::size_t i = 0; i < products() * padded; ++i) {
      const std::size_t tile = std::min(i % padded, count - 1);
      table[i] = inputs + i / padded * input_stride + tile * channels_;
    }
    const std::size_t row = count * 2 * weights_.width();
    for (std::size_t panel = 0; panel < weights_.panels(); ++panel) {
      for (std::size_t product = 0; product < products(); ++product)
        weights_.multiply(panel, product, table + product * padded, padded,
                          sums + product * product_stride);
      if (!winograd_results(tiles, sums, product_stride, results, row))
        mend(panel, windows, count, results, row);
      finish(run, panel, first, count, results, row);
    }
  }

  /// The results of tiles that are not finite.
  void mend(std::size_t panel, const float* const* windows, std::size_t count, float* results,
            std::size_t row) const noexcept {
    const std::size_t width = 2 * weights_.width();
    for (std::size_t t = 0; t < count; ++t, windows += products(), results += width) {
      bool finite = true;
      for (std::size_t r = 0; r < (square_ ? 2 : 1); ++r) {
        const float* from = results + r * row;
        finite &= std::all_of(from, from + width, [](float v) { return std::isfinite(v); });
      }
      if (!finite) weights_.multiply_plainly(panel, windows, results, row);
    }
  }

  /// Results of a panel to where they belong, a row of tiles after the other.
  void finish(const CpuRun& run, std::size_t panel, std::size_t first, std::size_t count,
              const float* results, std::size_t row_stride) const noexcept {
    const std::size_t last = first + count;
    for (std::size_t t = first; t < last;) {
      const Tile tile = tile_at(t);
      const auto left = size_of(tile_positions_ - tile.position / 2);
      const std::size_t tiles = std::min(left, last - t);
      const std::size_t positions = std::min(2 * tiles, size_of(out_.positions - tile.position));
      for (std::int64_t r = 0; r < (square_ ? 2 : 1) && tile.row + r < out_.rows; ++r) {
        const std::int64_t row = tile.row + r;
        const auto channels = static_cast<std::ptrdiff_t>(result_channels_);
        float* y = run.at(y_) +
                   ((tile.batch * out_.rows + row) * out_.positions + tile.position) * channels;
        gemm_finish({results + size_of(r) * row_stride + (t - first) * 2 * weights_.width(),
                     positions, panel * weights_.panel_columns(), result_channels_},
                    {y, channels, activation_, residual_.at(run, tile.batch, row, tile.position),
                     residual_.step()});
      }
      t += tiles;
    }
  }

  bool square_;
  Planes in_;
  Planes out_;
  std::int64_t rows_before_;
  std::int64_t positions_before_;
  WinogradWeights weights_;
  std::size_t channels_;
  std::size_t result_channels_;
  Slot x_;
  Slot y_;
  Residual residual_;
  Activation activation_;
  std::int64_t tile_rows_;
  std::int64_t tile_positions_;
};

bool is_three(const SlidingAxis& axis) {
  return axis.kernel == 3 && axis.stride == 1 && axis.dilation == 1;
}

}  // namespace

bool pays_winograd(const Graph& graph, const ConvParts& parts) {
  const auto* conv = std::get_if<Conv>(&parts.node->operation);
  if (conv == nullptr || conv->groups != 1 || parts.kernel->name() != "fp32") return false;
  if (conv->axes.empty() || conv->axes.size() > 2 || !is_three(conv->axes.back())) return false;
  const SlidingAxis rows = conv->axes.size() == 2 ? conv->axes[0] : SlidingAxis{};
  const bool still = rows.kernel == 1 && rows.stride == 1 && rows.before == 0 && rows.after == 0;
  if (!still && !is_three(rows)) return false;
  // Fewer leave the products' tiles empty, or are not worth the transforms.
  constexpr std::int64_t kChannels = 32;
  constexpr std::int64_t kPositions = 64;
  const Shape& in = graph.shape(parts.node->inputs[Conv::x]);
  const Shape& out = graph.shape(parts.node->results[0]);
  return in.back() >= kChannels && out.back() >= kChannels && out[out.rank() - 2] >= kPositions;
}

std::unique_ptr<Step> make_winograd_conv(const ConvParts& parts, Value y, StepMaker& maker) {
  return std::make_unique<WinogradConvStep>(parts, std::get<Conv>(parts.node->operation), y, maker);
}

}  // namespace metalaudio::nn::cpu

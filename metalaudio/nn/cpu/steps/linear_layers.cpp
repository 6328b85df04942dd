#include <metalaudio/core/half.h>
#include <metalaudio/nn/cpu/gemm/gemm_pairs.h>
#include <metalaudio/nn/cpu/gemm/pair_conversion.h>
#include <metalaudio/nn/cpu/row_kernels.h>
#include <metalaudio/nn/cpu/steps/linear_layers.h>

#include <cstring>

namespace metalaudio::nn::cpu {

namespace {

std::ptrdiff_t stride_of(std::size_t n) { return static_cast<std::ptrdiff_t>(n); }

/// Rows of a value, normalised as they are read.
class NormalisedRows {
 public:
  NormalisedRows(const Node& norm, StepMaker& maker)
      : x_(maker.slot(norm.inputs[LayerNorm::x])),
        gamma_(maker.slot(norm.inputs[LayerNorm::gamma])),
        beta_(maker.slot(norm.inputs[LayerNorm::beta])),
        epsilon_(std::get<LayerNorm>(norm.operation).epsilon) {
    const Shape& shape = maker.graph().shape(norm.inputs[LayerNorm::x]);
    columns = size_of(shape.back());
    count = columns == 0 ? 0 : size_of(shape.size()) / columns;
  }

  void read(const CpuRun& run, std::size_t first, std::size_t rows, float* to) const noexcept {
    layer_norm({run.at<const float>(x_) + first * columns, stride_of(columns)}, rows, columns,
               run.at<const float>(gamma_), run.at<const float>(beta_), epsilon_, to,
               stride_of(columns));
  }

  std::size_t columns = 0;
  std::size_t count = 0;

 private:
  Slot x_;
  Slot gamma_;
  Slot beta_;
  float epsilon_;
};

PackedMatrix pack(const Graph& graph, const ConvParts& parts) {
  Array<float> weight = floats_of(graph, parts.node->inputs[Conv::weight]);
  const Shape& shape = graph.shape(parts.node->inputs[Conv::weight]);
  const std::size_t columns = size_of(shape[0]);
  const std::size_t depth = size_of(shape[1]);
  const Value given = parts.node->inputs[Conv::bias];
  Array<float> bias = given.present() ? floats_of(graph, given) : Array<float>(columns);
  if (parts.epilogue.gain.present()) {
    const Array<float> factors = floats_of(graph, parts.epilogue.gain);
    for (std::size_t n = 0; n < columns; ++n) {
      for (std::size_t k = 0; k < depth; ++k) weight[n * depth + k] *= factors[n];
      bias[n] *= factors[n];
    }
  }
  return {*parts.kernel, weight, bias,
          MatrixSize{columns, depth, parts.epilogue.activation == Activation::glu}};
}

class LinearLayersStep final : public CpuStep {
 public:
  LinearLayersStep(const Node& norm, const std::vector<ConvParts>& layers, StepMaker& maker)
      : rows_(norm, maker) {
    for (const ConvParts& parts : layers) {
      layers_.push_back(
          {parts.kernel, pack(maker.graph(), parts), maker.slot(parts.node->results[0])});
      tile_rows_ = std::max(tile_rows_, parts.kernel->tile_rows());
    }
  }

  void run(const CpuRun& run) const noexcept override {
    run.workers.parallel_rows(
        rows_.count, tile_rows_, [&](std::size_t first, std::size_t count, ThreadScratch& scratch) {
          float* x = scratch.floats.data();
          rows_.read(run, first, count, x);
          const GemmTap tap{x, stride_of(rows_.columns), 0, stride_of(count), 0};
          for (const Layer& layer : layers_) {
            const std::size_t columns = layer.weights.size().columns;
            layer.weights.multiply({&tap, 1}, rows_.columns, count, scratch.gemm,
                                   {run.at(layer.y) + first * columns, stride_of(columns)});
          }
        });
  }

  std::size_t weight_bytes() const noexcept override {
    std::size_t bytes = 0;
    for (const Layer& layer : layers_) bytes += layer.weights.bytes();
    return bytes;
  }

  ScratchNeeds scratch() const noexcept override {
    ScratchNeeds needs{kBlockRows * rows_.columns, {}};
    for (const Layer& layer : layers_) {
      needs.gemm.cover(layer.kernel->needs(layer.weights.size(), 1, kBlockRows, rows_.columns));
    }
    return needs;
  }

 private:
  struct Layer {
    const GemmKernel* kernel;
    PackedMatrix weights;
    Slot y;
  };

  NormalisedRows rows_;
  std::vector<Layer> layers_;
  std::size_t tile_rows_ = 1;
};

class FeedForwardStep final : public CpuStep {
 public:
  FeedForwardStep(const Node& norm, const GemmPairs& kernel, const ConvParts& first,
                  const ConvParts& second, Value y, StepMaker& maker)
      : kernel_(kernel),
        rows_(norm, maker),
        first_(pack(maker.graph(), first)),
        second_(pack(maker.graph(), second)),
        inner_(first.epilogue.activation),
        outer_(second.epilogue.activation),
        residual_(maker.slot(second.epilogue.residual)),
        y_(maker.slot(y)),
        row_(pair_row_of_depth(rows_.columns)),
        hidden_row_(pair_row_of_depth(second_.size().depth)) {
    // Blocks of rows are read whole.
    hidden_ = maker.temporary((rows_.count + kPairRows) * hidden_row_ * sizeof(BFloat16));
  }

  void run(const CpuRun& run) const noexcept override {
    run.workers.parallel_rows(rows_.count, kernel_.tile_rows(),
                              [&](std::size_t first, std::size_t count, ThreadScratch& scratch) {
                                Room room(*this, scratch);
                                rows_.read(run, first, count, room.normalised);
                                for (std::size_t r = 0; r < count; ++r) {
                                  BFloat16* to = room.rounded + r * row_;
                                  convert_to_parts(1, room.normalised + r * rows_.columns,
                                                   rows_.columns, to, 0);
                                  clear(to, rows_.columns);
                                  clear(hidden(run, first + r), second_.size().depth);
                                }
                                multiply(first_, room.rounded, row_, count, room.tile,
                                         {.base = hidden(run, first),
                                          .row_stride = stride_of(hidden_row_),
                                          .activation = inner_,
                                          .halves = true});
                              });
    const std::size_t columns = second_.size().result_columns();
    run.workers.parallel_rows(
        rows_.count, kernel_.tile_rows(),
        [&](std::size_t first, std::size_t count, ThreadScratch& scratch) {
          const auto* residual = run.at<const float>(residual_);
          multiply(second_, hidden(run, first), hidden_row_, count, Room(*this, scratch).tile,
                   {.base = run.at(y_) + first * columns,
                    .row_stride = stride_of(columns),
                    .activation = outer_,
                    .residual = residual == nullptr ? nullptr : residual + first * columns,
                    .residual_row_stride = stride_of(columns)});
        });
  }

  std::size_t weight_bytes() const noexcept override { return first_.bytes() + second_.bytes(); }

  ScratchNeeds scratch() const noexcept override {
    return {kTileFloats + kBlockRows * rows_.columns + (kBlockRows + kPairRows) * row_ / 2, {}};
  }

 private:
  static constexpr std::size_t kTileFloats = kPairRows * kPairPanelColumns;

  /// Where a thread works.
  struct Room {
    Room(const FeedForwardStep& step, ThreadScratch& scratch)
        : tile(scratch.floats.data()),
          rounded(reinterpret_cast<BFloat16*>(tile + kTileFloats)),
          normalised(tile + kTileFloats + (kBlockRows + kPairRows) * step.row_ / 2) {}

    float* tile;
    BFloat16* rounded;
    float* normalised;
  };

  BFloat16* hidden(const CpuRun& run, std::size_t row) const noexcept {
    return run.at<BFloat16>(hidden_) + row * hidden_row_;
  }

  /// What a last block reads behind a row meets zeros of the matrix, and must be finite.
  static void clear(BFloat16* row, std::size_t depth) noexcept {
    std::memset(static_cast<void*>(row + depth), 0,
                (round_up(depth, kPairTileDepth) - depth) * sizeof(BFloat16));
  }

  void multiply(const PackedMatrix& matrix, const BFloat16* rows, std::size_t row,
                std::size_t count, float* tile, const PairOutput& output) const noexcept {
    const std::size_t blocks = blocks_of(matrix.size().depth, kPairTileDepth);
    const PairOperand operand{rows, row, blocks, 0};
    kernel_.multiply_halves({&operand, 1}, count, matrix.data(), matrix.size(), tile, output);
  }

  const GemmPairs& kernel_;
  NormalisedRows rows_;
  PackedMatrix first_;
  PackedMatrix second_;
  Activation inner_;
  Activation outer_;
  Slot residual_;
  Slot y_;
  std::size_t row_;         ///< elements from one rounded row to the next
  std::size_t hidden_row_;  ///< the same of the rows between the layers
  Slot hidden_;
};

}  // namespace

std::unique_ptr<Step> make_linear_layers(const Node& norm, const std::vector<ConvParts>& layers,
                                         StepMaker& maker) {
  return std::make_unique<LinearLayersStep>(norm, layers, maker);
}

std::unique_ptr<Step> make_feed_forward(const Node& norm, const GemmPairs& kernel,
                                        const ConvParts& first, const ConvParts& second, Value y,
                                        StepMaker& maker) {
  return std::make_unique<FeedForwardStep>(norm, kernel, first, second, y, maker);
}

}  // namespace metalaudio::nn::cpu

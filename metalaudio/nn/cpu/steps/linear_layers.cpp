#include <metalaudio/core/half.h>
#include <metalaudio/nn/cpu/gemm/gemm_pairs.h>
#include <metalaudio/nn/cpu/gemm/pair_conversion.h>
#include <metalaudio/nn/cpu/row_kernels.h>
#include <metalaudio/nn/cpu/steps/linear_layers.h>

#include <cstring>

namespace metalaudio::nn::cpu {

namespace {

std::ptrdiff_t stride_of(std::size_t n) { return static_cast<std::ptrdiff_t>(n); }

/// What a last block reads behind a row meets zeros of the matrix, and must be finite.
void clear_end(BFloat16* row, std::size_t depth) noexcept {
  std::memset(static_cast<void*>(row + depth), 0,
              (round_up(depth, kPairTileDepth) - depth) * sizeof(BFloat16));
}

/// Rows of a value, normalised and rounded as they are read.
class NormalisedRows {
 public:
  NormalisedRows(const Node& norm, StepMaker& maker)
      : x_(maker.slot(norm.inputs[LayerNorm::x])),
        gamma_(maker.slot(norm.inputs[LayerNorm::gamma])),
        beta_(maker.slot(norm.inputs[LayerNorm::beta])),
        epsilon_(std::get<LayerNorm>(norm.operation).epsilon) {
    const Shape& shape = maker.graph().shape(norm.inputs[LayerNorm::x]);
    columns_ = size_of(shape.back());
    count_ = columns_ == 0 ? 0 : size_of(shape.size()) / columns_;
    row_ = pair_row_of_depth(columns_);
  }

  std::size_t count() const noexcept { return count_; }
  /// Behind room for a block of results.
  std::size_t scratch_floats() const noexcept {
    return kTileFloats + (kBlockRows + kPairRows) * row_ / 2 + kBlockRows * columns_;
  }
  /// Leaves the rows in the scratch.
  PairOperand read(const CpuRun& run, std::size_t first, std::size_t rows,
                   ThreadScratch& scratch) const noexcept {
    float* begin = scratch.floats.data() + kTileFloats;
    auto* to = reinterpret_cast<BFloat16*>(begin);
    float* normalised = begin + (kBlockRows + kPairRows) * row_ / 2;
    layer_norm({run.at<const float>(x_) + first * columns_, stride_of(columns_)}, rows, columns_,
               run.at<const float>(gamma_), run.at<const float>(beta_), epsilon_, normalised,
               stride_of(columns_));
    for (std::size_t r = 0; r < rows; ++r) {
      convert_to_parts(1, normalised + r * columns_, columns_, to + r * row_, 0);
      clear_end(to + r * row_, columns_);
    }
    return {to, row_, blocks_of(columns_, kPairTileDepth), 0};
  }

 private:
  static constexpr std::size_t kTileFloats = kPairRows * kPairPanelColumns;

  Slot x_;
  Slot gamma_;
  Slot beta_;
  float epsilon_;
  std::size_t columns_ = 0;
  std::size_t count_ = 0;
  std::size_t row_ = 0;  ///< elements from one rounded row to the next
};

void multiply(const GemmPairs& kernel, const PackedMatrix& matrix, const PairOperand& rows,
              std::size_t count, ThreadScratch& scratch, const PairOutput& output) noexcept {
  kernel.multiply_halves({&rows, 1}, count, matrix.data(), matrix.size(), scratch.floats.data(),
                         output);
}

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
  LinearLayersStep(const Node& norm, const GemmPairs& kernel, const std::vector<ConvParts>& layers,
                   StepMaker& maker)
      : kernel_(kernel), rows_(norm, maker) {
    for (const ConvParts& parts : layers) {
      layers_.push_back({pack(maker.graph(), parts), maker.slot(parts.node->results[0])});
    }
  }

  void run(const CpuRun& run) const noexcept override {
    run.workers.parallel_rows(rows_.count(), kernel_.tile_rows(),
                              [&](std::size_t first, std::size_t count, ThreadScratch& scratch) {
                                const PairOperand rows = rows_.read(run, first, count, scratch);
                                for (const Layer& layer : layers_) {
                                  const std::size_t columns = layer.weights.size().columns;
                                  multiply(kernel_, layer.weights, rows, count, scratch,
                                           {.base = numbers(run.at(layer.y) + first * columns),
                                            .row_stride = stride_of(columns)});
                                }
                              });
  }

  std::size_t weight_bytes() const noexcept override {
    std::size_t bytes = 0;
    for (const Layer& layer : layers_) bytes += layer.weights.bytes();
    return bytes;
  }

  ScratchNeeds scratch() const noexcept override { return {rows_.scratch_floats(), {}}; }

 private:
  struct Layer {
    PackedMatrix weights;
    Slot y;
  };

  const GemmPairs& kernel_;
  NormalisedRows rows_;
  std::vector<Layer> layers_;
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
        hidden_row_(pair_row_of_depth(second_.size().depth)) {
    // Blocks of rows are read whole.
    hidden_ = maker.temporary((rows_.count() + kPairRows) * hidden_row_ * sizeof(BFloat16));
  }

  void run(const CpuRun& run) const noexcept override {
    const std::size_t unit = kernel_.tile_rows();
    run.workers.parallel_rows(rows_.count(), unit,
                              [&](std::size_t first, std::size_t count, ThreadScratch& scratch) {
                                multiply_first(run, first, count, scratch);
                              });
    run.workers.parallel_rows(rows_.count(), unit,
                              [&](std::size_t first, std::size_t count, ThreadScratch& scratch) {
                                multiply_second(run, first, count, scratch);
                              });
  }

  std::size_t weight_bytes() const noexcept override { return first_.bytes() + second_.bytes(); }

  ScratchNeeds scratch() const noexcept override { return {rows_.scratch_floats(), {}}; }

 private:
  BFloat16* hidden(const CpuRun& run, std::size_t row) const noexcept {
    return run.at<BFloat16>(hidden_) + row * hidden_row_;
  }

  void multiply_first(const CpuRun& run, std::size_t first, std::size_t count,
                      ThreadScratch& scratch) const noexcept {
    const PairOperand rows = rows_.read(run, first, count, scratch);
    for (std::size_t r = first; r < first + count; ++r) {
      clear_end(hidden(run, r), second_.size().depth);
    }
    multiply(kernel_, first_, rows, count, scratch,
             {.base = numbers(hidden(run, first)),
              .row_stride = stride_of(hidden_row_),
              .activation = inner_});
  }

  void multiply_second(const CpuRun& run, std::size_t first, std::size_t count,
                       ThreadScratch& scratch) const noexcept {
    const std::size_t columns = second_.size().result_columns();
    const std::size_t blocks = blocks_of(second_.size().depth, kPairTileDepth);
    const auto* residual = run.at<const float>(residual_);
    multiply(kernel_, second_, {hidden(run, first), hidden_row_, blocks, 0}, count, scratch,
             {.base = numbers(run.at(y_) + first * columns),
              .row_stride = stride_of(columns),
              .activation = outer_,
              .residual = numbers(residual) + stride_of(first * columns),
              .residual_row_stride = stride_of(columns)});
  }

  const GemmPairs& kernel_;
  NormalisedRows rows_;
  PackedMatrix first_;
  PackedMatrix second_;
  Activation inner_;
  Activation outer_;
  Slot residual_;
  Slot y_;
  std::size_t hidden_row_;  ///< elements from one row between the layers to the next
  Slot hidden_;
};

}  // namespace

std::unique_ptr<Step> make_linear_layers(const Node& norm, const GemmPairs& kernel,
                                         const std::vector<ConvParts>& layers, StepMaker& maker) {
  return std::make_unique<LinearLayersStep>(norm, kernel, layers, maker);
}

std::unique_ptr<Step> make_feed_forward(const Node& norm, const GemmPairs& kernel,
                                        const ConvParts& first, const ConvParts& second, Value y,
                                        StepMaker& maker) {
  return std::make_unique<FeedForwardStep>(norm, kernel, first, second, y, maker);
}

}  // namespace metalaudio::nn::cpu

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
  /// Of so many at a time, behind room for a block of results.
  std::size_t scratch_floats(std::size_t rows) const noexcept {
    return kTileFloats + kPairRows * columns_ + (rows + kPairRows) * row_ / 2;
  }
  /// Leaves the rows in the scratch.
  PairOperand read(const CpuRun& run, std::size_t first, std::size_t rows,
                   ThreadScratch& scratch) const noexcept {
    float* const normalised = scratch.floats.data() + kTileFloats;
    auto* to = reinterpret_cast<BFloat16*>(normalised + kPairRows * columns_);
    const float* x = run.at<const float>(x_) + first * columns_;
    for (std::size_t row = 0; row < rows; row += kPairRows) {
      const std::size_t some = std::min(kPairRows, rows - row);
      layer_norm({x + row * columns_, stride_of(columns_)}, some, columns_,
                 run.at<const float>(gamma_), run.at<const float>(beta_), epsilon_, normalised,
                 stride_of(columns_));
      for (std::size_t r = 0; r < some; ++r) {
        BFloat16* const rounded = to + (row + r) * row_;
        convert_to_parts(1, normalised + r * columns_, columns_, rounded, 0);
        clear_end(rounded, columns_);
      }
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
              std::size_t count, ThreadScratch& scratch, const PairOutput& output,
              const PairShare& share) noexcept {
  kernel.multiply_halves({&rows, 1}, count, matrix.data(), matrix.size(), scratch.floats.data(),
                         output, share);
}

/// body(task, scratch) for every share of a product.
template <typename Body>
void share(const CpuRun& run, const SharedProduct& product, Body&& body) noexcept {
  const ProductShares shares(product, run.workers.threads());
  run.workers.parallel_for(shares.tasks(), [&](std::size_t index, ThreadScratch& scratch) {
    const ProductShares::Task task = shares.task(index);
    if (task.rows > 0) body(task, scratch);
  });
}

/// To normalise a row takes as long as to convert it one and a half times.
void normalises(SharedProduct& product) { product.tile_cycles *= 2.5; }

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

class LinearStep final : public CpuStep {
 public:
  LinearStep(const GemmPairs& kernel, const ConvParts& parts, Value y, StepMaker& maker)
      : kernel_(kernel),
        weights_(pack(maker.graph(), parts)),
        activation_(parts.epilogue.activation),
        x_(maker.slot(parts.node->inputs[Conv::x])),
        residual_(maker.slot(parts.epilogue.residual)),
        y_(maker.slot(y)) {
    const Shape& shape = maker.graph().shape(y);
    product_ = kernel.shared(weights_.size(), size_of(shape.size() / shape.back()));
  }

  void run(const CpuRun& run) const noexcept override {
    const std::size_t depth = weights_.size().depth;
    const std::size_t columns = weights_.size().result_columns();
    share(run, product_, [&](const ProductShares::Task& task, ThreadScratch& scratch) {
      const GemmTap tap{run.at<const float>(x_) + task.first_row * depth, stride_of(depth), 0,
                        stride_of(task.rows), 0};
      const auto* residual = run.at<const float>(residual_);
      if (residual != nullptr) residual += task.first_row * columns;
      kernel_.multiply({&tap, 1}, depth, task.rows, weights_.data(), weights_.size(), scratch.gemm,
                       {run.at(y_) + task.first_row * columns, stride_of(columns), activation_,
                        residual, stride_of(columns)},
                       task.share);
    });
  }

  std::size_t weight_bytes() const noexcept override { return weights_.bytes(); }

  ScratchNeeds scratch() const noexcept override {
    return {0, kernel_.needs(weights_.size(), 1, product_.most_rows(), weights_.size().depth)};
  }

 private:
  const GemmPairs& kernel_;
  PackedMatrix weights_;
  Activation activation_;
  Slot x_;
  Slot residual_;
  Slot y_;
  SharedProduct product_;
};

class LinearLayersStep final : public CpuStep {
 public:
  LinearLayersStep(const Node& norm, const GemmPairs& kernel, const std::vector<ConvParts>& layers,
                   StepMaker& maker)
      : kernel_(kernel), rows_(norm, maker) {
    for (const ConvParts& parts : layers) {
      layers_.push_back({pack(maker.graph(), parts), maker.slot(parts.node->results[0]), 0});
      Layer& layer = layers_.back();
      layer.panel = product_.panels;
      product_ = kernel.shared(layer.weights.size(), rows_.count());
      product_.panels += layer.panel;
    }
    normalises(product_);
  }

  void run(const CpuRun& run) const noexcept override {
    share(run, product_, [&](const ProductShares::Task& task, ThreadScratch& scratch) {
      const PairOperand rows = rows_.read(run, task.first_row, task.rows, scratch);
      for (const Layer& layer : layers_) {
        const std::size_t columns = layer.weights.size().columns;
        multiply(kernel_, layer.weights, rows, task.rows, scratch,
                 {.base = numbers(run.at(layer.y) + task.first_row * columns),
                  .row_stride = stride_of(columns)},
                 task.share.of(layer.panel));
      }
    });
  }

  std::size_t weight_bytes() const noexcept override {
    std::size_t bytes = 0;
    for (const Layer& layer : layers_) bytes += layer.weights.bytes();
    return bytes;
  }

  ScratchNeeds scratch() const noexcept override {
    return {rows_.scratch_floats(product_.most_rows()), {}};
  }

 private:
  struct Layer {
    PackedMatrix weights;
    Slot y;
    std::size_t panel;  ///< of all, the first of its own
  };

  const GemmPairs& kernel_;
  NormalisedRows rows_;
  std::vector<Layer> layers_;
  SharedProduct product_;
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
        hidden_row_(pair_row_of_depth(second_.size().depth)),
        first_product_(kernel.shared(first_.size(), rows_.count())),
        second_product_(kernel.shared(second_.size(), rows_.count())) {
    normalises(first_product_);
    // Blocks of rows are read whole.
    hidden_ = maker.temporary((rows_.count() + kPairRows) * hidden_row_ * sizeof(BFloat16));
  }

  void run(const CpuRun& run) const noexcept override {
    share(run, first_product_, [&](const ProductShares::Task& task, ThreadScratch& scratch) {
      multiply_first(run, task, scratch);
    });
    share(run, second_product_, [&](const ProductShares::Task& task, ThreadScratch& scratch) {
      multiply_second(run, task, scratch);
    });
  }

  std::size_t weight_bytes() const noexcept override { return first_.bytes() + second_.bytes(); }

  ScratchNeeds scratch() const noexcept override {
    return {rows_.scratch_floats(first_product_.most_rows()), {}};
  }

 private:
  BFloat16* hidden(const CpuRun& run, std::size_t row) const noexcept {
    return run.at<BFloat16>(hidden_) + row * hidden_row_;
  }

  void multiply_first(const CpuRun& run, const ProductShares::Task& task,
                      ThreadScratch& scratch) const noexcept {
    const PairOperand rows = rows_.read(run, task.first_row, task.rows, scratch);
    if (task.share.begin == 0) clear_ends(run, task);
    multiply(kernel_, first_, rows, task.rows, scratch,
             {.base = numbers(hidden(run, task.first_row)),
              .row_stride = stride_of(hidden_row_),
              .activation = inner_},
             task.share);
  }

  /// Of the rows whose first panel is the task's.
  void clear_ends(const CpuRun& run, const ProductShares::Task& task) const noexcept {
    const std::size_t tile = first_product_.tile_rows;
    const std::size_t end = std::min(task.share.last_tile(0) * tile, task.rows);
    for (std::size_t r = task.share.first_tile(0) * tile; r < end; ++r)
      clear_end(hidden(run, task.first_row + r), second_.size().depth);
  }

  void multiply_second(const CpuRun& run, const ProductShares::Task& task,
                       ThreadScratch& scratch) const noexcept {
    const std::size_t columns = second_.size().result_columns();
    const std::size_t blocks = blocks_of(second_.size().depth, kPairTileDepth);
    const auto* residual = run.at<const float>(residual_);
    const std::ptrdiff_t begin = stride_of(task.first_row * columns);
    multiply(kernel_, second_, {hidden(run, task.first_row), hidden_row_, blocks, 0}, task.rows,
             scratch,
             {.base = numbers(run.at(y_) + begin),
              .row_stride = stride_of(columns),
              .activation = outer_,
              .residual = numbers(residual) + begin,
              .residual_row_stride = stride_of(columns)},
             task.share);
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
  SharedProduct first_product_;
  SharedProduct second_product_;
};

}  // namespace

bool shares_columns(const ConvParts& parts, Value y, const Graph& graph) {
  const auto* conv = std::get_if<Conv>(&parts.node->operation);
  const Value residual = parts.epilogue.residual;
  return conv != nullptr && conv->axes.empty() && conv->groups == 1 &&
         dynamic_cast<const GemmPairs*>(parts.kernel) != nullptr && graph.shape(y).size() > 0 &&
         graph.shape(parts.node->inputs[Conv::weight]).size() > 0 &&
         (!residual.present() || graph.shape(residual) == graph.shape(y));
}

std::unique_ptr<Step> make_linear(const ConvParts& parts, Value y, StepMaker& maker) {
  return std::make_unique<LinearStep>(static_cast<const GemmPairs&>(*parts.kernel), parts, y,
                                      maker);
}

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

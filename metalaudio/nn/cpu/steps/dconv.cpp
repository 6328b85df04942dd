#include <metalaudio/nn/cpu/steps/dconv.h>
#include <metalaudio/nn/cpu/steps/dconv_layer.h>

namespace metalaudio::nn::cpu {

namespace {

std::size_t lines(std::size_t floats) noexcept { return (floats + 15) / 16 * 16; }

/// Layers of DConv, one behind the other in place, between the convolutions before and behind them.
/// With many rows (a spectrogram) a thread takes a row through all of it in its cache. With few (a
/// waveform) the threads share three passes a layer, since moments need whole rows.
class DConvStep final : public CpuStep {
 public:
  DConvStep(const GemmKernel& kernel, const DConvChain& chain, std::size_t threads,
            StepMaker& maker)
      : y_(maker.slot(chain.y)) {
    const Value y = chain.y;
    x_ = chain.head ? y_ : maker.slot(chain.layers[0].x);
    if (chain.head) {
      head_ = make_conv_in_parts(*chain.head->kernel, *chain.head->node, chain.head->epilogue, y,
                                 ConvUse::by_rows, maker);
    }
    if (chain.tail) {
      tail_ = make_conv_in_parts(*chain.tail->kernel, *chain.tail->node, chain.tail->epilogue, y,
                                 ConvUse::by_positions, maker);
    }
    const Graph& graph = maker.graph();
    const Shape& shape = graph.shape(y);
    channels_ = static_cast<std::size_t>(shape.back());
    positions_ = static_cast<std::size_t>(shape[shape.rank() - 2]);
    rows_ = static_cast<std::size_t>(shape.size()) / (positions_ * channels_);
    for (const DConvParts& parts : chain.layers) layers_.emplace_back(kernel, parts, graph);
    for (const DConvLayer& layer : layers_) {
      hidden_floats_ = std::max(hidden_floats_, layer.hidden() * kBlockRows * blocks());
      sums_ = std::max(sums_, layer.sums());
      work_floats_ = std::max(work_floats_, layer.work_floats());
      layer_floats_ = std::max(layer_floats_, lines(layer.scratch().floats));
    }
    by_row_ = rows_ >= 2 * threads;
    if (!by_row_) {
      hidden_slot_ = maker.temporary(rows_ * hidden_floats_ * sizeof(float));
      moments_slot_ = maker.temporary(rows_ * blocks() * sizeof(Moments));
      sums_slot_ = maker.temporary(rows_ * blocks() * sums_ * sizeof(double));
      work_slot_ = maker.temporary(rows_ * work_floats_ * sizeof(float));
    }
  }

  void run(const CpuRun& run) const noexcept override {
    if (by_row_) {
      run.workers.parallel_for(
          rows_, [&](std::size_t row, ThreadScratch& scratch) { run_row(run, row, scratch); });
      return;
    }
    if (head_) head_->run(run);
    Slot x = x_;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      run_passes(run, layers_[i], x, i + 1 == layers_.size());
      x = y_;
    }
  }

  std::size_t weight_bytes() const noexcept override {
    std::size_t bytes = 0;
    for (const DConvLayer& layer : layers_) bytes += layer.weight_bytes();
    if (head_) bytes += head_->weight_bytes();
    if (tail_) bytes += tail_->weight_bytes();
    return bytes;
  }

  ScratchNeeds scratch() const noexcept override {
    ScratchNeeds needs;
    for (const DConvLayer& layer : layers_) needs.cover(layer.scratch());
    needs.floats = layer_floats_ + tail_floats();
    if (by_row_) needs.floats += work_floats_ + lines(2 * sums_) + hidden_floats_;
    if (head_) needs.gemm.cover(head_->scratch().gemm);
    if (tail_) needs.gemm.cover(tail_->scratch().gemm);
    return needs;
  }

 private:
  std::size_t blocks() const noexcept { return blocks_of(positions_); }
  std::size_t tail_floats() const noexcept { return tail_ ? kBlockRows * channels_ : 0; }
  float* row_of(const CpuRun& run, Slot slot, std::size_t row) const noexcept {
    return run.at(slot) + row * positions_ * channels_;
  }

  /// A block of a layer's result, and what the tail makes of the last layer's.
  void finish(const CpuRun& run, const DConvLayer& layer, bool last, const DConvWork& work,
              const float* hidden, std::size_t row, std::size_t p, std::size_t n, const float* x,
              float* y, ThreadScratch& scratch) const noexcept {
    const bool through = last && tail_ != nullptr;
    float* const room = scratch.floats.data() + layer_floats_;
    layer.finish(hidden, n, work, scratch, x + p * channels_, through ? room : y + p * channels_);
    if (through) tail_->run_positions(run, row, p, n, room, scratch);
  }

  void run_row(const CpuRun& run, std::size_t row, ThreadScratch& scratch) const noexcept {
    float* const work_room = scratch.floats.data() + layer_floats_ + tail_floats();
    auto* const sums = reinterpret_cast<double*>(work_room + work_floats_);
    float* const hidden_values = work_room + work_floats_ + lines(2 * sums_);
    const float* x = row_of(run, x_, row);
    float* const y = row_of(run, y_, row);
    if (head_) head_->run_row(run, row, scratch);
    const auto over_row = [&](std::size_t hidden, auto&& body) {
      for (std::size_t p = 0; p < positions_; p += kBlockRows) {
        body(p, std::min(kBlockRows, positions_ - p), hidden_values + p * hidden);
      }
    };
    for (const DConvLayer& layer : layers_) {
      const DConvWork work = layer.work_at(work_room);
      Moments total;
      over_row(layer.hidden(), [&](std::size_t p, std::size_t n, float* block) {
        layer.convolve(x, positions_, p, n, scratch, block);
        total.merge(layer.moments_of(block, n));
      });
      layer.fold_first(total, hidden_values, std::min(kBlockRows, positions_), scratch, work);
      std::fill_n(sums, layer.sums(), 0.0);
      over_row(layer.hidden(), [&](std::size_t, std::size_t n, float* block) {
        layer.activate(block, n, work, scratch, sums);
      });
      layer.fold_second(sums, positions_, work);
      over_row(layer.hidden(), [&](std::size_t p, std::size_t n, const float* block) {
        finish(run, layer, &layer == &layers_.back(), work, block, row, p, n, x, y, scratch);
      });
      x = y;
    }
  }

  /// body(row, first position, positions, index, scratch) over the blocks of all rows.
  template <typename Body>
  void over_blocks(const CpuRun& run, Body&& body) const noexcept {
    run.workers.parallel_for(rows_ * blocks(), [&](std::size_t i, ThreadScratch& scratch) {
      const std::size_t p = i % blocks() * kBlockRows;
      body(i / blocks(), p, std::min(kBlockRows, positions_ - p), i, scratch);
    });
  }

  void run_passes(const CpuRun& run, const DConvLayer& layer, Slot from, bool last) const noexcept {
    auto* const block_moments = run.at<Moments>(moments_slot_);
    auto* const block_sums = run.at<double>(sums_slot_);
    const auto hidden_of = [&](std::size_t row, std::size_t p) {
      return run.at(hidden_slot_) + row * hidden_floats_ + p * layer.hidden();
    };
    const auto work_of = [&](std::size_t row) {
      return layer.work_at(run.at(work_slot_) + row * work_floats_);
    };
    over_blocks(run, [&](std::size_t row, std::size_t p, std::size_t n, std::size_t i,
                         ThreadScratch& scratch) {
      layer.convolve(row_of(run, from, row), positions_, p, n, scratch, hidden_of(row, p));
      block_moments[i] = layer.moments_of(hidden_of(row, p), n);
    });
    run.workers.parallel_for(rows_, [&](std::size_t row, ThreadScratch& scratch) {
      Moments total;
      for (std::size_t i = 0; i < blocks(); ++i) total.merge(block_moments[row * blocks() + i]);
      layer.fold_first(total, hidden_of(row, 0), std::min(kBlockRows, positions_), scratch,
                       work_of(row));
    });
    over_blocks(run, [&](std::size_t row, std::size_t p, std::size_t n, std::size_t i,
                         ThreadScratch& scratch) {
      double* sums = block_sums + i * layer.sums();
      std::fill_n(sums, layer.sums(), 0.0);
      layer.activate(hidden_of(row, p), n, work_of(row), scratch, sums);
    });
    run.workers.parallel_for(rows_, [&](std::size_t row, ThreadScratch&) {
      double* total = block_sums + row * blocks() * layer.sums();
      for (std::size_t block = 1; block < blocks(); ++block) {
        const double* sums = total + block * layer.sums();
        for (std::size_t i = 0; i < layer.sums(); ++i) total[i] += sums[i];
      }
      layer.fold_second(total, positions_, work_of(row));
    });
    over_blocks(run, [&](std::size_t row, std::size_t p, std::size_t n, std::size_t,
                         ThreadScratch& scratch) {
      finish(run, layer, last, work_of(row), hidden_of(row, p), row, p, n, row_of(run, from, row),
             row_of(run, y_, row), scratch);
    });
  }

  Slot x_;
  Slot y_;
  std::size_t channels_ = 0;
  std::size_t positions_ = 0;
  std::size_t rows_ = 0;
  std::unique_ptr<ConvInParts> head_;
  std::vector<DConvLayer> layers_;
  std::unique_ptr<ConvInParts> tail_;
  std::size_t hidden_floats_ = 0;  ///< of a row
  std::size_t sums_ = 0;
  std::size_t work_floats_ = 0;   ///< the same
  std::size_t layer_floats_ = 0;  ///< of scratch, before those of the row
  bool by_row_ = false;
  Slot hidden_slot_;  // of the shared passes
  Slot moments_slot_;
  Slot sums_slot_;
  Slot work_slot_;
};

}  // namespace

std::unique_ptr<Step> make_dconv(const GemmKernel& kernel, const DConvChain& chain,
                                 std::size_t threads, StepMaker& maker) {
  return std::make_unique<DConvStep>(kernel, chain, threads, maker);
}

}  // namespace metalaudio::nn::cpu

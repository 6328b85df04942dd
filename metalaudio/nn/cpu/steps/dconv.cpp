#include <metalaudio/nn/cpu/steps/dconv.h>
#include <metalaudio/nn/cpu/steps/dconv_layer.h>

namespace metalaudio::nn::cpu {

namespace {

std::size_t lines(std::size_t floats) noexcept { return (floats + 15) / 16 * 16; }

/// Layers of DConv, one behind the other, all but the first in place. With many rows (a
/// spectrogram) a thread takes a row through all of them in its cache. With one row (a waveform) the
/// threads share three passes a layer, since moments need the whole row.
class DConvStep final : public CpuStep {
 public:
  DConvStep(const GemmKernel& kernel, std::span<const DConvParts> layers, Value y,
            std::size_t threads, StepMaker& maker)
      : x_(maker.slot(layers[0].x)), y_(maker.slot(y)) {
    const Graph& graph = maker.graph();
    const Shape& shape = graph.shape(y);
    channels_ = static_cast<std::size_t>(shape.back());
    positions_ = static_cast<std::size_t>(shape[shape.rank() - 2]);
    rows_ = static_cast<std::size_t>(shape.size()) / (positions_ * channels_);
    for (const DConvParts& parts : layers) layers_.emplace_back(kernel, parts, graph);
    for (const DConvLayer& layer : layers_) {
      hidden_floats_ = std::max(hidden_floats_, layer.hidden() * kBlockRows * blocks());
      sums_ = std::max(sums_, layer.sums());
      work_floats_ = std::max(work_floats_, layer.work_floats());
      layer_floats_ = std::max(layer_floats_, lines(layer.scratch().floats));
    }
    by_row_ = rows_ >= 2 * threads;
    if (!by_row_) {
      hidden_slot_ = maker.temporary(hidden_floats_ * sizeof(float));
      moments_slot_ = maker.temporary(blocks() * sizeof(Moments));
      sums_slot_ = maker.temporary(blocks() * sums_ * sizeof(double));
      work_slot_ = maker.temporary(work_floats_ * sizeof(float));
    }
  }

  void run(const CpuRun& run) const noexcept override {
    if (by_row_) {
      run.workers.parallel_for(
          rows_, [&](std::size_t row, ThreadScratch& scratch) { run_row(run, row, scratch); });
      return;
    }
    for (std::size_t row = 0; row < rows_; ++row) {
      const float* x = input(run, row);
      for (const DConvLayer& layer : layers_) {
        run_passes(run, layer, x, output(run, row));
        x = output(run, row);
      }
    }
  }

  std::size_t weight_bytes() const noexcept override {
    std::size_t bytes = 0;
    for (const DConvLayer& layer : layers_) bytes += layer.weight_bytes();
    return bytes;
  }

  ScratchNeeds scratch() const noexcept override {
    ScratchNeeds needs;
    for (const DConvLayer& layer : layers_) needs.cover(layer.scratch());
    if (by_row_) needs.floats = layer_floats_ + work_floats_ + lines(2 * sums_) + hidden_floats_;
    return needs;
  }

 private:
  std::size_t blocks() const noexcept { return blocks_of(positions_); }
  const float* input(const CpuRun& run, std::size_t row) const noexcept {
    return run.at<const float>(x_) + row * positions_ * channels_;
  }
  float* output(const CpuRun& run, std::size_t row) const noexcept {
    return run.at(y_) + row * positions_ * channels_;
  }

  void run_row(const CpuRun& run, std::size_t row, ThreadScratch& scratch) const noexcept {
    float* const work_room = scratch.floats.data() + layer_floats_;
    auto* const sums = reinterpret_cast<double*>(work_room + work_floats_);
    float* const hidden_values = work_room + work_floats_ + lines(2 * sums_);
    const float* x = input(run, row);
    float* const y = output(run, row);
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
        layer.finish(block, n, work, scratch, x + p * channels_, y + p * channels_);
      });
      x = y;
    }
  }

  template <typename Body>
  void over_blocks(const CpuRun& run, Body&& body) const noexcept {
    run.workers.parallel_blocks(positions_, kBlockRows,
                                [&](std::size_t first, std::size_t n, ThreadScratch& scratch) {
                                  body(first / kBlockRows, first, n, scratch);
                                });
  }

  void run_passes(const CpuRun& run, const DConvLayer& layer, const float* x,
                  float* y) const noexcept {
    auto* const block_moments = run.at<Moments>(moments_slot_);
    auto* const block_sums = run.at<double>(sums_slot_);
    float* const hidden_values = run.at(hidden_slot_);
    const DConvWork work = layer.work_at(run.at(work_slot_));
    over_blocks(run, [&](std::size_t block, std::size_t p, std::size_t n, ThreadScratch& s) {
      float* hidden = hidden_values + p * layer.hidden();
      layer.convolve(x, positions_, p, n, s, hidden);
      block_moments[block] = layer.moments_of(hidden, n);
    });
    Moments total;
    for (std::size_t i = 0; i < blocks(); ++i) total.merge(block_moments[i]);
    run.workers.parallel_for(1, [&](std::size_t, ThreadScratch& s) {
      layer.fold_first(total, hidden_values, std::min(kBlockRows, positions_), s, work);
    });
    over_blocks(run, [&](std::size_t block, std::size_t p, std::size_t n, ThreadScratch& s) {
      double* sums = block_sums + block * layer.sums();
      std::fill_n(sums, layer.sums(), 0.0);
      layer.activate(hidden_values + p * layer.hidden(), n, work, s, sums);
    });
    for (std::size_t block = 1; block < blocks(); ++block) {
      const double* sums = block_sums + block * layer.sums();
      for (std::size_t i = 0; i < layer.sums(); ++i) block_sums[i] += sums[i];
    }
    layer.fold_second(block_sums, positions_, work);
    over_blocks(run, [&](std::size_t, std::size_t p, std::size_t n, ThreadScratch& s) {
      layer.finish(hidden_values + p * layer.hidden(), n, work, s, x + p * channels_,
                   y + p * channels_);
    });
  }

  Slot x_;
  Slot y_;
  std::size_t channels_ = 0;
  std::size_t positions_ = 0;
  std::size_t rows_ = 0;
  std::vector<DConvLayer> layers_;
  std::size_t hidden_floats_ = 0;  ///< of a row
  std::size_t sums_ = 0;
  std::size_t work_floats_ = 0;
  std::size_t layer_floats_ = 0;  ///< of scratch, before those of the row
  bool by_row_ = false;
  Slot hidden_slot_;  // of the shared passes
  Slot moments_slot_;
  Slot sums_slot_;
  Slot work_slot_;
};

}  // namespace

std::unique_ptr<Step> make_dconv(const GemmKernel& kernel, std::span<const DConvParts> layers,
                                 Value y, std::size_t threads, StepMaker& maker) {
  return std::make_unique<DConvStep>(kernel, layers, y, threads, maker);
}

}  // namespace metalaudio::nn::cpu

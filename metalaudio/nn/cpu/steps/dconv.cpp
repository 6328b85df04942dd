#include <metalaudio/nn/cpu/gemm/gemm_pairs.h>
#include <metalaudio/nn/cpu/gemm/pair_conversion.h>
#include <metalaudio/nn/cpu/half_values.h>
#include <metalaudio/nn/cpu/steps/dconv.h>
#include <metalaudio/nn/cpu/steps/dconv_layer.h>

#include <algorithm>
#include <array>

namespace metalaudio::nn::cpu {

namespace {

std::size_t lines(std::size_t floats) noexcept { return (floats + 15) / 16 * 16; }

/// Layers of DConv, one behind the other in place, between the convolutions before and behind them.
/// With many rows (a spectrogram) a thread takes a row through all of it in its cache. With few (a
/// waveform) the threads share three passes a layer, since moments need whole rows.
class DConvStep final : public CpuStep {
 public:
  DConvStep(const GemmKernel& kernel, const DConvChain& chain, std::size_t threads,
            const HalfValues& halves, StepMaker& maker)
      : y_(numbers_slot(chain.y, halves, maker)),
        halves_(amx_parts(kernel) == 1),
        half_layers_(takes_halves(kernel, chain, maker.graph())) {
    const Graph& graph = maker.graph();
    const Shape& shape = graph.shape(chain.y);
    channels_ = static_cast<std::size_t>(shape.back());
    positions_ = static_cast<std::size_t>(shape[shape.rank() - 2]);
    rows_ = static_cast<std::size_t>(shape.size()) / (positions_ * channels_);
    by_row_ = rows_ >= 2 * threads;
    const bool rounds = half_layers_ && !is_waveform(positions_, channels_);
    trunk_ = {y_.slot, rounds};
    if (halves_ && y_.halves != rounds && !by_row_) {
      // As much room as a slot has, half of which tiles read beyond a row's end at most.
      trunk_.slot = maker.temporary(rows_ * positions_ * channels_ * sizeof(float));
    }
    x_ = chain.head ? trunk_ : numbers_slot(chain.layers[0].x, halves, maker);
    halves_ ? make_half_ends(chain, halves, maker) : make_ends(chain, maker);
    const GemmKernel& used = halves_ && !half_layers_ ? gemm_kernel(Precision::fp32) : kernel;
    for (const DConvParts& parts : chain.layers) layers_.emplace_back(used, parts, graph);
    for (const DConvLayer& layer : layers_) {
      hidden_floats_ = std::max(hidden_floats_, layer.hidden() * kBlockRows * blocks());
      sums_ = std::max(sums_, layer.sums());
      work_floats_ = std::max(work_floats_, layer.work_floats());
      layer_floats_ = std::max(layer_floats_, lines(layer.scratch().floats));
    }
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
    if (half_head_) half_head_->run(run);
    NumbersSlot x = x_;
    if (trunk_.halves && !x.halves) {
      over_blocks(run, [&](std::size_t row, std::size_t p, std::size_t n, std::size_t,
                           ThreadScratch&) { round(run, row, p, n, row_of(run, trunk_, row)); });
      x = trunk_;
    }
    begin_layer(run, layers_[0], x);
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      fold_layer(run, layers_[i]);
      if (i + 1 < layers_.size()) {
        finish_layer(run, layers_[i], layers_[i + 1], x);
        x = trunk_;
      } else {
        finish_last(run, x);
      }
    }
  }

  std::size_t weight_bytes() const noexcept override {
    std::size_t bytes = 0;
    for (const DConvLayer& layer : layers_) bytes += layer.weight_bytes();
    for (const CpuStep* end : ends())
      if (end != nullptr) bytes += end->weight_bytes();
    return bytes;
  }

  ScratchNeeds scratch() const noexcept override {
    ScratchNeeds needs;
    for (const DConvLayer& layer : layers_) needs.cover(layer.scratch());
    needs.floats = layer_floats_ + tail_floats() + rounded_floats();
    if (by_row_) needs.floats += row_floats() + work_floats_ + lines(2 * sums_) + hidden_floats_;
    for (const CpuStep* end : ends())
      if (end != nullptr) needs.gemm.cover(end->scratch().gemm);
    return needs;
  }

 private:
  void make_ends(const DConvChain& chain, StepMaker& maker) {
    if (chain.head) {
      head_ = make_conv_in_parts(*chain.head->kernel, *chain.head->node, chain.head->epilogue,
                                 chain.y, ConvUse::by_rows, maker);
    }
    if (chain.tail) {
      tail_ = make_conv_in_parts(*chain.tail->kernel, *chain.tail->node, chain.tail->epilogue,
                                 chain.y, ConvUse::by_positions, maker);
    }
  }
  void make_half_ends(const DConvChain& chain, const HalfValues& halves, StepMaker& maker) {
    if (chain.head) {
      half_head_ = make_half_conv(*chain.head, chain.y, ConvUse::by_rows, trunk_, halves, maker);
    }
    if (chain.tail) {
      half_tail_ = make_half_conv(*chain.tail, chain.y, ConvUse::by_positions, y_, halves, maker);
    }
  }
  std::array<const CpuStep*, 4> ends() const noexcept {
    return {head_.get(), tail_.get(), half_head_.get(), half_tail_.get()};
  }

  std::size_t blocks() const noexcept { return blocks_of(positions_); }
  /// Of a row that threads share: as many as the second cache holds, and several parts a thread.
  std::size_t part_blocks(std::size_t threads) const noexcept {
    constexpr std::size_t kMost = 32;
    if (threads == 1) return blocks();
    return std::clamp<std::size_t>(blocks() / (4 * threads), 1, kMost);
  }
  /// Of a block on its way to the tail; what tiles read behind it is zeros.
  std::size_t tail_floats() const noexcept {
    return tail_ || half_tail_ ? lines(kBlockRows * channels_ + kPairTileDepth) : 0;
  }
  /// Of a block that is rounded on its way out of layers of float32.
  std::size_t rounded_floats() const noexcept {
    return halves_ && !half_layers_ ? lines(kBlockRows * channels_) : 0;
  }
  /// Of a row that stays with its thread.
  std::size_t row_floats() const noexcept { return halves_ ? lines(positions_ * channels_) : 0; }
  Numbers row_of(const CpuRun& run, const NumbersSlot& slot, std::size_t row) const noexcept {
    return slot.at(run) + static_cast<std::ptrdiff_t>(row * positions_ * channels_);
  }
  PositionsRow positions_of(Numbers row) const noexcept {
    return {row, static_cast<std::ptrdiff_t>(positions_), static_cast<std::ptrdiff_t>(channels_)};
  }
  Numbers past(Numbers row, std::size_t positions) const noexcept {
    return row + static_cast<std::ptrdiff_t>(positions * channels_);
  }
  /// Some positions of x, which is float32, to a row of bfloat16.
  void round(const CpuRun& run, std::size_t row, std::size_t p, std::size_t n,
             Numbers to) const noexcept {
    stage(positions_of(row_of(run, x_, row)), static_cast<std::ptrdiff_t>(p),
          static_cast<std::ptrdiff_t>(n), past(to, p).as<BFloat16>());
  }

  /// A block of a layer's result, and what the tail makes of the last layer's.
  void finish(const CpuRun& run, const DConvLayer& layer, bool last, const DConvWork& work,
              const float* hidden, std::size_t row, std::size_t p, std::size_t n, Numbers x,
              Numbers trunk, ThreadScratch& scratch) const noexcept {
    float* const room = scratch.floats.data() + layer_floats_;
    const bool through = last && (tail_ || half_tail_);
    const Numbers y =
        through ? Numbers{numbers(room).at, halves_} : past(last ? row_of(run, y_, row) : trunk, p);
    if (y.halves && !half_layers_) {
      float* const block = room + tail_floats();
      layer.finish(hidden, n, work, scratch, past(x, p), numbers(block));
      convert_to_parts(1, block, n * channels_, y.as<BFloat16>(), 0);
    } else {
      layer.finish(hidden, n, work, scratch, past(x, p), y);
    }
    if (!through) return;
    if (tail_) return tail_->run_positions(run, row, p, n, room, scratch);
    std::fill_n(past(y, n).as<BFloat16>(), kPairTileDepth, BFloat16(0.0F));
    half_tail_->run_positions(run, row, p, n, y.as<const BFloat16>(), scratch);
  }

  void run_row(const CpuRun& run, std::size_t row, ThreadScratch& scratch) const noexcept {
    float* const row_room =
        scratch.floats.data() + layer_floats_ + tail_floats() + rounded_floats();
    float* const work_room = row_room + row_floats();
    auto* const sums = reinterpret_cast<double*>(work_room + work_floats_);
    float* const hidden_values = work_room + work_floats_ + lines(2 * sums_);
    const Numbers trunk =
        halves_ ? Numbers{numbers(row_room).at, trunk_.halves} : row_of(run, trunk_, row);
    Numbers x = half_head_ ? trunk : row_of(run, x_, row);
    if (head_) head_->run_row(run, row, scratch);
    if (half_head_) half_head_->run_row(run, row, trunk, scratch);
    if (trunk.halves && !x.halves) {
      round(run, row, 0, positions_, trunk);
      x = trunk;
    }
    const auto over_row = [&](std::size_t hidden, auto&& body) {
      for (std::size_t p = 0; p < positions_; p += kBlockRows) {
        body(p, std::min(kBlockRows, positions_ - p), hidden_values + p * hidden);
      }
    };
    for (const DConvLayer& layer : layers_) {
      const DConvWork work = layer.work_at(work_room);
      Moments total;
      over_row(layer.hidden(), [&](std::size_t p, std::size_t n, float* block) {
        layer.convolve(positions_of(x), p, n, scratch, block);
        total.merge(layer.moments_of(block, n));
      });
      layer.fold_first(total, hidden_values, std::min(kBlockRows, positions_), scratch, work);
      std::fill_n(sums, layer.sums(), 0.0);
      over_row(layer.hidden(), [&](std::size_t, std::size_t n, float* block) {
        layer.activate(block, n, work, scratch, sums);
      });
      layer.fold_second(sums, positions_, work);
      over_row(layer.hidden(), [&](std::size_t p, std::size_t n, const float* block) {
        finish(run, layer, &layer == &layers_.back(), work, block, row, p, n, x, trunk, scratch);
      });
      x = trunk;
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

  float* hidden_of(const CpuRun& run, const DConvLayer& layer, std::size_t row,
                   std::size_t p) const noexcept {
    return run.at(hidden_slot_) + row * hidden_floats_ + p * layer.hidden();
  }
  DConvWork work_of(const CpuRun& run, const DConvLayer& layer, std::size_t row) const noexcept {
    return layer.work_at(run.at(work_slot_) + row * work_floats_);
  }

  /// A layer's first convolution of one block of a row, and its moments.
  void convolve_block(const CpuRun& run, const DConvLayer& layer, const NumbersSlot& x,
                      std::size_t row, std::size_t p, ThreadScratch& scratch) const noexcept {
    const std::size_t n = std::min(kBlockRows, positions_ - p);
    float* const hidden = hidden_of(run, layer, row, p);
    layer.convolve(positions_of(row_of(run, x, row)), p, n, scratch, hidden);
    run.at<Moments>(moments_slot_)[row * blocks() + p / kBlockRows] = layer.moments_of(hidden, n);
  }
  void begin_layer(const CpuRun& run, const DConvLayer& layer,
                   const NumbersSlot& x) const noexcept {
    over_blocks(
        run, [&](std::size_t row, std::size_t p, std::size_t, std::size_t, ThreadScratch& scratch) {
          convolve_block(run, layer, x, row, p, scratch);
        });
  }

  void fold_layer(const CpuRun& run, const DConvLayer& layer) const noexcept {
    const auto* const block_moments = run.at<Moments>(moments_slot_);
    auto* const block_sums = run.at<double>(sums_slot_);
    run.workers.parallel_for(rows_, [&](std::size_t row, ThreadScratch& scratch) {
      Moments total;
      for (std::size_t i = 0; i < blocks(); ++i) total.merge(block_moments[row * blocks() + i]);
      layer.fold_first(total, hidden_of(run, layer, row, 0), std::min(kBlockRows, positions_),
                       scratch, work_of(run, layer, row));
    });
    over_blocks(run, [&](std::size_t row, std::size_t p, std::size_t n, std::size_t i,
                         ThreadScratch& scratch) {
      double* sums = block_sums + i * layer.sums();
      std::fill_n(sums, layer.sums(), 0.0);
      layer.activate(hidden_of(run, layer, row, p), n, work_of(run, layer, row), scratch, sums);
    });
    run.workers.parallel_for(rows_, [&](std::size_t row, ThreadScratch&) {
      double* total = block_sums + row * blocks() * layer.sums();
      for (std::size_t block = 1; block < blocks(); ++block) {
        const double* sums = total + block * layer.sums();
        for (std::size_t i = 0; i < layer.sums(); ++i) total[i] += sums[i];
      }
      layer.fold_second(total, positions_, work_of(run, layer, row));
    });
  }

  void finish_block(const CpuRun& run, const DConvLayer& layer, bool last, const NumbersSlot& x,
                    std::size_t row, std::size_t p, ThreadScratch& scratch) const noexcept {
    finish(run, layer, last, work_of(run, layer, row), hidden_of(run, layer, row, p), row, p,
           std::min(kBlockRows, positions_ - p), row_of(run, x, row), row_of(run, trunk_, row),
           scratch);
  }
  void finish_last(const CpuRun& run, const NumbersSlot& x) const noexcept {
    over_blocks(
        run, [&](std::size_t row, std::size_t p, std::size_t, std::size_t, ThreadScratch& scratch) {
          finish_block(run, layers_.back(), true, x, row, p, scratch);
        });
  }

  /// The result of a layer and, while it is in the cache, the first convolution of the next. Tasks
  /// are parts of a row; blocks at a part's ends wait until the parts beside it are done.
  void finish_layer(const CpuRun& run, const DConvLayer& layer, const DConvLayer& next,
                    const NumbersSlot& x) const noexcept {
    const std::size_t part = part_blocks(run.workers.threads());
    const std::size_t parts = blocks_of(blocks(), part);
    const auto over_parts = [&](auto&& body) {
      run.workers.parallel_for(rows_ * parts, [&](std::size_t i, ThreadScratch& scratch) {
        const std::size_t first = i % parts * part;
        body(i / parts, first, std::min(first + part, blocks()), scratch);
      });
    };
    const auto waits = [&](std::size_t block, std::size_t first, std::size_t end) {
      return (block == first && first > 0) || (block + 1 == end && end < blocks());
    };
    const bool near = next.dilation() <= kBlockRows;
    over_parts([&](std::size_t row, std::size_t first, std::size_t end, ThreadScratch& scratch) {
      const auto convolve = [&](std::size_t block) {
        if (near && !waits(block, first, end))
          convolve_block(run, next, trunk_, row, block * kBlockRows, scratch);
      };
      for (std::size_t block = first; block < end; ++block) {
        finish_block(run, layer, false, x, row, block * kBlockRows, scratch);
        if (block > first) convolve(block - 1);
      }
      convolve(end - 1);
    });
    over_parts([&](std::size_t row, std::size_t first, std::size_t end, ThreadScratch& scratch) {
      for (std::size_t block = first; block < end; ++block) {
        if (near && !waits(block, first, end)) continue;
        convolve_block(run, next, trunk_, row, block * kBlockRows, scratch);
      }
    });
  }

  NumbersSlot x_;
  NumbersSlot y_;
  NumbersSlot trunk_;  ///< of the layers' results; a row of halves_ may stay with its thread
  bool halves_;        ///< the convolutions before and behind the layers multiply bfloat16
  bool half_layers_;   ///< and the layers
  std::size_t channels_ = 0;
  std::size_t positions_ = 0;
  std::size_t rows_ = 0;
  std::unique_ptr<ConvInParts> head_;
  std::unique_ptr<HalfConv> half_head_;
  std::vector<DConvLayer> layers_;
  std::unique_ptr<ConvInParts> tail_;
  std::unique_ptr<HalfConv> half_tail_;
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

bool takes_halves(const GemmKernel& kernel, const DConvChain& chain, const Graph& graph) {
  constexpr std::int64_t kFewHidden = 8;
  return amx_parts(kernel) == 1 && std::ranges::any_of(chain.layers, [&](const DConvParts& layer) {
           return graph.shape(layer.bias1).size() > kFewHidden ||
                  !DConvLayer::fits_vectors(static_cast<std::size_t>(layer.dilation));
         });
}

std::unique_ptr<Step> make_dconv(const GemmKernel& kernel, const DConvChain& chain,
                                 std::size_t threads, const HalfValues& halves, StepMaker& maker) {
  return std::make_unique<DConvStep>(kernel, chain, threads, halves, maker);
}

}  // namespace metalaudio::nn::cpu

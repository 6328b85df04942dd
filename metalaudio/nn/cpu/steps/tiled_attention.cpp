#include <metalaudio/nn/cpu/attention/attention_lanes.h>
#include <metalaudio/nn/cpu/attention/attention_rounded.h>
#include <metalaudio/nn/cpu/attention/attention_tiles.h>
#include <metalaudio/nn/cpu/steps/attention.h>

namespace metalaudio::nn::cpu {

namespace {

template <typename Tiles>
class TiledAttentionStep final : public CpuStep {
 public:
  TiledAttentionStep(std::size_t parts, const Attention& attention, const Node& node,
                     StepMaker& maker)
      : heads_(static_cast<std::size_t>(attention.heads)),
        queries_(maker.graph().shape(node.inputs[Attention::q]), attention.axis),
        keys_(maker.graph().shape(node.inputs[Attention::k]), attention.axis),
        values_(maker.graph().shape(node.inputs[Attention::v]), attention.axis),
        results_(maker.graph().shape(node.results[0]), attention.axis),
        size_{keys_.count, keys_.channels / heads_, values_.channels / heads_,
              scale_of(attention, keys_.channels / heads_)},
        tiles_(parts, size_),
        packed_blocks_(blocks_of(keys_.count, Tiles::kPackedKeys)),
        q_(maker.slot(node.inputs[Attention::q])),
        k_(maker.slot(node.inputs[Attention::k])),
        v_(maker.slot(node.inputs[Attention::v])),
        y_(maker.slot(node.results[0])) {
    const std::size_t batch_bytes = std::max<std::size_t>(1, tiles_.packed_bytes() * heads_);
    together_ = std::clamp<std::size_t>(kPackedAttentionBytes / batch_bytes, 1,
                                        std::max<std::size_t>(1, queries_.batches()));
    packed_ = maker.temporary(together_ * heads_ * tiles_.packed_bytes());
    infinite_ = maker.temporary(together_ * heads_ * packed_blocks_);
  }

  void run(const CpuRun& run) const noexcept override {
    const std::size_t blocks = blocks_of(queries_.count, Tiles::kQueries);
    for (std::size_t first = 0; first < queries_.batches(); first += together_) {
      const std::size_t heads = std::min(together_, queries_.batches() - first) * heads_;
      run.workers.parallel_for(heads * packed_blocks_, [&](std::size_t task, ThreadScratch&) {
        const std::size_t unit = task / packed_blocks_;
        const std::size_t batch = first + unit / heads_;
        const std::size_t head = unit % heads_;
        run.at<bool>(infinite_)[task] =
            tiles_.pack(keys_.rows(run.at<const float>(k_), batch, head, heads_),
                        values_.rows(run.at<const float>(v_), batch, head, heads_),
                        task % packed_blocks_, packed(run, unit));
      });
      run.workers.parallel_for(heads * blocks, [&](std::size_t task, ThreadScratch& scratch) {
        const std::size_t unit = task / blocks;
        attend(run, unit, first + unit / heads_, unit % heads_, task % blocks * Tiles::kQueries,
               scratch.floats.data());
      });
    }
  }

  ScratchNeeds scratch() const noexcept override {
    return {std::max(tiles_.scratch_floats(), keys_.count), {}};
  }

 private:
  std::byte* packed(const CpuRun& run, std::size_t unit) const noexcept {
    return run.at<std::byte>(packed_) + unit * tiles_.packed_bytes();
  }

  void attend(const CpuRun& run, std::size_t unit, std::size_t batch, std::size_t head,
              std::size_t first, float* scratch) const noexcept {
    const std::size_t rows = std::min(Tiles::kQueries, queries_.count - first);
    Rows q = queries_.rows(run.at<const float>(q_), batch, head, heads_);
    q.base += first * queries_.stride();
    float* y = results_.head(run.at(y_), batch, head, heads_) + first * results_.stride();
    const bool* infinite = run.at<const bool>(infinite_) + unit * packed_blocks_;
    if (!std::any_of(infinite, infinite + packed_blocks_, [](bool is) { return is; })) {
      tiles_.attend(q, rows, packed(run, unit), scratch, y,
                    static_cast<std::ptrdiff_t>(results_.stride()));
      return;
    }
    for (std::size_t r = 0; r < rows; ++r) {
      attend_plainly(run, batch, head, q.base + r * queries_.stride(), scratch,
                     y + r * results_.stride());
    }
  }

  /// One query, where infinities are among keys or values.
  void attend_plainly(const CpuRun& run, std::size_t batch, std::size_t head, const float* query,
                      float* scores, float* y) const noexcept {
    const float* key = keys_.head(run.at<const float>(k_), batch, head, heads_);
    for (std::size_t k = 0; k < keys_.count; ++k, key += keys_.stride()) {
      scores[k] = 0;
      for (std::size_t d = 0; d < size_.depth; ++d) scores[k] += query[d] * key[d];
      scores[k] *= size_.scale;
    }
    softmax(scores, 0, 1, keys_.count, 1.0F);
    std::fill_n(y, size_.width, 0.0F);
    const float* value = values_.head(run.at<const float>(v_), batch, head, heads_);
    for (std::size_t k = 0; k < keys_.count; ++k, value += values_.stride()) {
      for (std::size_t c = 0; c < size_.width; ++c) y[c] += scores[k] * value[c];
    }
  }

  std::size_t heads_;
  Tokens queries_;
  Tokens keys_;
  Tokens values_;
  Tokens results_;
  HeadSize size_;
  Tiles tiles_;
  std::size_t packed_blocks_;
  std::size_t together_ = 1;
  Slot q_;
  Slot k_;
  Slot v_;
  Slot y_;
  Slot packed_;
  Slot infinite_;
};

}  // namespace

std::unique_ptr<Step> make_tiled_attention(std::size_t parts, const Attention& attention,
                                           const Node& node, StepMaker& maker) {
  if (parts == 0) {
    return std::make_unique<TiledAttentionStep<AttentionLanes>>(parts, attention, node, maker);
  }
  if (parts == 1) {
    return std::make_unique<TiledAttentionStep<RoundedAttention>>(parts, attention, node, maker);
  }
  return std::make_unique<TiledAttentionStep<AttentionTiles>>(parts, attention, node, maker);
}

}  // namespace metalaudio::nn::cpu

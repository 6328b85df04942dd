#include <metalaudio/nn/cpu/attention/attention_kernel.h>
#include <metalaudio/nn/cpu/gemm/gemm_pairs.h>
#include <metalaudio/nn/cpu/steps/attention.h>
#include <metalaudio/nn/cpu/steps/steps.h>
#include <metalaudio/nn/steps/strides.h>

#include <cmath>
#include <limits>
#include <optional>

namespace metalaudio::nn::cpu {

namespace {

/// At least so many queries in one task: their scores against all keys stay in the second-level
/// cache.
constexpr std::size_t kQueryRows = 24;

/// softmax(scale · q kᵀ + mask) v per head. Keys and values are packed once per head; then every
/// task takes a few queries through both products, so the score matrix never exists as a whole.
class AttentionStep final : public CpuStep {
 public:
  AttentionStep(const GemmKernel& kernel, const Attention& attention, const Node& node,
                StepMaker& maker)
      : kernel_(kernel),
        heads_(static_cast<std::size_t>(attention.heads)),
        causal_(attention.causal),
        queries_(maker.graph().shape(node.inputs[Attention::q]), attention.axis),
        keys_(maker.graph().shape(node.inputs[Attention::k]), attention.axis),
        values_(maker.graph().shape(node.inputs[Attention::v]), attention.axis),
        key_size_{keys_.count, keys_.channels / heads_, false},
        value_size_{values_.channels / heads_, keys_.count, false},
        q_(maker.slot(node.inputs[Attention::q])),
        k_(maker.slot(node.inputs[Attention::k])),
        v_(maker.slot(node.inputs[Attention::v])),
        mask_(maker.slot(node.inputs[Attention::mask])),
        y_(maker.slot(node.results[0])) {
    scale_ = scale_of(attention, key_size_.depth);
    query_rows_ = blocks_of(kQueryRows, kernel.tile_rows()) * kernel.tile_rows();
    key_bytes_ = kernel.packed_bytes(key_size_);
    head_bytes_ = key_bytes_ + kernel.packed_bytes(value_size_);
    const std::size_t batch_bytes = std::max<std::size_t>(1, head_bytes_ * heads_);
    together_ = std::clamp<std::size_t>(kPackedAttentionBytes / batch_bytes, 1,
                                        std::max<std::size_t>(1, queries_.batches()));
    packed_ = maker.temporary(together_ * heads_ * head_bytes_);
    if (mask_.index >= 0) {
      const auto n = [](std::size_t size) { return static_cast<std::int64_t>(size); };
      mask_strides_ =
          broadcast_strides(maker.graph().shape(node.inputs[Attention::mask]),
                            {n(queries_.batches()), n(heads_), n(queries_.count), n(keys_.count)});
    }
  }

  void run(const CpuRun& run) const noexcept override {
    const std::size_t blocks = blocks_of(queries_.count, query_rows_);
    for (std::size_t first = 0; first < queries_.batches(); first += together_) {
      const std::size_t batches = std::min(together_, queries_.batches() - first);
      run.workers.parallel_for(batches * heads_, [&](std::size_t task, ThreadScratch&) {
        pack(run, first + task / heads_, task % heads_, packed(run, task));
      });
      run.workers.parallel_for(batches * heads_ * blocks,
                               [&](std::size_t task, ThreadScratch& scratch) {
                                 const std::size_t unit = task / blocks;
                                 attend(run, first + unit / heads_, unit % heads_,
                                        task % blocks * query_rows_, packed(run, unit), scratch);
                               });
    }
  }

  ScratchNeeds scratch() const noexcept override {
    ScratchNeeds needs{query_rows_ * (keys_.count + 1),
                       kernel_.needs(key_size_, 1, query_rows_, key_size_.depth)};
    needs.gemm.cover(kernel_.needs(value_size_, 1, query_rows_, keys_.count));
    return needs;
  }

 private:
  std::byte* packed(const CpuRun& run, std::size_t unit) const noexcept {
    return run.at<std::byte>(packed_) + unit * head_bytes_;
  }

  void pack(const CpuRun& run, std::size_t batch, std::size_t head, std::byte* to) const noexcept {
    const float* keys = run.at<const float>(k_) + keys_.offset(batch) + head * key_size_.depth;
    const float* values =
        run.at<const float>(v_) + values_.offset(batch) + head * value_size_.columns;
    kernel_.pack({keys, static_cast<std::ptrdiff_t>(keys_.stride()), 1}, key_size_, nullptr, to);
    kernel_.pack({values, 1, static_cast<std::ptrdiff_t>(values_.stride())}, value_size_, nullptr,
                 to + key_bytes_);
  }

  void attend(const CpuRun& run, std::size_t batch, std::size_t head, std::size_t first,
              const std::byte* packed, ThreadScratch& scratch) const noexcept {
    const std::size_t rows = std::min(query_rows_, queries_.count - first);
    float* scores = scratch.floats.data();
    const auto score_stride = static_cast<std::ptrdiff_t>(keys_.count);
    const auto query_stride = static_cast<std::ptrdiff_t>(queries_.stride());
    const float* q = run.at<const float>(q_) + queries_.offset(batch) + head * key_size_.depth +
                     first * queries_.stride();
    const GemmTap query{q, query_stride, 0, static_cast<std::ptrdiff_t>(rows), 0};
    kernel_.multiply({&query, 1}, key_size_.depth, rows, packed, key_size_, scratch.gemm,
                     {scores, score_stride});
    const bool hides = mask_.index >= 0 || causal_ || scale_ < 0;
    float* inverses = scores + query_rows_ * keys_.count;
    if (hides) {
      hide(run, batch, head, first, rows, scores);
    } else {
      exponentiate(scores, score_stride, rows, keys_.count, scale_, inverses);
    }
    const std::size_t stride = queries_.inner * values_.channels;
    float* y = run.at(y_) + offset_of_result(batch) + first * stride + head * value_size_.columns;
    const GemmTap weight{scores, score_stride, 0, static_cast<std::ptrdiff_t>(rows), 0};
    kernel_.multiply({&weight, 1}, keys_.count, rows, packed + key_bytes_, value_size_,
                     scratch.gemm, {y, static_cast<std::ptrdiff_t>(stride)});
    if (!hides) {
      scale_rows(y, static_cast<std::ptrdiff_t>(stride), rows, value_size_.columns, inverses);
    }
  }

  std::size_t offset_of_result(std::size_t batch) const noexcept {
    return (batch / queries_.inner * queries_.count * queries_.inner + batch % queries_.inner) *
           values_.channels;
  }

  /// Softmax of what may be seen; a row that may see nothing is zero.
  void hide(const CpuRun& run, std::size_t batch, std::size_t head, std::size_t first,
            std::size_t rows, float* scores) const noexcept {
    constexpr float kHidden = -std::numeric_limits<float>::infinity();
    for (std::size_t r = 0; r < rows; ++r) {
      float* row = scores + r * keys_.count;
      const std::size_t query = first + r;
      const float* mask = nullptr;
      if (mask_.index >= 0) {
        mask = run.at<const float>(mask_) + static_cast<std::int64_t>(batch) * mask_strides_[0] +
               static_cast<std::int64_t>(head) * mask_strides_[1] +
               static_cast<std::int64_t>(query) * mask_strides_[2];
      }
      bool any = false;
      for (std::size_t k = 0; k < keys_.count; ++k) {
        const bool later = causal_ && k > query;
        row[k] = later
                     ? kHidden
                     : row[k] * scale_ +
                           (mask != nullptr ? mask[static_cast<std::int64_t>(k) * mask_strides_[3]]
                                            : 0.0F);
        any = any || row[k] != kHidden;
      }
      if (any) {
        softmax(row, 0, 1, keys_.count, 1.0F);
      } else {
        std::fill_n(row, keys_.count, 0.0F);
      }
    }
  }

  const GemmKernel& kernel_;
  std::size_t heads_;
  bool causal_;
  float scale_ = 1;
  Tokens queries_;
  Tokens keys_;
  Tokens values_;
  MatrixSize key_size_;    ///< one column per key
  MatrixSize value_size_;  ///< one column per channel
  std::size_t query_rows_ = 0;
  std::size_t key_bytes_ = 0;
  std::size_t head_bytes_ = 0;
  std::size_t together_ = 1;
  Slot q_;
  Slot k_;
  Slot v_;
  Slot mask_;
  Slot y_;
  Slot packed_;
  Strides mask_strides_{};
};

/// How many bfloat16 make a factor as exact as a kernel's in the tiles of AMX, or 0 for vectors of
/// float32, as make_tiled_attention() takes it; nothing where neither pays. Few scores of float32 are
/// faster without tiles, and less than a vector of queries without lanes.
std::optional<std::size_t> parts_of(const GemmKernel& kernel, const Graph& graph,
                                    const Attention& attention, const Node& node) {
  if (node.inputs[Attention::mask].present() || attention.causal) return std::nullopt;
  if (kernel.name() != "fp32") {
    const std::size_t parts = amx_parts(kernel);
    return parts > 0 ? std::optional(parts) : std::nullopt;
  }
  constexpr std::size_t kLanes = 8;
  constexpr std::size_t kQueries = 16;
  constexpr std::size_t kKeys = 32;
  const std::size_t queries = Tokens(graph.shape(node.inputs[Attention::q]), attention.axis).count;
  const std::size_t keys = Tokens(graph.shape(node.inputs[Attention::k]), attention.axis).count;
  if (queries < kLanes) return std::nullopt;
  const bool tiles = queries >= kQueries && keys >= kKeys;
  return tiles && GemmPairs::available(GemmPairs::Unit::tiles) ? 3 : 0;
}

}  // namespace

float scale_of(const Attention& attention, std::size_t depth) {
  return attention.scale != 0 ? attention.scale : 1.0F / std::sqrt(static_cast<float>(depth));
}

std::unique_ptr<Step> make_attention(const GemmKernel& kernel, const Attention& attention,
                                     const Node& node, StepMaker& maker) {
  if (const auto parts = parts_of(kernel, maker.graph(), attention, node)) {
    return make_tiled_attention(*parts, attention, node, maker);
  }
  return std::make_unique<AttentionStep>(kernel, attention, node, maker);
}

}  // namespace metalaudio::nn::cpu

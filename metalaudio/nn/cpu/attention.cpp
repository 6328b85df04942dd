#include <metalaudio/nn/cpu/bf16.h>
#include <metalaudio/nn/cpu/kernel.h>
#include <metalaudio/nn/cpu/row_kernels.h>

#include <cmath>

namespace metalaudio::nn::cpu {

namespace {

/// The queries of one task: their scores against all keys stay in the second-level cache.
constexpr std::size_t kQueryRows = 24;

/// softmax(q kᵀ / sqrt(depth)) v per head. Keys and values are packed once per head; then every
/// task takes a few queries through both products, so the score matrix never exists as a whole.
class AttentionKernel final : public Kernel {
 public:
  AttentionKernel(const Step& step, const KernelContext& context)
      : heads_(static_cast<std::size_t>(std::get<AttentionAttributes>(step.attributes).heads)),
        q_(context.at(step.inputs[0])),
        k_(context.at(step.inputs[1])),
        v_(context.at(step.inputs[2])),
        y_(context.at(step.output)),
        queries_(static_cast<std::size_t>(context.shape(step.output)[1])),
        keys_(static_cast<std::size_t>(context.shape(step.inputs[1])[1])),
        channels_(static_cast<std::size_t>(context.shape(step.output)[2])),
        depth_(channels_ / heads_),
        width_(gemm_panel_width()),
        key_panels_((keys_ + width_ - 1) / width_),
        value_panels_((depth_ + width_ - 1) / width_),
        round_(context.round_to_bf16) {
    packed_keys_.resize(heads_ * key_panels_ * depth_ * width_);
    packed_values_.resize(heads_ * value_panels_ * keys_ * width_);
    context.workers.reserve_gemm(1, kQueryRows, std::max(keys_, depth_));
    context.workers.reserve_floats(kQueryRows * (keys_ + depth_));
  }

  void run(Workers& workers) noexcept override {
    workers.parallel_for(heads_, [this](std::size_t head, ThreadScratch&) { pack(head); });
    const std::size_t blocks = blocks_of(queries_, kQueryRows);
    workers.parallel_for(heads_ * blocks, [&](std::size_t task, ThreadScratch& scratch) {
      attend(task / blocks, task % blocks * kQueryRows, scratch);
    });
  }

 private:
  float* head_keys(std::size_t head) noexcept {
    return packed_keys_.data() + head * key_panels_ * depth_ * width_;
  }
  float* head_values(std::size_t head) noexcept {
    return packed_values_.data() + head * value_panels_ * keys_ * width_;
  }

  void pack(std::size_t head) noexcept {
    float* keys = head_keys(head);
    float* values = head_values(head);
    for (std::size_t key = 0; key < keys_; ++key) {
      const float* from = k_ + key * channels_ + head * depth_;
      float* to = keys + key / width_ * depth_ * width_ + key % width_;
      for (std::size_t c = 0; c < depth_; ++c) to[c * width_] = from[c];
    }
    for (std::size_t key = 0; key < keys_; ++key) {
      const float* from = v_ + key * channels_ + head * depth_;
      for (std::size_t c = 0; c < depth_; ++c) {
        values[(c / width_ * keys_ + key) * width_ + c % width_] = from[c];
      }
    }
    if (!round_) return;
    const std::size_t key_size = key_panels_ * depth_ * width_;
    const std::size_t value_size = value_panels_ * keys_ * width_;
    round_to_bf16({keys, key_size}, {keys, key_size});
    round_to_bf16({values, value_size}, {values, value_size});
  }

  void attend(std::size_t head, std::size_t first, ThreadScratch& scratch) noexcept {
    const std::size_t rows = std::min(kQueryRows, queries_ - first);
    const auto stride = static_cast<std::ptrdiff_t>(channels_);
    float* scores = scratch.floats.data();
    const auto score_stride = static_cast<std::ptrdiff_t>(keys_);
    const std::size_t offset = first * channels_ + head * depth_;
    GemmTap query{q_ + offset, stride, 0, static_cast<std::ptrdiff_t>(rows), 0};
    if (round_) query = round_tap(query, depth_, rows, scores + kQueryRows * keys_);
    gemm_block({&query, 1}, depth_, rows,
               {head_keys(head), key_panels_, depth_ * width_, keys_, nullptr}, scratch.gemm,
               {scores, score_stride});
    softmax(scores, score_stride, rows, keys_, 1.0F / std::sqrt(static_cast<float>(depth_)));
    if (round_) round_to_bf16({scores, rows * keys_}, {scores, rows * keys_});
    const GemmTap weight{scores, score_stride, 0, static_cast<std::ptrdiff_t>(rows), 0};
    gemm_block({&weight, 1}, keys_, rows,
               {head_values(head), value_panels_, keys_ * width_, depth_, nullptr}, scratch.gemm,
               {y_ + offset, stride});
  }

  std::size_t heads_;
  const float* q_;
  const float* k_;
  const float* v_;
  float* y_;
  std::size_t queries_;
  std::size_t keys_;
  std::size_t channels_;
  std::size_t depth_;  ///< of one head
  std::size_t width_;
  std::size_t key_panels_;
  std::size_t value_panels_;
  bool round_;
  std::vector<float> packed_keys_;
  std::vector<float> packed_values_;
};

}  // namespace

std::unique_ptr<Kernel> make_attention(const Step& step, const KernelContext& context) {
  return std::make_unique<AttentionKernel>(step, context);
}

}  // namespace metalaudio::nn::cpu

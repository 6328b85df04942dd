#pragma once

#include <metalaudio/nn/layers/linear.h>

#include <cstdint>
#include <memory>
#include <string>

namespace metalaudio::nn::layers {

/// Which keys a query may see. Masks are f32, added to the scores, or booleans.
struct AttentionMasks {
  /// torch's attn_mask: repeats to [batch][heads][queries][keys]. A true of a boolean one is seen
  /// in scaled_dot_product_attention, and not seen in MultiHeadAttention, as in torch.
  Value mask = {};
  /// How many keys each batch has: i64[batch]. Those beyond are not seen.
  Value lengths = {};
  /// torch's key_padding_mask: bool[batch][keys], true is not seen.
  Value key_padding = {};
  bool causal = false;
};

/// torch.nn.functional.scaled_dot_product_attention with `heads` side by side in the channels. A
/// query that sees no key gives zeros.
/// Shapes:   q[batch][queries][channels], k[batch][keys][channels], v[batch][keys][heads · depth]
///           -> [batch][queries][heads · depth]. scale 0: 1 / sqrt(channels / heads).
Value scaled_dot_product_attention(Graph& graph, Value q, Value k, Value v, std::int64_t heads,
                                   const AttentionMasks& masks = {}, float scale = 0);

struct MultiHeadAttentionOptions {
  std::int64_t embed_dim = 1;
  std::int64_t num_heads = 1;
  bool bias = true;
  std::int64_t kdim = 0;  ///< 0: embed_dim
  std::int64_t vdim = 0;
};

/// torch.nn.MultiheadAttention(batch_first=True, need_weights=False).
/// Shapes:   [batch][tokens][embed_dim] -> the same; in_proj_weight[3 · embed_dim][embed_dim],
///           in_proj_bias[3 · embed_dim], out_proj.weight[embed_dim][embed_dim],
///           out_proj.bias[embed_dim]. With kdim or vdim: q_proj_weight, k_proj_weight,
///           v_proj_weight in place of the first.
/// Threads:  as Layer.
class MultiHeadAttention final : public Layer {
 public:
  explicit MultiHeadAttention(const MultiHeadAttentionOptions& options);
  std::string name() const override;

  using Layer::write;
  /// module(q, k, v, …); write(scope, x) attends from x to itself.
  Value write(const Scope& scope, Value q, Value k, Value v,
              const AttentionMasks& masks = {}) const;

 protected:
  Value do_write(const Scope& scope, Value x) const override { return write(scope, x, x, x); }

 private:
  bool packed() const noexcept;
  Value project(const Scope& scope, Value x, int index) const;

  MultiHeadAttentionOptions options_;
  std::shared_ptr<Linear> out_proj_;
};

}  // namespace metalaudio::nn::layers

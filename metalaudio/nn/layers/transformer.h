#pragma once

#include <metalaudio/nn/layers/activation.h>
#include <metalaudio/nn/layers/attention.h>
#include <metalaudio/nn/layers/norm.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace metalaudio::nn::layers {

struct TransformerEncoderLayerOptions {
  std::int64_t d_model = 1;
  std::int64_t nhead = 1;
  std::int64_t dim_feedforward = 2048;
  UnaryFunction activation = UnaryFunction::relu;  ///< or gelu (exact), gelu_tanh
  float layer_norm_eps = 1e-5F;
  bool norm_first = false;
  bool bias = true;
};

/// torch.nn.TransformerEncoderLayer(batch_first=True), in eval().
/// Shapes:   [batch][tokens][d_model] -> the same; weights self_attn.…, linear1.…, linear2.…,
///           norm1.…, norm2.….
/// Threads:  as Layer.
class TransformerEncoderLayer final : public Layer {
 public:
  explicit TransformerEncoderLayer(const TransformerEncoderLayerOptions& options);
  std::string name() const override;

  using Layer::write;
  Value write(const Scope& scope, Value x, const AttentionMasks& masks) const;

 protected:
  Value do_write(const Scope& scope, Value x) const override { return write(scope, x, {}); }

 private:
  TransformerEncoderLayerOptions options_;
  std::shared_ptr<MultiHeadAttention> self_attn_;
  std::shared_ptr<Linear> linear1_;
  std::shared_ptr<Linear> linear2_;
  std::shared_ptr<LayerNorm> norm1_;
  std::shared_ptr<LayerNorm> norm2_;
};

/// torch.nn.TransformerEncoder: num_layers of one kind, and a last norm where it is asked for.
/// Shapes:   as its layers; weights layers.0.…, norm.….
/// Threads:  as Layer.
class TransformerEncoder final : public Layer {
 public:
  TransformerEncoder(const TransformerEncoderLayerOptions& options, std::int64_t num_layers,
                     bool final_norm = false);
  std::string name() const override;

  using Layer::write;
  Value write(const Scope& scope, Value x, const AttentionMasks& masks) const;

 protected:
  Value do_write(const Scope& scope, Value x) const override { return write(scope, x, {}); }

 private:
  std::vector<std::shared_ptr<TransformerEncoderLayer>> layers_;
  std::shared_ptr<LayerNorm> norm_;
};

}  // namespace metalaudio::nn::layers

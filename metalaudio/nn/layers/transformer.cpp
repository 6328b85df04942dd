#include <metalaudio/nn/layers/functional.h>
#include <metalaudio/nn/layers/transformer.h>

namespace metalaudio::nn::layers {

TransformerEncoderLayer::TransformerEncoderLayer(const TransformerEncoderLayerOptions& options)
    : options_(options) {
  const LayerNormOptions norm{{options.d_model}, options.layer_norm_eps, true, options.bias};
  self_attn_ =
      inner("self_attn", MultiHeadAttention({options.d_model, options.nhead, options.bias}));
  linear1_ = inner("linear1", Linear({options.d_model, options.dim_feedforward, options.bias}));
  linear2_ = inner("linear2", Linear({options.dim_feedforward, options.d_model, options.bias}));
  norm1_ = inner("norm1", LayerNorm(norm));
  norm2_ = inner("norm2", LayerNorm(norm));
}

std::string TransformerEncoderLayer::name() const {
  return fmt::format("TransformerEncoderLayer({}, {})", options_.d_model, options_.nhead);
}

Value TransformerEncoderLayer::write(const Scope& scope, Value x,
                                     const AttentionMasks& masks) const {
  expect(scope, x, 3, options_.d_model);
  Graph& graph = scope.graph;
  const auto attend = [&](Value v) {
    return self_attn_->write(scope("self_attn"), v, v, v, masks);
  };
  const auto feed_forward = [&](Value v) {
    const Value hidden = linear1_->write(scope("linear1"), v);
    return linear2_->write(scope("linear2"), graph.apply(Unary{options_.activation}, {hidden}));
  };
  const auto norm1 = [&](Value v) { return norm1_->write(scope("norm1"), v); };
  const auto norm2 = [&](Value v) { return norm2_->write(scope("norm2"), v); };
  if (options_.norm_first) {
    x = add(graph, x, attend(norm1(x)));
    return add(graph, x, feed_forward(norm2(x)));
  }
  x = norm1(add(graph, x, attend(x)));
  return norm2(add(graph, x, feed_forward(x)));
}

TransformerEncoder::TransformerEncoder(const TransformerEncoderLayerOptions& options,
                                       std::int64_t num_layers, bool final_norm) {
  for (std::int64_t i = 0; i < num_layers; ++i) {
    layers_.push_back(inner(fmt::format("layers.{}", i), TransformerEncoderLayer(options)));
  }
  if (final_norm) norm_ = inner("norm", LayerNorm({{options.d_model}, options.layer_norm_eps}));
}

std::string TransformerEncoder::name() const {
  return fmt::format("TransformerEncoder({} layers)", layers_.size());
}

Value TransformerEncoder::write(const Scope& scope, Value x, const AttentionMasks& masks) const {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    x = layers_[i]->write(scope(fmt::format("layers.{}", i)), x, masks);
  }
  return norm_ ? norm_->write(scope("norm"), x) : x;
}

}  // namespace metalaudio::nn::layers

#include <metalaudio/models/htdemucs/layers.h>

#include <metalaudio/core/error.h>
#include <metalaudio/nn/layers/functional.h>

#include <cmath>

namespace metalaudio::models {

using nn::Graph;
using nn::Value;
using nn::Weights;

namespace {

Value vector_of(Graph& graph, const Weights& weights, const std::string& name, std::int64_t size) {
  return graph.constant(weights.constant(name, {size}));
}

/// torch.nn.LayerNorm, or upstream's MyGroupNorm over all tokens where groups > 0.
Value norm(Graph& graph, const Weights& weights, Value x, std::int64_t groups) {
  const std::int64_t channels = graph.shape(x).back();
  const Value gamma = vector_of(graph, weights, "weight", channels);
  const Value beta = vector_of(graph, weights, "bias", channels);
  if (groups > 0) return graph.apply(nn::GroupNorm{groups, 2}, {x, gamma, beta});
  return graph.apply(nn::LayerNorm{}, {x, gamma, beta});
}

Value linear(Graph& graph, const Weights& weights, Value x, std::int64_t out) {
  const std::int64_t in = graph.shape(x).back();
  return graph.apply(nn::linear(), {x, graph.constant(weights.constant("weight", {out, in})),
                                    vector_of(graph, weights, "bias", out)});
}

/// torch.nn.MultiheadAttention with batch_first, packed projections and no mask.
Value multi_head_attention(Graph& graph, const Weights& weights, Value q, Value kv,
                           std::int64_t heads) {
  const std::int64_t channels = graph.shape(q).back();
  const auto rows = [&](const char* name, const Shape& shape, std::int64_t part) {
    return graph.constant(weights.rows(name, shape, part * channels, channels));
  };
  const auto project = [&](Value x, std::int64_t part) {
    return graph.apply(nn::linear(), {x, rows("in_proj_weight", {3 * channels, channels}, part),
                                      rows("in_proj_bias", {3 * channels}, part)});
  };
  const Value attended =
      graph.apply(nn::Attention{heads}, {project(q, 0), project(kv, 1), project(kv, 2)});
  return linear(graph, weights("out_proj"), attended, channels);
}

/// x + gamma · block, where gamma is upstream's LayerScale or nothing.
Value residual(Graph& graph, const Weights& weights, const HTDemucsConfig& config,
               const char* gamma, Value x, Value block) {
  if (config.t_layer_scale) {
    const std::int64_t channels = graph.shape(x).back();
    block = multiply(graph, block, vector_of(graph, weights(gamma), "scale", channels));
  }
  return add(graph, x, block);
}

Value feed_forward(Graph& graph, const Weights& weights, const HTDemucsConfig& config, Value x) {
  const std::int64_t channels = graph.shape(x).back();
  const auto hidden =
      static_cast<std::int64_t>(static_cast<double>(channels) * config.t_hidden_scale);
  const nn::UnaryFunction function =
      config.t_gelu ? nn::UnaryFunction::gelu : nn::UnaryFunction::relu;
  const Value y = graph.apply(nn::Unary{function}, {linear(graph, weights("linear1"), x, hidden)});
  return linear(graph, weights("linear2"), y, channels);
}

/// demucs.transformer.MyTransformerEncoderLayer where kv is null, CrossTransformerEncoderLayer
/// otherwise.
Value transformer_layer(Graph& graph, const Weights& weights, const HTDemucsConfig& config, Value x,
                        const Value* kv) {
  graph.set_label(weights.prefix());
  const std::int64_t groups = config.t_group_norm;
  const Weights attention = weights(kv != nullptr ? "cross_attn" : "self_attn");
  const auto attend = [&](Value q, Value memory) {
    return multi_head_attention(graph, attention, q, memory, config.t_heads);
  };
  if (!config.t_norm_first) {
    x = residual(graph, weights, config, "gamma_1", x, attend(x, kv != nullptr ? *kv : x));
    x = norm(graph, weights("norm1"), x, groups);
    x = residual(graph, weights, config, "gamma_2", x, feed_forward(graph, weights, config, x));
    return norm(graph, weights("norm2"), x, groups);
  }
  const Value q = norm(graph, weights("norm1"), x, groups);
  const Value memory = kv != nullptr ? norm(graph, weights("norm2"), *kv, groups) : q;
  x = residual(graph, weights, config, "gamma_1", x, attend(q, memory));
  const Value y = norm(graph, weights(kv != nullptr ? "norm3" : "norm2"), x, groups);
  x = residual(graph, weights, config, "gamma_2", x, feed_forward(graph, weights, config, y));
  return config.t_norm_out > 0 ? norm(graph, weights("norm_out"), x, config.t_norm_out) : x;
}

/// demucs.transformer.create_2d_sin_embedding as [rows][positions][channels]. The phases are
/// float32 products as upstream computes them: their rounding is part of what networks have learnt.
Tensor sin_embedding_2d(const HTDemucsConfig& config, std::int64_t rows, std::int64_t positions,
                        std::int64_t channels) {
  if (channels % 4 != 0) {
    fail(ErrorCode::invalid_data, "[HTDemucs] {} channels in the transformer: a multiple of 4",
         channels);
  }
  const std::int64_t half = channels / 2;
  const auto slope =
      static_cast<float>(-(std::log(config.t_max_period) / static_cast<double>(half)));
  Tensor embedding({rows, positions, channels});
  for (std::int64_t i = 0; i < half; i += 2) {
    const auto factor =
        static_cast<float>(std::exp(static_cast<double>(static_cast<float>(i) * slope)));
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t p = 0; p < positions; ++p) {
        float* at = embedding.data() + (r * positions + p) * channels + i;
        const float along_time = static_cast<float>(p) * factor;
        const float along_rows = static_cast<float>(r) * factor;
        at[0] = std::sin(along_time);
        at[half] = std::sin(along_rows);
        if (i + 1 < half) {
          at[1] = std::cos(along_time);
          at[half + 1] = std::cos(along_rows);
        }
      }
    }
  }
  return embedding;
}

/// demucs.transformer.create_sin_embedding, and its cape form in eval mode, which centres
/// positions.
Tensor sin_embedding(const HTDemucsConfig& config, std::int64_t positions, std::int64_t channels) {
  if (channels % 2 != 0 || channels < 4) {
    fail(ErrorCode::invalid_data, "[HTDemucs] {} channels in the transformer: even, at least 4",
         channels);
  }
  const std::int64_t half = channels / 2;
  const bool centred = config.t_emb == "cape" && config.t_cape_mean_normalize;
  const float mean = centred ? static_cast<float>(positions - 1) / 2 : 0.0F;
  Tensor embedding({1, positions, channels});
  for (std::int64_t i = 0; i < half; ++i) {
    const float exponent = static_cast<float>(i) / static_cast<float>(half - 1);
    const auto divisor =
        static_cast<float>(std::pow(config.t_max_period, static_cast<double>(exponent)));
    for (std::int64_t p = 0; p < positions; ++p) {
      const float phase = (static_cast<float>(p) - mean) / divisor;
      embedding.data()[p * channels + i] = std::cos(phase);
      embedding.data()[p * channels + half + i] = std::sin(phase);
    }
  }
  return embedding;
}

Tensor time_embedding(const Weights& weights, const HTDemucsConfig& config, std::int64_t positions,
                      std::int64_t channels) {
  if (config.t_emb != "scaled") return sin_embedding(config, positions, channels);
  if (positions > config.t_max_positions) {
    fail(ErrorCode::invalid_data, "[HTDemucs] {} time steps, but t_max_positions is {}", positions,
         config.t_max_positions);
  }
  const Tensor table =
      weights("position_embeddings.embedding").tensor("weight", {config.t_max_positions, channels});
  Tensor embedding({1, positions, channels});
  constexpr float kBoost = 3.0F;  // upstream's ScaledEmbedding
  for (std::size_t i = 0; i < embedding.size(); ++i) embedding.data()[i] = table.data()[i] * kBoost;
  return embedding;
}

Value norm_in(Graph& graph, const Weights& weights, const HTDemucsConfig& config, Value x) {
  if (config.t_norm_in) return norm(graph, weights, x, 0);
  return config.t_norm_in_group > 0 ? norm(graph, weights, x, config.t_norm_in_group) : x;
}

Value add_embedding(Graph& graph, const HTDemucsConfig& config, Value x, Tensor embedding) {
  const auto weight = static_cast<float>(config.t_weight_pos_embed);
  for (float& value : embedding.values()) value *= weight;
  return add(graph, x, graph.constant(std::move(embedding)));
}

}  // namespace

Branches cross_transformer(Graph& graph, const Weights& weights, const HTDemucsConfig& config,
                           std::int64_t channels, Branches branches, const Tap& tap) {
  graph.set_label(weights.prefix());
  if (channels % config.t_heads != 0) {
    fail(ErrorCode::invalid_data, "[HTDemucs] {} heads do not divide {} channels", config.t_heads,
         channels);
  }
  const Shape shape = graph.shape(branches.x);
  // Upstream orders tokens (time, frequency); nothing below depends on their order but the
  // embedding, which is laid out to match.
  Value x = norm_in(graph, weights("norm_in"), config, branches.x);
  const std::int64_t rows = extent_before_channels(shape, 2);
  const std::int64_t columns = extent_before_channels(shape, 1);
  x = add_embedding(graph, config, x, sin_embedding_2d(config, rows, columns, channels));
  std::vector<std::int64_t> tokens(shape.extents().begin(), shape.extents().end());
  tokens[shape.rank() - 3] = 1;
  tokens[shape.rank() - 2] = rows * columns;
  x = reshape(graph, x, Shape(tokens));
  Value xt = norm_in(graph, weights("norm_in_t"), config, branches.xt);
  const std::int64_t steps = extent_before_channels(graph.shape(xt), 1);
  xt = add_embedding(graph, config, xt, time_embedding(weights, config, steps, channels));
  tap("transformer_tokens", x);
  tap("transformer_tokens_t", xt);
  for (int i = 0; i < config.t_layers; ++i) {
    const bool cross = (i % 2 == 1) != config.t_cross_first;
    const Value old_x = x;
    x = transformer_layer(graph, weights("layers", i), config, x, cross ? &xt : nullptr);
    xt = transformer_layer(graph, weights("layers_t", i), config, xt, cross ? &old_x : nullptr);
    tap(fmt::format("transformer.layers.{}", i), x);
    tap(fmt::format("transformer.layers_t.{}", i), xt);
  }
  return {reshape(graph, x, shape), xt};
}

}  // namespace metalaudio::models

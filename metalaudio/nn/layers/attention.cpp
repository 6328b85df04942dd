#include <metalaudio/core/error.h>
#include <metalaudio/nn/layers/attention.h>

#include <array>
#include <cstring>
#include <numeric>

namespace metalaudio::nn::layers {

namespace {

/// 0 where a key is seen, −inf elsewhere: the logarithm of 1 and 0.
Value additive(Graph& graph, Value seen) {
  return graph.apply(Unary{UnaryFunction::log}, {graph.apply(Cast{DataType::f32}, {seen})});
}

/// bool[batch][keys]: key < length.
Value seen_keys(Graph& graph, Value lengths, std::int64_t keys) {
  Tensor positions({1, keys}, graph.type(lengths).type);
  visit_type(positions.type(), [&]<typename T>(std::type_identity<T>) {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      std::iota(positions.values_as<T>().begin(), positions.values_as<T>().end(), T{0});
    }
  });
  const Value rows = graph.apply(Reshape{{graph.shape(lengths).size(), 1}}, {lengths});
  return graph.apply(Binary{BinaryFunction::less}, {graph.constant(std::move(positions)), rows});
}

Value plus(Graph& graph, Value a, Value b) {
  return a.present() ? graph.apply(Binary{BinaryFunction::add}, {a, b}) : b;
}

}  // namespace

Value scaled_dot_product_attention(Graph& graph, Value q, Value k, Value v, std::int64_t heads,
                                   const AttentionMasks& masks, float scale) {
  const Shape& keys = graph.shape(k);
  if (keys.rank() != 3) {
    fail(ErrorCode::invalid_argument, "[Attention] keys are {}, expected [batch, keys, channels]",
         keys.to_string());
  }
  const Shape per_key{keys[0], 1, 1, keys[1]};
  Value mask;
  if (masks.mask.present()) {
    const bool seen = graph.type(masks.mask).type == DataType::boolean;
    mask = seen ? additive(graph, masks.mask) : masks.mask;
  }
  if (masks.lengths.present()) {
    const Value seen = seen_keys(graph, masks.lengths, keys[1]);
    mask = plus(graph, mask, graph.apply(Reshape{per_key}, {additive(graph, seen)}));
  }
  if (masks.key_padding.present()) {
    const Value seen = graph.apply(Unary{UnaryFunction::logical_not}, {masks.key_padding});
    mask = plus(graph, mask, graph.apply(Reshape{per_key}, {additive(graph, seen)}));
  }
  return graph.apply(Attention{heads, -2, scale, masks.causal}, {q, k, v, mask});
}

MultiHeadAttention::MultiHeadAttention(const MultiHeadAttentionOptions& options)
    : options_(options) {
  expect_positive("num_heads", options.num_heads);
  expect_positive("embed_dim", options.embed_dim);
  if (options.embed_dim % options.num_heads != 0) {
    fail(ErrorCode::invalid_argument, "[{}] the heads do not divide the channels", name());
  }
  if (options_.kdim == 0) options_.kdim = options.embed_dim;
  if (options_.vdim == 0) options_.vdim = options.embed_dim;
  const std::int64_t size = options.embed_dim;
  if (packed()) {
    declare("in_proj_weight", {3 * size, size});
  } else {
    declare("q_proj_weight", {size, size});
    declare("k_proj_weight", {size, options_.kdim});
    declare("v_proj_weight", {size, options_.vdim});
  }
  if (options.bias) declare("in_proj_bias", {3 * size});
  out_proj_ = inner("out_proj", Linear({size, size, options.bias}));
}

std::string MultiHeadAttention::name() const {
  return fmt::format("MultiHeadAttention({}, {})", options_.embed_dim, options_.num_heads);
}

bool MultiHeadAttention::packed() const noexcept {
  return options_.kdim == options_.embed_dim && options_.vdim == options_.embed_dim;
}

Value MultiHeadAttention::project(const Scope& scope, Value x, int index) const {
  const std::array names{"q_proj_weight", "k_proj_weight", "v_proj_weight"};
  const std::int64_t size = options_.embed_dim;
  const std::array depths{size, options_.kdim, options_.vdim};
  const auto which = static_cast<std::size_t>(index);
  expect(scope, x, 3, depths[which]);
  Graph& graph = scope.graph;
  const auto part = [&](const Tensor& from, const Shape& shape, std::int64_t first) {
    Tensor to(shape);
    std::memcpy(to.data(), from.data() + first, to.bytes());
    return graph.constant(std::move(to));
  };
  const Value weight = packed() ? part(numbers("in_proj_weight"), {size, size}, index * size * size)
                                : this->weight(scope, names[which]);
  const Value bias = options_.bias ? part(numbers("in_proj_bias"), {size}, index * size) : Value{};
  return graph.apply(nn::linear(), {x, weight, bias});
}

Value MultiHeadAttention::write(const Scope& scope, Value q, Value k, Value v,
                                const AttentionMasks& masks) const {
  expect_offline(scope);
  scope.graph.set_label(scope.path);
  AttentionMasks seen = masks;
  if (seen.mask.present() && scope.graph.type(seen.mask).type == DataType::boolean) {
    seen.mask = scope.graph.apply(Unary{UnaryFunction::logical_not}, {seen.mask});
  }
  const Value attended =
      scaled_dot_product_attention(scope.graph, project(scope, q, 0), project(scope, k, 1),
                                   project(scope, v, 2), options_.num_heads, seen);
  return out_proj_->write(scope("out_proj"), attended);
}

}  // namespace metalaudio::nn::layers

#include <metalaudio/nn/io/onnx/convolution.h>
#include <metalaudio/nn/io/onnx/import_table.h>

#include <cmath>

namespace metalaudio::nn {

namespace {

using Results = std::vector<Value>;

constexpr std::int64_t kMostTokens = 10'000;

/// [B][T][heads · D] as [T][B][heads][D], in float32.
Value tokens_of(Builder& b, Value x, std::int64_t heads) {
  const Shape s = b.shape(x);
  if (s.rank() != 3 || heads < 1 || s[2] % heads != 0) {
    invalid("{} in {} heads", s.to_string(), heads);
  }
  const Value apart = b.reshape(x, {s[0], s[1], heads, s[2] / heads});
  return b.cast(b.transpose(apart, {1, 0, 2, 3}), DataType::f32);
}

/// query, key, value, past_state[B][H][K][V], decay, beta -> output, present_state. The recurrence
/// of its specification, written out token by token.
Results linear_attention(Call& c) {
  Builder& b = c.b;
  const std::int64_t query_heads = c.attribute("q_num_heads", std::int64_t{0});
  const std::int64_t heads = c.attribute("kv_num_heads", std::int64_t{0});
  if (heads < 1 || query_heads < 1 || query_heads % heads != 0) {
    invalid("{} heads of queries, {} of keys", query_heads, heads);
  }
  const std::string rule = c.attribute("update_rule", "gated_delta");
  const bool gated = rule == "gated" || rule == "gated_delta";
  const bool corrected = rule == "delta" || rule == "gated_delta";
  if (!gated && !corrected && rule != "linear") invalid("update_rule \"{}\"", rule);
  if (gated != c.has(4) || corrected != c.has(5)) invalid("the inputs of rule \"{}\"", rule);
  const Value queries = tokens_of(b, c.in(0), query_heads);
  const Value keys = tokens_of(b, c.in(1), heads);
  const Value values = tokens_of(b, c.in(2), heads);
  const Shape of_keys = b.shape(keys);
  const std::int64_t tokens = of_keys[0];
  const std::int64_t batch = of_keys[1];
  const std::int64_t width = of_keys[3];
  const std::int64_t value_width = b.shape(values)[3];
  if (b.shape(queries) != Shape{tokens, batch, query_heads, width} ||
      b.shape(values) != Shape{tokens, batch, heads, value_width}) {
    invalid("{}, {} and {}", c.shape(0).to_string(), c.shape(1).to_string(),
            c.shape(2).to_string());
  }
  if (tokens < 1 || tokens > kMostTokens) unsupported("{} tokens", tokens);
  const Value decay = gated ? b.unary(UnaryFunction::exp, tokens_of(b, c.in(4), heads)) : Value{};
  const Value beta = corrected ? tokens_of(b, c.in(5), c.shape(5).back()) : Value{};
  const Shape of_state{batch, heads, width, value_width};
  Value state = c.has(3) ? b.cast(c.in(3), DataType::f32) : b.filled(of_state, 0, DataType::f32);
  if (b.shape(state) != of_state) invalid("past_state {}", b.shape(state).to_string());
  double scale = c.attribute("scale", 0.0);
  if (scale == 0) scale = 1 / std::sqrt(static_cast<double>(width));
  const std::int64_t group = query_heads / heads;
  std::vector<Value> parts;
  for (std::int64_t t = 0; t < tokens; ++t) {
    if (gated) {
      const Value factor = b.pick(decay, 0, t);
      state = b.multiply(state, b.reshape(factor, {batch, heads, b.shape(factor)[2], 1}));
    }
    const Value key = b.reshape(b.pick(keys, 0, t), {batch, heads, 1, width});
    Value value = b.reshape(b.pick(values, 0, t), {batch, heads, 1, value_width});
    if (corrected) {
      const Value rate = b.pick(beta, 0, t);
      value = b.multiply(b.reshape(rate, {batch, b.shape(rate)[1], 1, 1}),
                         b.subtract(value, b.matmul(key, state)));
    }
    state = b.add(state, b.multiply(b.swap_last_two(key), value));
    // The queries of a group share a state.
    const Value query = b.reshape(b.pick(queries, 0, t), {batch, heads, group, width});
    parts.push_back(
        b.reshape(b.scaled(b.matmul(query, state), scale), {batch, 1, query_heads * value_width}));
  }
  const DataType kept = c.has(3) ? c.type(3) : c.type(0);
  return {b.cast(b.concat(parts, 1), c.type(0)), b.cast(state, kept)};
}

/// input[B][C][L], weight[C][1][k], bias, past_state[B][C][k − 1] -> output, present_state.
Results causal_conv(Call& c) {
  Builder& b = c.b;
  const Shape in = c.shape(0);
  const Value weight = c.weight(1);
  const Shape w = b.shape(weight);
  if (in.rank() != 3 || w.rank() != 3 || w[0] != in[1] || w[1] != 1 || w[2] < 1) {
    invalid("weight {} for {}", w.to_string(), in.to_string());
  }
  const std::int64_t before = w[2] - 1;
  const Shape of_state{in[0], in[1], before};
  const Value past = c.has(3) ? c.in(3) : b.filled(of_state, 0, c.type(0));
  if (b.shape(past) != of_state) invalid("past_state {}", b.shape(past).to_string());
  const Value all = b.concat({past, c.in(0)}, 2);
  const Conv conv{{SlidingAxis{w[2], 1, 1, 0, 0}}, in[1]};
  const Value bias = c.has(2) ? c.weight(2) : Value{};
  Value y = b.channels_first(b.apply(conv, {b.channels_last(all), b.channels_last(weight), bias}));
  const std::string activation = c.attribute("activation", "none");
  if (activation == "silu" || activation == "swish") {
    y = b.unary(UnaryFunction::silu, y);
  } else if (activation != "none") {
    invalid("activation \"{}\"", activation);
  }
  return {y, b.slice(all, 2, in[2], before)};
}

constexpr ImportEntry kEntries[] = {{"CausalConvWithState", causal_conv},
                                    {"LinearAttention", linear_attention}};

}  // namespace

std::span<const ImportEntry> linear_attention_imports() { return kEntries; }

}  // namespace metalaudio::nn

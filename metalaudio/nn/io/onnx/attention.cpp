#include <metalaudio/nn/io/onnx/import_table.h>

#include <cmath>
#include <limits>
#include <numeric>

namespace metalaudio::nn {

namespace {

using Results = std::vector<Value>;

/// [B][S][heads · D] as [B][heads][S][D]; four axes are that already.
Value heads_of(Builder& b, Value x, std::int64_t heads) {
  const Shape shape = b.shape(x);
  if (shape.rank() == 4) return x;
  if (shape.rank() != 3 || heads < 1 || shape[2] % heads != 0) {
    invalid("{} in {} heads", shape.to_string(), heads);
  }
  return b.transpose(b.reshape(x, {shape[0], shape[1], heads, shape[2] / heads}), {0, 2, 1, 3});
}

/// As many heads as the queries have: each stands for a group of them.
Value repeated(Builder& b, Value x, std::int64_t heads) {
  const Shape s = b.shape(x);
  if (s[1] == heads) return x;
  if (s[1] < 1 || heads % s[1] != 0) invalid("{} heads of queries, {} of keys", heads, s[1]);
  const std::int64_t times = heads / s[1];
  const Value apart = b.reshape(x, {s[0], s[1], 1, s[2], s[3]});
  return b.reshape(b.expand(apart, {s[0], s[1], times, s[2], s[3]}), {s[0], heads, s[2], s[3]});
}

/// 0 where a query may see a key, −inf elsewhere.
Value as_bias(Builder& b, Value mask, DataType type) {
  if (b.type(mask) != DataType::boolean) return b.cast(mask, type);
  const Value hidden = b.number(-std::numeric_limits<double>::infinity(), type);
  return b.where(mask, b.number(0, type), hidden);
}

/// A mask that is too short hides the keys beyond it.
Value to_length(Builder& b, Value mask, std::int64_t keys) {
  const Shape shape = b.shape(mask);
  if (shape.rank() == 0 || shape.back() >= keys || shape.back() == 1) return mask;
  Pad pad{Integers(shape.rank()), Integers(shape.rank()), PadMode::constant, 0};
  pad.after.back() = keys - shape.back();
  if (is_floating(b.type(mask))) pad.value = -std::numeric_limits<double>::infinity();
  return b.apply(pad, {mask});
}

Value counted(Builder& b, std::int64_t count, const Shape& shape) {
  b.check_room(static_cast<double>(count));
  Integers positions(static_cast<std::size_t>(count));
  std::iota(positions.begin(), positions.end(), std::int64_t{0});
  return b.reshape(b.integers(positions), shape);
}

/// What each query may see: keys up to itself where causal, within the window, and those that are
/// there. The queries stand after the keys of the cache. Value{} hides nothing.
Value visible(Call& c, std::int64_t queries, std::int64_t keys, std::int64_t past) {
  Builder& b = c.b;
  Value all{};
  const auto hide = [&](Value seen) {
    all = all.present() ? b.binary(BinaryFunction::logical_and, all, seen) : seen;
  };
  const Value key = counted(b, keys, {1, keys});
  const auto number = [&](std::int64_t value) { return b.reshape(b.integers({value}), Shape{}); };
  Value first = number(past);
  if (c.has(6)) {
    const Value lengths = b.reshape(b.cast(c.in(6), DataType::i64), {c.shape(6).size(), 1, 1, 1});
    first = b.subtract(lengths, number(queries));
    hide(b.binary(BinaryFunction::less, key, lengths));
  }
  const Value query = b.add(counted(b, queries, {queries, 1}), first);
  if (c.attribute("is_causal", std::int64_t{0}) != 0) {
    hide(b.binary(BinaryFunction::less_or_equal, key, query));
  }
  const std::int64_t left = c.attribute("left_window_size", std::int64_t{-1});
  const std::int64_t right = c.attribute("right_window_size", std::int64_t{-1});
  if (left >= 0)
    hide(b.binary(BinaryFunction::greater_or_equal, key, b.subtract(query, number(left))));
  if (right >= 0) hide(b.binary(BinaryFunction::less_or_equal, key, b.add(query, number(right))));
  return all;
}

/// softmax, and zeros where a query may see no key.
Value guarded_softmax(Builder& b, Value scores, Value bias) {
  const Value weights = b.apply(Softmax{-1, false}, {scores});
  if (!bias.present()) return weights;
  const Value best = b.reduce(ReduceFunction::maximum, bias, {b.rank(bias) - 1}, true);
  const Value none = b.unary(UnaryFunction::is_inf, best, 1, 0);
  return b.where(none, b.number(0, b.type(weights)), weights);
}

/// Q, K, V, attn_mask, past_key, past_value, nonpad_kv_seqlen -> Y, present_key, present_value,
/// qk_matmul_output. The cap is put on before the mask, so that −inf stays.
Results attention(Call& c) {
  Builder& b = c.b;
  const DataType type = c.type(0);
  const bool flat = c.shape(0).rank() == 3;
  const Value q = heads_of(b, c.in(0), c.attribute("q_num_heads", std::int64_t{0}));
  const std::int64_t kv_heads = c.attribute("kv_num_heads", std::int64_t{0});
  Value keys = heads_of(b, c.in(1), kv_heads);
  Value values = heads_of(b, c.in(2), kv_heads);
  const std::int64_t past = c.has(4) ? c.shape(4)[2] : 0;
  if (c.has(4)) keys = b.concat({c.in(4), keys}, 2);
  if (c.has(5)) values = b.concat({c.in(5), values}, 2);
  const Shape qs = b.shape(q);
  if (qs.rank() != 4 || b.rank(keys) != 4) invalid("queries {}", qs.to_string());
  const double scale = c.attribute("scale", 1 / std::sqrt(static_cast<double>(qs[3])));
  // Both sides by the root, so that half precisions do not overflow.
  const Value left = b.scaled(q, std::sqrt(scale));
  const Value right = b.scaled(repeated(b, keys, qs[1]), std::sqrt(scale));
  Value raw = b.matmul(left, b.swap_last_two(right));
  const double cap = c.attribute("softcap", 0.0);
  if (cap > 0) raw = b.scaled(b.unary(UnaryFunction::tanh, b.scaled(raw, 1 / cap)), cap);
  const std::int64_t count = b.shape(keys)[2];
  Value bias = c.has(3) ? as_bias(b, to_length(b, c.in(3), count), type) : Value{};
  if (const Value seen = visible(c, qs[2], count, past); seen.present()) {
    const Value hidden = as_bias(b, seen, type);
    bias = bias.present() ? b.add(bias, hidden) : hidden;
  }
  const Value biased = bias.present() ? b.add(raw, bias) : raw;
  const DataType precision = c.attribute_type("softmax_precision", type);
  const Value weights = b.cast(guarded_softmax(b, b.cast(biased, precision), bias), type);
  Value y = b.matmul(weights, repeated(b, values, qs[1]));
  if (flat) {
    const Shape s = b.shape(y);
    y = b.reshape(b.transpose(y, {0, 2, 1, 3}), {s[0], s[2], s[1] * s[3]});
  }
  switch (c.attribute("qk_matmul_output_mode", std::int64_t{0})) {
    case 1:
      return {y, keys, values, raw};
    case 2:
      return {y, keys, values, biased};
    case 3:
      return {y, keys, values, weights};
    default:
      return {y, keys, values, raw};
  }
}

/// Every other channel from the first or second on.
Value every_other(Builder& b, Value x, std::int64_t first) {
  const Shape s = b.shape(x);
  Slice slice{{0, 0, 0, first}, {s[0], s[1], s[2], s[3] / 2}, {1, 1, 1, 2}};
  return b.apply(slice, {x});
}

/// X, cos_cache, sin_cache, position_ids.
Results rotary_embedding(Call& c) {
  Builder& b = c.b;
  const Shape shape = c.shape(0);
  // Tokens before heads: [B][S][heads][D].
  Value x = c.in(0);
  if (shape.rank() == 4) {
    x = b.transpose(x, {0, 2, 1, 3});
  } else {
    const std::int64_t heads = c.attribute("num_heads", std::int64_t{0});
    if (shape.rank() != 3 || heads < 1 || shape[2] % heads != 0) {
      invalid("{} in {} heads", shape.to_string(), heads);
    }
    x = b.reshape(x, {shape[0], shape[1], heads, shape[2] / heads});
  }
  const Shape s = b.shape(x);
  std::int64_t rotated = c.attribute("rotary_embedding_dim", std::int64_t{0});
  if (rotated == 0) rotated = s[3];
  if (rotated < 2 || rotated > s[3] || rotated % 2 != 0)
    invalid("{} channels of {}", rotated, s[3]);
  const auto cache = [&](std::size_t i) {
    Value table = c.in(i);
    if (c.has(3)) table = b.apply(Gather{0}, {table, c.in(3)});
    const Shape t = b.shape(table);
    if (t.rank() != 3 || t[2] < rotated / 2) invalid("a cache of {}", t.to_string());
    table = b.slice(table, 2, 0, rotated / 2);
    return b.reshape(table, {b.shape(table)[0], b.shape(table)[1], 1, rotated / 2});
  };
  const Value cosine = cache(1);
  const Value sine = cache(2);
  const bool interleaved = c.attribute("interleaved", std::int64_t{0}) != 0;
  const Value turning = b.slice(x, 3, 0, rotated);
  const Value first =
      interleaved ? every_other(b, turning, 0) : b.slice(turning, 3, 0, rotated / 2);
  const Value second =
      interleaved ? every_other(b, turning, 1) : b.slice(turning, 3, rotated / 2, rotated / 2);
  const Value real = b.subtract(b.multiply(cosine, first), b.multiply(sine, second));
  const Value imaginary = b.add(b.multiply(sine, first), b.multiply(cosine, second));
  Value y{};
  if (interleaved) {
    const Shape apart{s[0], s[1], s[2], rotated / 2, 1};
    y = b.concat({b.reshape(real, apart), b.reshape(imaginary, apart)}, 4);
    y = b.reshape(y, {s[0], s[1], s[2], rotated});
  } else {
    y = b.concat({real, imaginary}, 3);
  }
  if (rotated < s[3]) y = b.concat({y, b.slice(x, 3, rotated, s[3] - rotated)}, 3);
  return {shape.rank() == 4 ? b.transpose(y, {0, 2, 1, 3}) : b.reshape(y, shape)};
}

constexpr ImportEntry kEntries[] = {{"Attention", attention},
                                    {"RotaryEmbedding", rotary_embedding}};

}  // namespace

std::span<const ImportEntry> attention_imports() { return kEntries; }

}  // namespace metalaudio::nn

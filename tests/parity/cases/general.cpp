#include "tests/parity/parity_case.h"

namespace metalaudio::nn {

namespace {

const std::vector<DataType> kFloats = {DataType::f64, DataType::f16, DataType::bf16};

/// A constant of any floating type.
Value constant(Maker& m, const Shape& shape, DataType type, double scale = 0.4, double offset = 0) {
  const Value value = m.random(shape, scale, offset);
  return type == DataType::f32 ? value : m.graph.apply(Cast{type}, {value});
}

/// Weights that are constant, or come when the graph runs.
Value weight(Maker& m, const Shape& shape, DataType type, bool fixed) {
  return fixed ? constant(m, shape, type) : m.input_between(shape, -0.5, 0.5, type);
}

void conv(Maker& m, std::size_t variant, DataType type) {
  const bool fixed = variant % 2 == 0 && type == DataType::f64;
  const std::int64_t groups = variant % 3 == 0 ? 2 : 1;
  const Value bias = variant % 4 == 0 ? Value{} : weight(m, {4}, type, fixed);
  switch (variant % 4) {
    case 0:
      return m.finish(
          m.graph.apply(linear(), {m.input({3, 5, 6}, type), weight(m, {4, 6}, type, fixed)}));
    case 1:
      return m.finish(m.graph.apply(
          Conv{{{3, 2, 2, 2, 1}}, groups},
          {m.input({2, 11, 6}, type), weight(m, {4, 3, 6 / groups}, type, fixed), bias}));
    case 2:
      return m.finish(m.graph.apply(
          Conv{{{2, 1, 1, 0, 1}, {3, 2, 1, 1, 1}}, groups},
          {m.input({2, 5, 7, 6}, type), weight(m, {4, 2, 3, 6 / groups}, type, fixed), bias}));
    default:
      return m.finish(
          m.graph.apply(Conv{{{2, 1, 1, 1, 0}, {3, 2, 1, 1, 1}, {2, 1, 3, 1, 2}}, groups},
                        {m.input({2, 4, 5, 6, 6}, type),
                         weight(m, {4, 2, 3, 2, 6 / groups}, type, fixed), bias}));
  }
}

void conv_transpose(Maker& m, std::size_t variant, DataType type) {
  const bool fixed = variant % 2 == 0 && type == DataType::f64;
  const std::int64_t groups = variant % 3 == 0 ? 2 : 1;
  const std::int64_t axes = static_cast<std::int64_t>(variant % 3) + 1;
  std::vector<std::int64_t> in = {2};
  std::vector<std::int64_t> w = {4};
  ConvTranspose conv;
  conv.groups = groups;
  for (std::int64_t i = 0; i < axes; ++i) {
    in.push_back(4 + i);
    w.push_back(3);
    conv.axes.push_back({3, 2, i, 9, i == 0 ? 2 : 1});
  }
  in.push_back(6);
  w.push_back(6 / groups);
  m.finish(m.graph.apply(conv, {m.input(Shape(in), type), weight(m, Shape(w), type, fixed),
                                weight(m, {4}, type, fixed)}));
}

/// Three axes with constant weights of float32, which the fast steps do not have.
void conv_of_three_axes(Maker& m, std::size_t variant) {
  m.finish(m.conv(m.input({2, 4, 5, 6, kSizes[variant + 1]}), 4,
                  {{2, 1, 1, 1, 0}, {3, 2, 1, 1, 1}, {2, 1, 3, 1, 2}}));
}

void depthwise(Maker& m, std::size_t variant) {
  const std::int64_t channels = kSizes[variant % kSizes.size()];
  if (channels < 2) return m.finish(m.unary(m.input({0}), UnaryFunction::tanh));
  const std::vector<SlidingAxis> axes[] = {
      {{3, 1, 1, 2, 0}}, {{5, 2, 2, 4, 4}}, {{3, 1, 1, 1, 1}, {3, 2, 1, 1, 1}}, {{1, 1, 1, 0, 0}}};
  const std::vector<SlidingAxis>& chosen = axes[variant % 4];
  const Shape shape = chosen.size() == 1 ? Shape{2, 101, channels} : Shape{2, 7, 19, channels};
  const Value y = m.conv(m.input(shape), channels, chosen, channels, variant % 3 != 0);
  switch (variant % 5) {
    case 1:
      return m.finish(m.unary(y, UnaryFunction::gelu));
    case 2:
      return m.finish(m.multiply(y, m.random({channels})));
    case 3:
      return m.finish(m.add(m.unary(y, UnaryFunction::tanh), m.input(m.graph.shape(y))));
    default:
      return m.finish(y);
  }
}

void norm(Maker& m, std::size_t variant, DataType type) {
  const std::int64_t n = kSizes[variant % kSizes.size()];
  const Value x = m.input({2, n, 12}, type);
  const bool affine = variant % 2 == 0;
  const auto vector = [&](const Shape& shape) {
    return affine ? constant(m, shape, type, 0.2, 1) : Value{};
  };
  switch (variant % 5) {
    case 0:
      return m.finish(m.graph.apply(GroupNorm{3, 1}, {x, vector({12}), vector({12})}));
    case 1:
      return m.finish(m.graph.apply(LayerNorm{}, {x, vector({12}), vector({12})}));
    case 2:
      return m.finish(m.graph.apply(LayerNorm{2}, {x, vector({n, 12}), vector({n, 12})}));
    case 3:
      return m.finish(m.graph.apply(RmsNorm{}, {x, vector({12})}));
    default:
      return m.finish(m.graph.apply(RmsNorm{1, RmsForm::l2}, {x, vector({12})}));
  }
}

/// The sums of a group in the other ways.
void moments(Maker& m, std::size_t variant, MomentsAlgorithm algorithm) {
  const std::int64_t groups[] = {1, 3, 4, 12};
  const std::int64_t n = variant % 2 == 0 ? kSizes[variant % kSizes.size()] : 501;
  const double offset = variant % 3 == 0 ? 10 : 0;
  m.finish(m.norm(m.input_between({2, n, 12}, offset - 2, offset + 2),
                  GroupNorm{groups[variant % 4], 1, 1e-5F, algorithm}));
}

void other(Maker& m, std::size_t variant, DataType type) {
  switch (variant % 4) {
    case 0:
      return m.finish(m.graph.apply(Softmax{-1}, {m.input({3, 4, 5}, type)}));
    case 1:
      return m.finish(m.graph.apply(Softmax{1, true}, {m.input({3, 4, 5}, type)}));
    case 2:
      return m.finish(m.graph.apply(Glu{}, {m.input({3, 4, 10}, type)}));
    default:
      return m.finish(m.graph.apply(Rotary{2}, {m.input({2, 5, 8}, type), constant(m, {2}, type)}));
  }
}

const std::vector<RecurrentActivation> kActivations = {
    {UnaryFunction::hard_sigmoid, 0.25, 0.45},
    {UnaryFunction::softsign},
    {UnaryFunction::tanh, 0, 0, 0.7, 1.3, 0},      // ScaledTanh
    {UnaryFunction::identity, 0, 0, 1, 0.5, 0.1},  // Affine
    {UnaryFunction::leaky_relu, 0.1},
    {UnaryFunction::elu, 1},
};

struct RecurrentShapes {
  Direction direction;
  std::int64_t d;
  Value x;
  Value lengths;
};

RecurrentShapes recurrent(Maker& m, std::size_t variant, DataType type) {
  RecurrentShapes s;
  s.direction = static_cast<Direction>(variant % 3);
  s.d = directions(s.direction);
  s.x = m.input({3, static_cast<std::int64_t>(variant % 5) + 3, 5}, type);
  if (variant % 2 == 0) {
    s.lengths = m.input_of({3}, {3, 0, 2}, variant % 4 == 0 ? DataType::i32 : DataType::i64);
  }
  return s;
}

std::vector<RecurrentActivation> first(std::int64_t count) {
  return {kActivations.begin(), kActivations.begin() + count};
}

void lstm(Maker& m, std::size_t variant, DataType type) {
  const RecurrentShapes s = recurrent(m, variant, type);
  const bool fixed = variant % 4 < 2;
  Lstm o{s.direction};
  if (variant % 3 != 1) o.activations = first(3 * s.d);
  o.clip = variant % 5 == 0 ? 0.5F : 0;
  o.coupled = variant % 7 == 0;
  const auto state = [&](std::size_t every) {
    return variant % every == 0 ? Value{} : m.input({s.d, 3, 4}, type);
  };
  const Value w = weight(m, {s.d, 16, 5}, type, fixed);
  const Value r = weight(m, {s.d, 16, 4}, type, fixed);
  const Value bias = variant % 3 == 0 ? Value{} : weight(m, {s.d, 16}, type, fixed);
  const Value peephole = variant % 4 == 0 ? weight(m, {s.d, 12}, type, fixed) : Value{};
  const Value hidden = state(3);
  const Value cell = state(4);
  const std::vector<Value> y =
      m.graph.apply_all(o, {s.x, w, r, bias, hidden, cell, peephole, s.lengths});
  for (std::size_t i = 0; i < y.size(); ++i) m.graph.output(std::to_string(i), y[i]);
}

void gru(Maker& m, std::size_t variant, DataType type) {
  const RecurrentShapes s = recurrent(m, variant, type);
  const bool fixed = variant % 4 < 2;
  Gru o{s.direction, variant % 2 == 0};
  if (variant % 3 != 1) o.activations = first(2 * s.d);
  o.clip = variant % 5 == 0 ? 0.5F : 0;
  const Value w = weight(m, {s.d, 12, 5}, type, fixed);
  const Value r = weight(m, {s.d, 12, 4}, type, fixed);
  const Value bias = variant % 3 == 0 ? Value{} : weight(m, {s.d, 2, 12}, type, fixed);
  const Value hidden = variant % 4 == 0 ? Value{} : m.input({s.d, 3, 4}, type);
  const std::vector<Value> y = m.graph.apply_all(o, {s.x, w, r, bias, hidden, s.lengths});
  for (std::size_t i = 0; i < y.size(); ++i) m.graph.output(std::to_string(i), y[i]);
}

void rnn(Maker& m, std::size_t variant, DataType type) {
  const RecurrentShapes s = recurrent(m, variant, type);
  const bool fixed = variant % 4 < 2;
  Rnn o{s.direction, variant % 2 == 0};
  if (variant % 3 == 0) o.activations = first(s.d);
  o.clip = variant % 5 == 0 ? 0.5F : 0;
  const Value w = weight(m, {s.d, 4, 5}, type, fixed);
  const Value r = weight(m, {s.d, 4, 4}, type, fixed);
  const Value bias = variant % 3 == 0 ? Value{} : weight(m, {s.d, 4}, type, fixed);
  const Value hidden = variant % 4 == 0 ? Value{} : m.input({s.d, 3, 4}, type);
  const std::vector<Value> y = m.graph.apply_all(o, {s.x, w, r, bias, hidden, s.lengths});
  for (std::size_t i = 0; i < y.size(); ++i) m.graph.output(std::to_string(i), y[i]);
}

}  // namespace

std::vector<ParityCase> general_cases() {
  std::vector<ParityCase> all;
  const auto add = [&](const char* name, auto make, DataType type, std::size_t variants) {
    all.push_back({.name = std::string(name) + "_" + std::string(to_string(type)),
                   .make = [make, type](Maker& m, std::size_t variant) { make(m, variant, type); },
                   .variants = variants});
  };
  for (const DataType type : kFloats) {
    add("norm", norm, type, 30);
    add("other", other, type, 4);
    all.push_back({.name = "attention_" + std::string(to_string(type)),
                   .make =
                       [type](Maker& m, auto) {
                         m.finish(m.graph.apply(Attention{2},
                                                {m.input({2, 5, 6}, type), m.input({2, 7, 6}, type),
                                                 m.input({2, 7, 8}, type)}));
                       },
                   .product = type != DataType::bf16});
    all.push_back({.name = "product_" + std::string(to_string(type)),
                   .make =
                       [type](Maker& m, auto) {
                         m.finish(
                             m.graph.apply(Conv{{{3, 1, 1, 1, 1}}, 1},
                                           {m.input({2, 9, 6}, type), constant(m, {5, 3, 6}, type),
                                            constant(m, {5}, type)}));
                       },
                   .product = type == DataType::f16});
  }
  for (const DataType type : {DataType::f32, DataType::f64, DataType::f16}) {
    add("conv", conv, type, 12);
    add("conv_transpose", conv_transpose, type, 12);
    add("lstm", lstm, type, 60);
    add("gru", gru, type, 60);
    add("rnn", rnn, type, 60);
  }
  all.push_back({.name = "conv_of_three_axes", .make = conv_of_three_axes, .variants = 8});
  all.push_back({.name = "depthwise", .make = depthwise, .variants = 60});
  for (const auto& [name, algorithm] : {std::pair{"kahan", MomentsAlgorithm::kahan},
                                        std::pair{"welford", MomentsAlgorithm::welford}}) {
    all.push_back({.name = std::string("group_norm_") + name,
                   .make = [algorithm](Maker& m, std::size_t v) { moments(m, v, algorithm); },
                   .variants = 60});
  }
  return all;
}

}  // namespace metalaudio::nn

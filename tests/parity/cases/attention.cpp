#include <limits>

#include "tests/parity/parity_case.h"

namespace metalaudio::nn {

namespace {

/// Any axis of a value of two to five, other widths of keys and values, masks of every form.
void random_attention(Maker& m, std::size_t variant) {
  Dice dice(variant);
  const std::int64_t outer = dice.between(0, 3);
  const std::int64_t axis = dice.between(0, outer);
  Attention attention;
  attention.heads = dice.of<std::int64_t>({1, 1, 2, 3});
  attention.axis = dice.flip() ? axis : axis - outer - 2;
  attention.causal = dice.between(0, 3) == 0;
  attention.scale = dice.flip() ? 0 : 0.3F;
  const std::int64_t depth = attention.heads * dice.of<std::int64_t>({1, 3, 8, 16, 17});
  const std::int64_t width = attention.heads * dice.of<std::int64_t>({1, 5, 8, 16, 33});
  std::vector<std::int64_t> extents = dice.extents(outer, 3);
  std::int64_t batch = 1;
  for (const std::int64_t extent : extents) batch *= extent;
  const std::int64_t queries = dice.of<std::int64_t>({1, 2, 7, 16, 23, 24, 25, 49});
  const std::int64_t keys = attention.causal ? queries : dice.size();
  const auto value = [&](std::int64_t tokens, std::int64_t channels) {
    std::vector<std::int64_t> full = extents;
    full.insert(full.begin() + axis, tokens);
    full.push_back(channels);
    return m.input(Shape(full));
  };
  std::vector<Value> inputs = {value(queries, depth), value(keys, depth), value(keys, width)};
  switch (dice.between(0, 4)) {
    case 0:
      inputs.push_back(m.input({keys}));
      break;
    case 1:
      inputs.push_back(m.input({queries, keys}));
      break;
    case 2:
      inputs.push_back(m.random({batch, 1, queries, keys}));
      break;
    case 3:
      inputs.push_back(m.input({1, attention.heads, queries, 1}));
      break;
    default:
      break;
  }
  m.finish(m.graph.apply(attention, inputs));
}

void random_rotary(Maker& m, std::size_t variant) {
  Dice dice(variant);
  const std::int64_t outer = dice.between(0, 3);
  const std::int64_t axis = dice.between(0, outer);
  Rotary rotary{dice.between(1, 3), dice.flip() ? axis : axis - outer - 2, dice.flip()};
  const std::int64_t pairs = dice.of<std::int64_t>({0, 1, 3, 4, 8, 15, 16, 17});
  std::vector<std::int64_t> extents = dice.extents(outer, 3);
  extents.insert(extents.begin() + axis, dice.size(0));
  extents.push_back(rotary.heads * (2 * pairs + dice.between(0, 3)));
  const Value x = m.input(Shape(extents));
  m.finish(m.graph.apply(rotary, {x, m.random({pairs}, 0.2, 0.5)}));
}

void random_softmax(Maker& m, std::size_t variant, bool log) {
  Dice dice(variant);
  const std::int64_t axis = dice.between(0, 2);
  std::vector<std::int64_t> extents = dice.extents(2, 5);
  extents.insert(extents.begin() + axis, dice.size(0));
  m.finish(m.graph.apply(Softmax{dice.flip() ? axis : axis - 3, log}, {m.input(Shape(extents))}));
}

}  // namespace

std::vector<ParityCase> attention_cases() {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  return {
      {.name = "attention",
       .make =
           [](Maker& m, auto) {
             const Value q = m.input({1, 61, 24});
             m.finish(m.graph.apply(Attention{.heads = 2},
                                    {q, m.random({1, 83, 24}), m.random({1, 83, 24})}));
           },
       .product = true},
      {.name = "attention_sizes",
       .make = random_attention,
       .variants = 100,
       .product = true,
       .bf16_factor = 10},  // scores of some units put their errors into the exponent
      {.name = "attention_many_batches",
       .make =
           [](Maker& m, auto) {
             const Value x = m.input({300, 20, 16});
             m.finish(m.graph.apply(Attention{.heads = 2, .axis = 0}, {x, x, x}));
           },
       .product = true,
       .bf16_factor = 10},
      {.name = "attention_hidden_rows",
       .make =
           [](Maker& m, auto) {
             const Value q = m.input({2, 4, 6});
             const Value k = m.input({2, 5, 6});
             const Value mask = m.input_of(
                 {4, 5}, {0, -kInf, 0, 0, -kInf, -kInf, -kInf, -kInf, -kInf, -kInf, 0, 0, 1, 0, 0});
             m.finish(m.graph.apply(Attention{.heads = 2}, {q, k, k, mask}));
           },
       .product = true,
       .bf16_factor = 10},
      {.name = "attention_nothing",
       .make =
           [](Maker& m, std::size_t v) {
             const std::vector<std::int64_t> extents[] = {
                 {0, 4, 5, 6}, {2, 0, 5, 6}, {2, 4, 0, 6}, {2, 4, 5, 0}};
             const auto& [batch, queries, keys, width] =
                 std::tie(extents[v][0], extents[v][1], extents[v][2], extents[v][3]);
             const Value q = m.input({batch, queries, 4});
             m.finish(m.graph.apply(Attention{.heads = 2},
                                    {q, m.input({batch, keys, 4}), m.input({batch, keys, width})}));
           },
       .variants = 4},
      {.name = "rotary_sizes", .make = random_rotary, .variants = 100},
      {.name = "rotary_far_positions",
       .make =
           [](Maker& m, auto) {
             m.finish(m.graph.apply(Rotary{}, {m.input({5000, 6}), m.random({3}, 0.2, 0.5)}));
           }},
      {.name = "softmax_sizes",
       .make = [](Maker& m, std::size_t v) { random_softmax(m, v, false); },
       .variants = 100},
      {.name = "log_softmax_sizes",
       .make = [](Maker& m, std::size_t v) { random_softmax(m, v, true); },
       .variants = 100},
      {.name = "softmax_far_out",
       .make =
           [](Maker& m, std::size_t v) {
             const Value x = m.input_of({4, 21}, {1000, -1000, 5, -kInf, 999});
             m.finish(m.graph.apply(Softmax{v < 2 ? -1 : 0, v % 2 == 1}, {x}));
           },
       .variants = 4,
       .tolerance = Tolerance::elements},
  };
}

}  // namespace metalaudio::nn

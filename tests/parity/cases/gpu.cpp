#include "tests/parity/parity_case.h"

namespace metalaudio::nn {

namespace {

/// Heads that fit the tensor cores, and tokens around the borders of tiles.
void tiled_attention(Maker& m, std::size_t variant) {
  const std::int64_t queries[] = {65, 1, 130, 64, 33, 129, 17, 70};
  const std::int64_t keys[] = {130, 200, 65, 64, 129, 63, 1, 71};
  const std::size_t size = variant % 8;
  const auto depth = static_cast<std::int64_t>(16 * (size + 1));
  const Value q = m.input({2, queries[size], depth});
  const Value k = m.input({2, keys[size], depth});
  m.finish(
      m.graph.apply(Attention{.causal = variant >= 8}, {q, k, m.input({2, keys[size], depth})}));
}

/// So many heads that a warp has two rows of tiles; the tokens lie along the first axis.
void wide_attention(Maker& m, std::size_t variant) {
  const std::int64_t channels = variant == 0 ? 48 : 96;
  const Value q = m.input({variant == 0 ? 17 : 5, 150, channels});
  const Value k = m.input({variant == 0 ? 66 : 9, 150, channels});
  m.finish(m.graph.apply(Attention{.heads = variant == 0 ? 3 : 2, .axis = 0}, {q, k, k}));
}

/// Two axes that change places, in tiles and at their borders, with others around them.
void tiled_transpose(Maker& m, std::size_t variant) {
  const std::vector<std::size_t> orders[] = {{1, 0, 2, 3}, {0, 2, 1, 3}, {3, 1, 2, 0},
                                             {0, 1, 3, 2}, {2, 3, 0, 1}, {3, 2, 1, 0}};
  const DataType types[] = {DataType::f32, DataType::u8, DataType::f64, DataType::i16};
  const Value x = m.input({33, 3, 70, 37}, types[variant / 6]);
  m.finish(m.graph.apply(Transpose{orders[variant % 6]}, {x}));
}

/// Rows that a warp, or a block, shares.
void long_lines(Maker& m, std::size_t variant) {
  const Value x = m.input({5, 2500});
  switch (variant) {
    case 0:
      return m.finish(m.graph.apply(Softmax{}, {x}));
    case 1:
      return m.finish(m.graph.apply(Reduce{ReduceFunction::log_sum_exp, {1}, false}, {x}));
    case 2:
      return m.finish(m.graph.apply(Reduce{ReduceFunction::mean, {0, 1}, true}, {x}));
    default:
      return m.finish(m.graph.apply(Softmax{0, true}, {x}));
  }
}

void large_product(Maker& m, std::size_t variant) {
  const Value a = m.input({variant == 0 ? 3 : 1, 70, 67});
  m.finish(m.graph.apply(MatMul{}, {a, m.input({3, 67, 130})}));
}

/// States of which some weights do not fit into shared memory.
void large_state(Maker& m, std::size_t) {
  const Value x = m.input({2, 3, 20});
  const std::vector<Value> results =
      m.graph.apply_all(Lstm{Direction::both},
                        {x, m.random({2, 4 * 136, 20}, 0.1), m.random({2, 4 * 136, 136}, 0.1)});
  m.finish(results[0]);
}

/// The NaN of a GPU has all bits, which rounding must not carry over into a number.
void not_a_number(Maker& m, std::size_t variant) {
  std::vector<double> numbers(48, 2);
  numbers[19] = -1;  // in every third row
  const Value x = m.unary(m.input_of({2, 40, 16}, numbers), UnaryFunction::sqrt);
  if (variant == 0) return m.finish(m.conv(x, 24, {SlidingAxis{.kernel = 1}}));
  const Value q = m.random({2, 9, 16});
  m.finish(m.graph.apply(Attention{},
                         variant == 1 ? std::vector<Value>{x, q, q} : std::vector<Value>{q, x, x}));
}

}  // namespace

std::vector<ParityCase> gpu_cases() {
  return {
      {.name = "gpu_attention_tiles",
       .make = tiled_attention,
       .variants = 16,
       .product = true,
       .bf16_factor = 10},
      {.name = "gpu_attention_wide",
       .make = wide_attention,
       .variants = 2,
       .product = true,
       .bf16_factor = 10},
      {.name = "gpu_transpose_tiles",
       .make = tiled_transpose,
       .variants = 24,
       .tolerance = Tolerance::exact},
      {.name = "gpu_long_lines", .make = long_lines, .variants = 4},
      {.name = "gpu_large_product", .make = large_product, .variants = 2, .product = true},
      {.name = "gpu_not_a_number", .make = not_a_number, .variants = 3, .product = true},
      {.name = "gpu_large_state", .make = large_state, .product = true},
  };
}

}  // namespace metalaudio::nn

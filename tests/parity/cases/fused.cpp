#include "tests/parity/parity_case.h"

#include <array>

namespace metalaudio::nn {

namespace {

const SlidingAxis kSame3{3, 1, 1, 1, 1};

constexpr std::array<std::int64_t, 5> kCrops = {0, 1, 2, 5, 13};

/// Row-by-row normalisation of one group, as DConv has it.
const GroupNorm kRowNorm{1, 1, 1e-5F, MomentsAlgorithm::standard};

Value dconv_layer(Maker& m, Value x, std::int64_t hidden, std::int64_t dilation) {
  const std::int64_t channels = m.graph.shape(x).back();
  Value y = m.conv(x, hidden, {{3, 1, dilation, dilation, dilation}});
  y = m.unary(m.norm(y, kRowNorm), UnaryFunction::gelu);
  y = m.graph.apply(Glu{}, {m.norm(m.conv(y, 2 * channels, {{}}), kRowNorm)});
  return m.add(x, m.multiply(y, m.random({1, 1, channels}, 0.3)));
}

Value layer_norm(Maker& m, Value x) {
  const Shape channels{m.graph.shape(x).back()};
  return m.graph.apply(LayerNorm{}, {x, m.random(channels, 0.3, 1), m.random(channels, 0.3)});
}

/// Of a transformer. By variant: with what is around its layers, and without.
void feed_forward(Maker& m, std::size_t variant) {
  Dice dice(variant);
  const std::int64_t rows = variant == 0 ? 0 : dice.of<std::int64_t>({1, 31, 33, 100, 200});
  const std::int64_t channels = dice.of<std::int64_t>({1, 24, 32, 40, 64});
  const bool plain = dice.flip();
  const Value x = m.input({2, rows, channels});
  Value y = m.conv(layer_norm(m, x), dice.of<std::int64_t>({3, 32, 96, 100}), {});
  if (dice.flip()) {
    y = m.unary(y, dice.of<UnaryFunction>({UnaryFunction::gelu, UnaryFunction::relu}));
  }
  y = m.conv(y, plain ? dice.size() : channels, {}, 1, dice.flip());
  if (!plain) y = m.add(x, m.multiply(y, m.random({channels}, 0.3)));
  m.finish(y);
}

/// Of an attention to itself, or to something else.
void projections(Maker& m, std::size_t variant) {
  Dice dice(variant);
  const std::int64_t channels = dice.of<std::int64_t>({8, 24, 32, 48});
  const std::int64_t rows = variant == 0 ? 0 : dice.of<std::int64_t>({1, 33, 100});
  const Value x = layer_norm(m, m.input({2, rows, channels}));
  const Value memory = dice.flip() ? x : layer_norm(m, m.input({2, dice.between(1, 70), channels}));
  const Value q = m.conv(x, channels, {});
  const Value k = m.conv(memory, channels, {});
  const Value v = m.conv(memory, 2 * channels, {}, 1, dice.flip());
  m.finish(m.graph.apply(Attention{4}, {q, k, v}));
}

}  // namespace

std::vector<ParityCase> fused_cases() {
  const auto glu = [](Maker& m, Value x) { return m.graph.apply(Glu{}, {x}); };
  std::vector<ParityCase> all = {
      {.name = "conv_pointwise",
       .make =
           [](Maker& m, auto) {
             m.finish(m.conv(m.input({3, 101, 7}), 5, {{}, {}}));
           },
       .product = true},
      {.name = "conv_3x3",
       .make =
           [](Maker& m, auto) {
             m.finish(m.conv(m.input({5, 110, 6}), 37, {kSame3, kSame3}));
           },
       .product = true},
      {.name = "conv_strided_rows",
       .make =
           [](Maker& m, auto) {
             m.finish(m.conv(m.input({32, 29, 4}), 9, {{8, 4, 1, 2, 2}, {}}));
           },
       .product = true},
      {.name = "conv_strided_positions_uneven",
       .make =
           [](Maker& m, auto) {
             m.finish(m.conv(m.input({1, 1003, 2}), 12, {{}, {8, 4, 1, 2, 3}}));
           },
       .product = true},
      {.name = "conv_dilated",
       .make =
           [](Maker& m, auto) {
             m.finish(m.conv(m.input({2, 50, 8}), 3, {{}, {3, 1, 7, 7, 7}}));
           },
       .product = true},
      {.name = "conv_no_padding",
       .make =
           [](Maker& m, auto) {
             m.finish(m.conv(m.input({8, 20, 3}), 33, {{8, 4, 1, 0, 0}, {}}));
           },
       .product = true},
      {.name = "feed_forward",
       .make = feed_forward,
       .variants = 20,
       .steps = kAnyNumber,
       .product = true},
      {.name = "projections",
       .make = projections,
       .variants = 12,
       .steps = kAnyNumber,
       .product = true},
      {.name = "conv_gelu",
       .make =
           [](Maker& m, auto) {
             m.finish(m.unary(m.conv(m.input({2, 40, 8}), 20, {{}, {}}), UnaryFunction::gelu));
           },
       .product = true},
      {.name = "conv_glu_residual",
       .make =
           [glu](Maker& m, auto) {
             const Value x = m.input({2, 40, 11});
             m.finish(m.add(glu(m, m.conv(x, 22, {{}, {}})), x));
           },
       .product = true},
      {.name = "conv_glu_repeated_row",
       .make =
           [glu](Maker& m, auto) {
             const Value y = glu(m, m.conv(m.input({4, 21, 6}), 26, {kSame3, {}}));
             m.finish(m.add(y, m.random({4, 1, 13})));
           },
       .product = true},
      {.name = "conv_gain_residual",
       .make =
           [](Maker& m, auto) {
             const Value x = m.input({1, 77, 24});
             const Value y = m.multiply(m.conv(x, 24, {{}, {}}), m.random({1, 1, 24}));
             m.finish(m.add(x, y));
           },
       .product = true},
      {.name = "conv_then_value_used_twice",
       .make =
           [](Maker& m, auto) {
             const Value y = m.conv(m.input({1, 30, 4}), 8, {{}, {}});
             m.finish(m.add(m.unary(y, UnaryFunction::relu), y));
           },
       .steps = 3,
       .product = true},
      {.name = "conv_whose_value_is_an_output",
       .make =
           [](Maker& m, auto) {
             const Value y = m.conv(m.input({1, 30, 4}), 8, {{}, {}});
             m.graph.output("before", y);
             m.finish(m.unary(y, UnaryFunction::tanh));
           },
       .steps = 2,
       .product = true},
      {.name = "conv_plus_conv",
       .make =
           [](Maker& m, auto) {
             const Value x = m.input({2, 30, 4});
             m.finish(m.unary(m.add(m.conv(x, 8, {{}, {}}), m.conv(x, 8, {{}, {}})),
                              UnaryFunction::sigmoid));
           },
       .steps = 3,
       .product = true},
      {.name = "conv_as_large_as_tiles",
       .make =
           [](Maker& m, std::size_t v) {
             // Two rows of positions, a few more than tiles, and channels that end amid one.
             const Value x = m.input({2, 70, 50});
             const Value y = v < 2 ? m.conv(x, 66, {{3, 1 + static_cast<std::int64_t>(v), 1, 1, 1}})
                             : v == 2 ? m.conv(x, 66, {})
                                      : m.conv_transpose(x, 66, {{8, 2, 3, 137}});
             const Value gate =
                 v % 2 == 0 ? m.graph.apply(Glu{}, {y}) : m.unary(y, UnaryFunction::gelu);
             m.finish(m.add(gate, m.random(m.graph.shape(gate))));
           },
       .variants = 4,
       .steps = kAnyNumber,
       .product = true},
      {.name = "conv_transpose_rows",
       .make =
           [](Maker& m, auto) {
             const Value y =
                 m.conv_transpose(m.input({6, 33, 5}), 9, {{8, 4, 2, 24}, {1, 1, 0, 33}});
             m.finish(m.unary(y, UnaryFunction::gelu));
           },
       .product = true},
      {.name = "conv_transpose_positions_cropped",
       .make =
           [](Maker& m, auto) {
             m.finish(m.conv_transpose(m.input({1, 501, 6}), 4, {{1, 1, 0, 1}, {8, 4, 2, 1999}}));
           },
       .product = true},
      {.name = "conv_transpose_whole_phases",
       .make =
           [](Maker& m, std::size_t v) {
             // Cropped by less and by more than a stride, and reaching beyond the last input.
             const std::int64_t crop = kCrops[v / 2 % kCrops.size()];
             const std::int64_t rest = v % 3 == 0 ? 9 : -crop;
             const TransposeAxis rows{12, 4, crop, 4 * 8 + 12 - crop + rest};
             const TransposeAxis positions{9, 3, crop, 3 * 129 + 9 - crop + rest};
             const Value y =
                 v % 2 == 0
                     ? m.conv_transpose(m.input({9, 110, 20}), 24, {rows, {1, 1, 0, 110}})
                     : m.conv_transpose(m.input({2, 130, 20}), 24, {{1, 1, 0, 2}, positions});
             m.finish(m.add(m.unary(y, UnaryFunction::gelu), m.input(m.graph.shape(y))));
           },
       .variants = 2 * kCrops.size(),
       .product = true},
      {.name = "conv_transpose_gaps_and_residual",
       .make =
           [](Maker& m, auto) {
             const Value y =
                 m.conv_transpose(m.input({2, 10, 6}), 3, {{1, 1, 0, 2}, {2, 3, 0, 29}});
             m.finish(m.add(y, m.random({1, 29, 3})));
           },
       .product = true},
      {.name = "dconv_rows",
       .make =
           [](Maker& m, auto) {
             m.finish(dconv_layer(m, m.input({9, 130, 12}), 3, 2));
           },
       .product = true,
       .rounds = false},
      {.name = "dconv_one_row",
       .make =
           [](Maker& m, auto) {
             m.finish(dconv_layer(m, m.input({1, 700, 10}), 5, 1));
           },
       .product = true,
       .rounds = false},
      {.name = "dconv_many_rows",
       .make =
           [](Maker& m, std::size_t v) {
             m.finish(dconv_layer(m, m.input({120, 150, 8 + 4 * static_cast<std::int64_t>(v)}),
                                  5 + 9 * static_cast<std::int64_t>(v), 2));
           },
       .variants = 5,
       .product = true,
       .rounds = false},
      {.name = "dconv_long_row",
       .make =
           [](Maker& m, std::size_t v) {
             // As bfloat16 and, from a mebibyte on, as float32.
             const std::int64_t channels = v % 2 == 0 ? 8 : 12;
             m.finish(dconv_layer(m, m.input({1, 26000, channels}),
                                  5 + 9 * static_cast<std::int64_t>(v), 1));
           },
       .variants = 5,
       .product = true,
       .rounds = false},
      {.name = "dconv_sizes",
       .make =
           [](Maker& m, std::size_t v) {
             const std::int64_t channels = kSizes[v % kSizes.size()];
             const std::int64_t hidden = kSizes[(v * 7 + 3) % kSizes.size()];
             m.finish(dconv_layer(m,
                                  m.input({2, 5 + static_cast<std::int64_t>(v) * 7, channels + 1}),
                                  hidden + 1, 1 + static_cast<std::int64_t>(v % 4)));
           },
       .variants = 15,
       .product = true,
       .rounds = false,
       .bf16_factor = 4},  // a norm over few numbers enlarges their errors
      {.name = "dconv_two_layers",
       .make =
           [](Maker& m, std::size_t v) {
             const std::int64_t rows = v % 2 == 0 ? 7 : 1;
             const std::int64_t channels = v < 2 ? 48 : 192;
             const Value x = m.input({rows, 230, channels});
             m.finish(dconv_layer(m, dconv_layer(m, x, channels / 8, 1), channels / 8, 2));
           },
       .variants = 4,
       .product = true,
       .rounds = false},
      {.name = "dconv_between_convolutions",
       .make =
           [](Maker& m, std::size_t v) {
             // Many rows and few, a residual that is whole and one that is repeated, and none.
             const std::int64_t rows = v % 2 == 0 ? 40 : 4;
             Value y = m.conv(m.input({rows, 130, 3}), 16, {{8, 4, 1, 2, 2}, {}});
             y = dconv_layer(m, dconv_layer(m, m.unary(y, UnaryFunction::gelu), 3, 1), 3, 2);
             y = m.graph.apply(Glu{}, {m.conv(y, 32, {{}, {}})});
             const Shape whole = m.graph.shape(y);
             if (v < 4) y = m.add(y, v < 2 ? m.input(whole) : m.random({whole[0], 1, whole[2]}));
             m.finish(y);
           },
       .variants = 6,
       .product = true},
      {.name = "encoder_and_decoder",
       .make =
           [glu](Maker& m, std::size_t v) {
             // Along rows and along positions, one residual read twice, ends that are cropped; too few
             // positions for minimal filtering, which would be a step of its own.
             const bool rows = v % 2 == 0;
             const std::int64_t channels = v < 2 ? 24 : 12;
             const SlidingAxis down{8, 4, 1, 2, 2};
             const auto gelu = [&](Value x) { return m.unary(x, UnaryFunction::gelu); };
             const auto halved = [&](Value x, std::int64_t out) {
               return gelu(
                   m.conv(x, out, {rows ? down : SlidingAxis{}, rows ? SlidingAxis{} : down}));
             };
             const auto doubled = [&](Value x, std::int64_t out, std::int64_t extent) {
               const TransposeAxis up{8, 4, 2, extent};
               const TransposeAxis still{1, 1, 0, m.graph.shape(x)[1]};
               const TransposeAxis rows_still{1, 1, 0, m.graph.shape(x)[0]};
               return m.conv_transpose(x, out, {rows ? up : rows_still, rows ? still : up});
             };
             const Value x = m.input(rows ? Shape{64, 60, 4} : Shape{1, 960, 2});
             Value skip = halved(x, channels);
             skip = dconv_layer(m, dconv_layer(m, skip, channels / 8, 1), channels / 8, 2);
             skip = glu(m, m.conv(skip, 2 * channels, {{}, {}}));
             Value y = halved(skip, 2 * channels);
             y = glu(m, m.conv(y, 4 * channels, {kSame3, kSame3}));
             y = dconv_layer(m, y, channels / 4, 1);
             y = m.add(gelu(doubled(y, channels, rows ? 16 : 240)), skip);
             y = glu(m, m.conv(y, 2 * channels, {rows ? kSame3 : SlidingAxis{}, kSame3}));
             m.finish(doubled(y, 6, rows ? 64 : 960));
           },
       .variants = 4,
       .steps = 6,
       .product = true},
      {.name = "dconv_behind_positions",
       .make =
           [](Maker& m, std::size_t v) {
             Value y = m.conv(m.input({static_cast<std::int64_t>(1 + 6 * v), 700, 4}), 24,
                              {{v == 0 ? 8 : 1, v == 0 ? 4 : 1, 1, 0, 0}});
             y = m.graph.apply(Glu{}, {y});
             m.finish(m.conv(dconv_layer(m, y, 4, 1), 12, {{}}));
           },
       .variants = 2,
       .product = true},
      {.name = "dconv_read_twice",
       .make =
           [](Maker& m, auto) {
             const Value y = dconv_layer(m, m.input({5, 60, 16}), 4, 1);
             m.finish(m.add(dconv_layer(m, y, 4, 2), y));
           },
       .steps = 3,
       .product = true,
       .rounds = false},
      {.name = "dconv_nothing",
       .make =
           [](Maker& m, std::size_t v) {
             const Shape shapes[] = {{0, 50, 4}, {3, 50, 4}};
             m.finish(dconv_layer(m, m.input(shapes[v]), v == 0 ? 3 : 0, 1));
           },
       .variants = 2,
       .product = true,
       .rounds = false},
      {.name = "dconv_far_taps",
       .make =
           [](Maker& m, auto) {
             m.finish(dconv_layer(m, m.input({3, 250, 16}), 4, 100));
           },
       .product = true,
       .rounds = false},
      {.name = "group_norm_rows_glu",
       .make =
           [glu](Maker& m, auto) {
             m.finish(glu(m, m.norm(m.input({3, 70, 18}), kRowNorm)));
           }},
      {.name = "glu_alone",
       .make =
           [glu](Maker& m, auto) {
             const Value x = m.input({2, 120, 14});
             m.finish(glu(m, m.add(x, x)));
           },
       .steps = 2},
      {.name = "multiply_repeated",
       .make =
           [](Maker& m, auto) {
             m.finish(m.multiply(m.input({3, 9, 21}), m.random({1, 9, 21})));
           }},
      {.name = "slice",
       .make =
           [](Maker& m, auto) {
             m.finish(m.graph.apply(Slice{{1, 3, 0}, {3, 11, 4}}, {m.input({5, 20, 4})}));
           }},
  };
  return all;
}

}  // namespace metalaudio::nn

#include "tests/parity/parity_case.h"

namespace metalaudio::nn {

namespace {

/// An axis whose kernel fits an input of this extent.
SlidingAxis sliding(Dice& dice, std::int64_t extent) {
  SlidingAxis axis;
  axis.kernel = dice.between(1, 5);
  axis.stride = dice.between(1, 3);
  axis.dilation = dice.between(1, 3);
  axis.before = dice.between(0, 4);
  axis.after = dice.between(0, 4);
  while (axis.output_extent(extent) < 1) ++axis.after;
  return axis;
}

/// An axis cropped at either end, or longer than what is added to it.
TransposeAxis transposed(Dice& dice, std::int64_t extent) {
  TransposeAxis axis;
  axis.kernel = dice.between(1, 5);
  axis.stride = dice.between(1, 4);
  axis.dilation = dice.between(1, 2);
  axis.crop = dice.between(0, 3);
  axis.extent =
      std::max<std::int64_t>(0, axis.full_extent(extent) - axis.crop + dice.between(-3, 3));
  return axis;
}

/// [batch…][axes…][channels].
Shape shape_of(Dice& dice, std::size_t axes, std::int64_t channels) {
  std::vector<std::int64_t> extents = dice.extents(dice.between(0, 2), 3);
  for (std::size_t i = 0; i < axes; ++i) extents.push_back(dice.between(1, i == 0 ? 7 : 14));
  extents.push_back(channels);
  return Shape(extents);
}

void random_conv(Maker& m, std::size_t variant, std::size_t axes, bool grouped) {
  Dice dice(variant);
  const std::int64_t groups = grouped ? dice.between(2, 5) : 1;
  const bool depthwise = grouped && dice.flip();
  const std::int64_t in = groups * (depthwise ? 1 : dice.between(1, 9));
  const std::int64_t out = groups * dice.between(1, grouped ? 18 : 34);
  const Shape shape = shape_of(dice, axes, in);
  std::vector<SlidingAxis> sliders;
  for (std::size_t i = 0; i < axes; ++i) {
    sliders.push_back(sliding(dice, shape[shape.rank() - 1 - axes + i]));
  }
  m.finish(m.conv(m.input(shape), out, sliders, groups, dice.flip()));
}

/// So few channels that neighbouring positions share a vector, with everything that can be fused.
void conv_few_channels(Maker& m, std::size_t variant) {
  Dice dice(variant);
  const Shape shape{2, dice.between(1, 4), dice.between(20, 260), dice.between(1, 9)};
  SlidingAxis rows{dice.between(1, 3), 1, 1, 1, 1};
  SlidingAxis positions{dice.between(2, 40), dice.between(1, 3), 1, 0, 0};
  positions.before = dice.between(0, positions.kernel / 2);
  positions.after = dice.between(positions.kernel / 2, positions.kernel);
  if (shape[1] + 2 < rows.kernel) rows.kernel = 1;
  Value y = m.conv(m.input(shape), dice.between(1, 9), {rows, positions}, 1, dice.flip());
  if (dice.flip()) y = m.unary(y, UnaryFunction::relu);
  if (dice.flip()) y = m.add(y, m.input(m.graph.shape(y)));
  m.finish(y);
}

void random_conv_transpose(Maker& m, std::size_t variant, std::size_t axes, bool grouped) {
  Dice dice(variant);
  const std::int64_t groups = grouped ? dice.between(2, 5) : 1;
  const std::int64_t in = groups * dice.between(1, 6);
  const std::int64_t out = groups * dice.between(1, grouped ? 9 : 34);
  const Shape shape = shape_of(dice, axes, in);
  std::vector<TransposeAxis> sliders;
  for (std::size_t i = 0; i < axes; ++i) {
    sliders.push_back(transposed(dice, shape[shape.rank() - 1 - axes + i]));
  }
  m.finish(m.conv_transpose(m.input(shape), out, sliders, groups, dice.flip()));
}

struct Product {
  Shape a;
  Shape b;
};
const std::vector<Product> kProducts = {
    {{7}, {7}},
    {{7}, {7, 5}},
    {{5, 7}, {7}},
    {{3, 4}, {4, 5}},
    {{2, 3, 4}, {4, 5}},
    {{3, 4}, {2, 4, 5}},
    {{2, 3, 4}, {2, 4, 5}},
    {{2, 1, 3, 4}, {5, 4, 6}},
    {{7}, {3, 7, 2}},
    {{1, 3, 4}, {4, 4, 5}},
    {{3, 3, 4}, {4}},
    {{100, 33}, {33, 17}},
    {{2, 97, 16}, {1, 16, 31}},
    {{4, 1, 1}, {4, 1, 1}},
    {{2, 2, 9, 3}, {2, 2, 3, 33}},
    // Large enough for the tiles of AMX in float32.
    {{70, 50}, {50, 33}},
    {{2, 65, 96}, {96, 70}},
    {{3, 1, 64, 48}, {2, 48, 32}},
};

}  // namespace

std::vector<ParityCase> convolution_cases() {
  const std::size_t sizes = kSizes.size() - 1;  // without 0
  std::vector<ParityCase> all = {
      {.name = "linear_channels",
       .make =
           [sizes](Maker& m, std::size_t v) {
             m.finish(m.conv(m.input({3, 13, kSizes[1 + v % sizes]}), kSizes[1 + v / sizes], {}));
           },
       .variants = sizes * sizes,
       .product = true},
      {.name = "linear_rows",
       .make =
           [](Maker& m, std::size_t v) {
             const std::vector<std::int64_t> rows = {1, 5, 6, 7, 11, 12, 13, 95, 96, 97, 193};
             m.finish(m.conv(m.input({rows[v], 7}), 19, {}, 1, v % 2 == 0));
           },
       .variants = 11,
       .product = true},
      {.name = "linear_any_number_of_axes",
       .make =
           [](Maker& m, std::size_t v) {
             std::vector<std::int64_t> extents(v, 2);
             extents.push_back(9);
             m.finish(m.conv(m.input(Shape(extents)), 10, {}));
           },
       .variants = 8,
       .product = true},
      {.name = "linear_nothing",
       .make =
           [](Maker& m, std::size_t v) {
             const std::vector<Product> shapes = {
                 {{0, 5}, {7, 5}}, {{4, 0}, {7, 0}}, {{4, 5}, {0, 5}}, {{0, 0}, {0, 0}}};
             m.finish(m.conv(m.input(shapes[v / 2].a), shapes[v / 2].b[0], {}, 1, v % 2 == 0));
           },
       .variants = 8},
      {.name = "conv_positions",
       .make =
           [](Maker& m, std::size_t v) {
             m.finish(m.conv(m.input({2, kSizes[v + 1], 5}), 18, {{3, 1, 1, 1, 1}}));
           },
       .variants = sizes,
       .product = true},
      {.name = "conv_one_axis",
       .make = [](Maker& m, std::size_t v) { random_conv(m, v, 1, false); },
       .variants = 60,
       .product = true},
      {.name = "conv_two_axes",
       .make = [](Maker& m, std::size_t v) { random_conv(m, v, 2, false); },
       .variants = 60,
       .product = true},
      {.name = "conv_few_channels", .make = conv_few_channels, .variants = 60, .product = true},
      {.name = "conv_in_groups",
       .make = [](Maker& m, std::size_t v) { random_conv(m, v, 1 + v % 2, true); },
       .variants = 60,
       .product = true},
      {.name = "conv_nothing",
       .make =
           [](Maker& m, std::size_t v) {
             const std::vector<Shape> shapes = {{0, 9, 4}, {2, 9, 0}, {2, 0, 4}, {2, 9, 4}};
             m.finish(m.conv(m.input(shapes[v]), v == 3 ? 0 : 6, {{3, 1, 1, 2, 2}}));
           },
       .variants = 4},
      {.name = "conv_transpose_one_axis",
       .make = [](Maker& m, std::size_t v) { random_conv_transpose(m, v, 1, false); },
       .variants = 60,
       .product = true},
      {.name = "conv_transpose_two_axes",
       .make = [](Maker& m, std::size_t v) { random_conv_transpose(m, v, 2, false); },
       .variants = 60,
       .product = true},
      {.name = "conv_transpose_in_groups",
       .make = [](Maker& m, std::size_t v) { random_conv_transpose(m, v, 1 + v % 2, true); },
       .variants = 60,
       .product = true},
      {.name = "conv_transpose_nothing",
       .make =
           [](Maker& m, std::size_t v) {
             const std::vector<Shape> shapes = {
                 {0, 9, 4}, {2, 9, 0}, {2, 0, 4}, {2, 9, 4}, {2, 9, 4}};
             m.finish(m.conv_transpose(m.input(shapes[v]), v == 3 ? 0 : 6,
                                       {{4, 2, 1, v == 4 ? 0 : 11}}));
           },
       .variants = 5},
      {.name = "matmul",
       .make =
           [](Maker& m, std::size_t v) {
             m.finish(m.graph.apply(MatMul{}, {m.input(kProducts[v].a), m.input(kProducts[v].b)}));
           },
       .variants = kProducts.size(),
       .product = true},
      {.name = "matmul_constant",
       .make =
           [](Maker& m, std::size_t v) {
             m.finish(m.graph.apply(MatMul{}, {m.input(kProducts[v].a), m.random(kProducts[v].b)}));
           },
       .variants = kProducts.size(),
       .product = true},
      {.name = "matmul_constant_on_the_left",
       .make =
           [](Maker& m, std::size_t v) {
             m.finish(m.graph.apply(MatMul{}, {m.random(kProducts[v].a), m.input(kProducts[v].b)}));
           },
       .variants = kProducts.size(),
       .product = true},
      {.name = "matmul_nothing",
       .make =
           [](Maker& m, std::size_t v) {
             const std::vector<Product> shapes = {
                 {{0, 5}, {5, 7}},       {{3, 0}, {0, 7}}, {{3, 5}, {5, 0}},   {{0, 3, 5}, {5, 7}},
                 {{0, 3, 5}, {0, 5, 7}}, {{0}, {0}},       {{3, 5}, {0, 5, 7}}};
             const DataType type = v < 7 ? DataType::f32 : DataType::i32;
             const Product& shape = shapes[v % 7];
             m.finish(m.graph.apply(MatMul{}, {m.input(shape.a, type), m.input(shape.b, type)}));
           },
       .variants = 14},
  };
  const auto of_types = [](std::vector<DataType> types) {
    return [types = std::move(types)](Maker& m, std::size_t v) {
      const Product& shapes = kProducts[v % kProducts.size()];
      const DataType type = types[v / kProducts.size()];
      m.finish(m.graph.apply(MatMul{}, {m.input(shapes.a, type), m.input(shapes.b, type)}));
    };
  };
  all.push_back(
      {.name = "matmul_types",
       .make = of_types({DataType::f64, DataType::i8, DataType::i16, DataType::i32, DataType::i64,
                         DataType::u8, DataType::u16, DataType::u32, DataType::u64}),
       .variants = kProducts.size() * 9});
  all.push_back({.name = "matmul_halves",
                 .make = of_types({DataType::f16, DataType::bf16}),
                 .variants = kProducts.size() * 2,
                 .product = true,
                 .rounds = false});
  return all;
}

}  // namespace metalaudio::nn

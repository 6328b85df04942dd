#include "tests/parity/parity_case.h"

namespace metalaudio::nn {

namespace {

/// Three taps along one axis or two, and channels and positions enough for minimal filtering, with
/// whatever is fused behind them.
void three_taps(Maker& m, std::size_t variant) {
  Dice dice(variant);
  const auto axis = [&] { return SlidingAxis{3, 1, 1, dice.between(0, 4), dice.between(0, 4)}; };
  const std::int64_t channels = dice.of<std::int64_t>({32, 48, 49});
  const std::int64_t columns = dice.of<std::int64_t>({32, 33, 40});
  const std::int64_t positions = dice.of<std::int64_t>({64, 65, 71});
  const bool square = dice.flip();
  std::vector<std::int64_t> shape = {dice.between(1, 2)};
  if (square) shape.push_back(dice.between(3, 4));
  shape.insert(shape.end(), {positions, channels});
  std::vector<SlidingAxis> axes = {axis()};
  if (square) axes.push_back(axis());
  if (!square && dice.flip()) axes.insert(axes.begin(), SlidingAxis{});
  const bool gated = dice.flip();
  Value y = m.conv(m.input(Shape(shape)), gated ? 2 * columns : columns, axes, 1, dice.flip());
  if (gated) {
    y = m.graph.apply(Glu{}, {y});
  } else if (dice.flip()) {
    y = m.multiply(y, m.random({columns}));
  } else {
    y = m.unary(y, UnaryFunction::gelu);
  }
  if (dice.flip()) y = m.add(y, m.input(m.graph.shape(y)));
  m.finish(y);
}

/// The same of kernels that are twice their stride.
void two_strides(Maker& m, std::size_t variant, bool transposed) {
  Dice dice(variant);
  const bool along_rows = dice.flip();
  const std::int64_t channels = dice.of<std::int64_t>({48, 49});
  const std::int64_t columns = dice.of<std::int64_t>({24, 33, 40});
  const std::int64_t stride = dice.between(2, 5);
  const std::int64_t slides = along_rows ? dice.between(8, 20) : dice.between(64, 70);
  const std::int64_t extent = transposed || !along_rows ? slides : stride * slides;
  const std::int64_t positions = transposed ? slides : stride * slides;
  const Shape shape = along_rows ? Shape{extent, dice.between(64, 70), channels}
                                 : Shape{dice.between(1, 3), positions, channels};
  const Value x = m.input(shape);
  Value y;
  if (transposed) {
    TransposeAxis axis{2 * stride, stride, dice.between(0, 2 * stride), 0};
    axis.extent = axis.full_extent(slides) - axis.crop - dice.between(-3, 2 * stride);
    const TransposeAxis still{1, 1, 0, shape[along_rows ? 1 : 0]};
    y = m.conv_transpose(x, columns,
                         along_rows ? std::vector{axis, still} : std::vector{still, axis}, 1,
                         dice.flip());
  } else {
    const SlidingAxis axis{2 * stride, stride, 1, dice.between(0, 2 * stride),
                           dice.between(0, 2 * stride)};
    y = m.conv(x, columns,
               along_rows ? std::vector{axis, SlidingAxis{}} : std::vector{SlidingAxis{}, axis}, 1,
               dice.flip());
  }
  if (dice.flip()) y = m.unary(y, UnaryFunction::gelu);
  if (dice.flip()) y = m.add(y, m.input(m.graph.shape(y)));
  m.finish(y);
}

}  // namespace

std::vector<ParityCase> filtering_cases() {
  return {
      {.name = "conv_three_taps", .make = three_taps, .variants = 16, .product = true},
      {.name = "conv_three_taps_repeated_rows_and_positions",
       .make =
           [](Maker& m, std::size_t v) {
             const SlidingAxis same{3, 1, 1, 1, 1};
             const Value y = m.graph.apply(Glu{}, {m.conv(m.input({3, 65, 32}), 66, {same, same})});
             m.finish(m.add(y, m.random({v == 0 ? 1 : 3, v == 1 ? 1 : 65, 33})));
           },
       .variants = 3,
       .product = true},
      {.name = "conv_of_two_strides",
       .make = [](Maker& m, std::size_t v) { two_strides(m, v, false); },
       .variants = 10,
       .product = true},
      {.name = "conv_transpose_of_two_strides",
       .make = [](Maker& m, std::size_t v) { two_strides(m, v, true); },
       .variants = 10,
       .product = true},
  };
}

}  // namespace metalaudio::nn

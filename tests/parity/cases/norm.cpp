#include "tests/parity/parity_case.h"

namespace metalaudio::nn {

namespace {

/// Weights that are constant, come with every run, or are absent.
Value weight(Maker& m, Dice& dice, const Shape& shape, double offset) {
  switch (dice.between(0, 2)) {
    case 0:
      return m.random(shape, 0.3, offset);
    case 1:
      return m.input(shape);
    default:
      return {};
  }
}

void random_group_norm(Maker& m, std::size_t variant) {
  Dice dice(variant);
  const std::int64_t groups = dice.of<std::int64_t>({1, 1, 2, 3, 4});
  const std::int64_t channels = groups * dice.of<std::int64_t>({1, 2, 5, 8, 16, 17, 33});
  std::vector<std::int64_t> extents = dice.extents(dice.between(1, 4), 9);
  extents.push_back(channels);
  const Value x = m.input(Shape(extents));
  GroupNorm norm{groups, static_cast<std::size_t>(
                             dice.between(1, static_cast<std::int64_t>(extents.size()) - 1))};
  norm.epsilon = 0.01F * static_cast<float>(dice.between(1, 9));
  norm.algorithm = dice.of<MomentsAlgorithm>(
      {MomentsAlgorithm::standard, MomentsAlgorithm::kahan, MomentsAlgorithm::welford});
  const Value gamma = weight(m, dice, {channels}, 1);
  m.finish(m.graph.apply(norm, {x, gamma, weight(m, dice, {channels}, 0)}));
}

/// The last `axes` axes of a value of up to four.
Shape inner_shape(Dice& dice, std::vector<std::int64_t>& extents, std::size_t& axes) {
  extents = dice.extents(dice.between(0, 3), 5);
  extents.push_back(dice.size());
  axes = static_cast<std::size_t>(dice.between(1, static_cast<std::int64_t>(extents.size())));
  return Shape(std::span<const std::int64_t>(extents).last(axes));
}

}  // namespace

std::vector<ParityCase> norm_cases() {
  const auto nothing = [](std::size_t v) {
    const std::vector<Shape> shapes = {{0, 5, 6}, {2, 0, 6}, {2, 5, 0}, {0, 0, 0}};
    return shapes[v];
  };
  return {
      {.name = "group_norm",
       .make =
           [](Maker& m, auto) {
             m.finish(m.norm(m.input({3, 70, 12}), {4, 2}));
           }},
      {.name = "group_norm_sizes", .make = random_group_norm, .variants = 120},
      {.name = "instance_norm",
       .make =
           [](Maker& m, std::size_t v) {
             const std::int64_t channels = kSizes[v + 1];
             m.finish(m.graph.apply(GroupNorm{channels}, {m.input({2, 21, channels})}));
           },
       .variants = kSizes.size() - 1},
      {.name = "group_norm_of_channels_alone",
       .make =
           [](Maker& m, std::size_t v) {
             m.finish(m.norm(m.input({3, 5, 12}), {v == 0 ? 1 : 3, 0}));
           },
       .variants = 2},
      {.name = "group_norm_nothing",
       .make =
           [nothing](Maker& m, std::size_t v) {
             m.finish(m.norm(m.input(nothing(v)), {1, 1}));
           },
       .variants = 4},
      {.name = "layer_norm",
       .make =
           [](Maker& m, auto) {
             m.finish(m.graph.apply(LayerNorm{},
                                    {m.input({2, 50, 19}), m.random({19}), m.random({19})}));
           }},
      {.name = "layer_norm_sizes",
       .make =
           [](Maker& m, std::size_t v) {
             Dice dice(v);
             std::vector<std::int64_t> extents;
             LayerNorm norm;
             norm.epsilon = 0.1F;
             const Shape inner = inner_shape(dice, extents, norm.axes);
             const Value x = m.input(Shape(extents));
             const Value gamma = weight(m, dice, inner, 1);
             m.finish(m.graph.apply(norm, {x, gamma, weight(m, dice, inner, 0)}));
           },
       .variants = 80},
      {.name = "layer_norm_nothing",
       .make = [nothing](
                   Maker& m,
                   std::size_t v) { m.finish(m.graph.apply(LayerNorm{}, {m.input(nothing(v))})); },
       .variants = 4},
      {.name = "rms_norm_sizes",
       .make =
           [](Maker& m, std::size_t v) {
             Dice dice(v);
             std::vector<std::int64_t> extents;
             RmsNorm norm;
             const Shape inner = inner_shape(dice, extents, norm.axes);
             norm.form = v % 2 == 0 ? RmsForm::mean_square : RmsForm::l2;
             norm.epsilon = v % 2 == 0 ? 0.05F : 1e-12F;
             const Value x = m.input(Shape(extents));
             m.finish(m.graph.apply(norm, {x, weight(m, dice, inner, 1)}));
           },
       .variants = 80},
      {.name = "rms_norm_of_silence",
       .make =
           [](Maker& m, std::size_t v) {
             RmsNorm norm{1, v == 0 ? RmsForm::mean_square : RmsForm::l2, 1e-12F};
             m.finish(m.graph.apply(norm, {m.input_of({3, 17}, {0}), m.random({17})}));
           },
       .variants = 2},
      {.name = "rms_norm_nothing",
       .make =
           [nothing](Maker& m, std::size_t v) {
             RmsNorm norm{1, v < 4 ? RmsForm::mean_square : RmsForm::l2};
             m.finish(m.graph.apply(norm, {m.input(nothing(v % 4))}));
           },
       .variants = 8},
  };
}

}  // namespace metalaudio::nn

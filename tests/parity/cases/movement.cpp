#include <algorithm>
#include <numeric>

#include "tests/parity/parity_case.h"

namespace metalaudio::nn {

namespace {

const std::vector<DataType> kAllTypes = {
    DataType::f16, DataType::bf16, DataType::f32,    DataType::f64, DataType::i8,
    DataType::i16, DataType::i32,  DataType::i64,    DataType::u8,  DataType::u16,
    DataType::u32, DataType::u64,  DataType::boolean};

DataType type_of(std::size_t variant) { return kAllTypes[variant % kAllTypes.size()]; }

/// Up to five axes, now and then one of them empty.
Shape random_shape(Dice& dice, std::int64_t least_axes = 0) {
  std::vector<std::int64_t> extents = dice.extents(dice.between(least_axes, 4), 5);
  if (dice.flip()) extents.push_back(dice.size());
  if (!extents.empty() && dice.between(0, 9) == 0) extents[extents.size() / 2] = 0;
  return Shape(extents);
}

void transpose(Maker& m, std::size_t v) {
  Dice dice(v);
  const Shape shape = random_shape(dice);
  std::vector<std::size_t> order(shape.rank());
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1],
              order[static_cast<std::size_t>(dice.between(0, static_cast<std::int64_t>(i) - 1))]);
  }
  m.finish(m.graph.apply(Transpose{order}, {m.input(shape, type_of(v))}));
}

void slice(Maker& m, std::size_t v) {
  Dice dice(v);
  const Shape shape = random_shape(dice);
  Slice slice;
  std::vector<std::int64_t> extents;
  for (const std::int64_t extent : shape.extents()) {
    const std::int64_t step = extent > 0 ? dice.between(1, std::min<std::int64_t>(3, extent)) : 1;
    const std::int64_t start = extent > 0 ? dice.between(0, extent - 1) : 0;
    const bool back = extent > 0 && dice.flip();
    const std::int64_t room = extent == 0 ? 0 : (back ? start : extent - 1 - start) / step + 1;
    slice.starts.push_back(start);
    slice.steps.push_back(back ? -step : step);
    extents.push_back(dice.between(0, 9) == 0 ? 0 : room);
  }
  slice.shape = Shape(extents);
  m.finish(m.graph.apply(slice, {m.input(shape, type_of(v))}));
}

void expand(Maker& m, std::size_t v) {
  Dice dice(v);
  const Shape from = random_shape(dice);
  std::vector<std::int64_t> narrow(from.extents().begin(), from.extents().end());
  std::vector<std::int64_t> wide = narrow;
  for (std::size_t i = 0; i < narrow.size(); ++i) {
    if (dice.flip()) narrow[i] = 1;
  }
  const std::vector<std::int64_t> before = dice.extents(dice.between(0, 2), 3);
  wide.insert(wide.begin(), before.begin(), before.end());
  m.finish(m.graph.apply(Expand{Shape(wide)}, {m.input(Shape(narrow), type_of(v))}));
}

void concat(Maker& m, std::size_t v) {
  Dice dice(v);
  const Shape shape = random_shape(dice, 1);
  const std::int64_t axis = dice.between(0, static_cast<std::int64_t>(shape.rank()) - 1);
  std::vector<Value> parts;
  for (std::int64_t n = dice.between(1, 5); n > 0; --n) {
    std::vector<std::int64_t> extents(shape.extents().begin(), shape.extents().end());
    extents[static_cast<std::size_t>(axis)] = dice.between(0, 6);
    parts.push_back(m.input(Shape(extents), type_of(v)));
  }
  if (dice.flip()) parts.push_back(parts[0]);
  const bool negative = dice.flip();
  m.finish(m.graph.apply(Concat{negative ? axis - static_cast<std::int64_t>(shape.rank()) : axis},
                         parts));
}

/// Widths up to twice the extent, negative ones too.
void pad(Maker& m, std::size_t v, PadMode mode) {
  Dice dice(v);
  const Shape shape = random_shape(dice);
  Pad pad;
  pad.mode = mode;
  pad.value = type_of(v) == DataType::boolean ? 1 : 3;
  for (const std::int64_t extent : shape.extents()) {
    const bool fixed =
        mode != PadMode::constant && (extent == 0 || (mode == PadMode::reflect && extent == 1));
    const std::int64_t most = fixed ? 0 : 2 * extent + 1;
    pad.before.push_back(dice.between(-extent / 2, most));
    pad.after.push_back(dice.between(-extent / 2, most));
  }
  m.finish(m.graph.apply(pad, {m.input(shape, type_of(v))}));
}

}  // namespace

std::vector<ParityCase> movement_cases() {
  constexpr Tolerance kExact = Tolerance::exact;
  std::vector<ParityCase> all = {
      {.name = "slice",
       .make =
           [](Maker& m, auto) {
             m.finish(m.graph.apply(Slice{{1, 3, 0}, {3, 11, 4}}, {m.input({5, 20, 4})}));
           },
       .tolerance = kExact},
      {.name = "slice_sizes", .make = slice, .variants = 260, .tolerance = kExact},
      {.name = "transpose_sizes",
       .make = transpose,
       .variants = 260,
       .steps = kAnyNumber,
       .tolerance = kExact},
      {.name = "transpose_eight_axes",
       .make =
           [](Maker& m, std::size_t v) {
             m.finish(m.graph.apply(Transpose{{7, 0, 6, 1, 5, 2, 4, 3}},
                                    {m.input({2, 3, 1, 2, 3, 2, 1, 3}, type_of(v))}));
           },
       .variants = 13,
       .tolerance = kExact},
      {.name = "transpose_large",
       .make =
           [](Maker& m, std::size_t v) {
             m.finish(m.graph.apply(Transpose{{0, 2, 1}}, {m.input({3, 301, 97}, type_of(v))}));
           },
       .variants = 13,
       .tolerance = kExact},
      {.name = "expand_sizes", .make = expand, .variants = 260, .tolerance = kExact},
      {.name = "concat_sizes", .make = concat, .variants = 260, .tolerance = kExact},
      {.name = "reshape",
       .make =
           [](Maker& m, std::size_t v) {
             const Value x = m.input(v % 2 == 0 ? Shape{2, 3, 4} : Shape{2, 0, 4}, type_of(v));
             m.finish(m.graph.apply(Reshape{v % 2 == 0 ? Shape{4, 6} : Shape{0}}, {x}));
           },
       .variants = 26,
       .steps = 0,
       .tolerance = kExact},
  };
  const std::vector<std::pair<std::string, PadMode>> modes = {{"constant", PadMode::constant},
                                                              {"reflect", PadMode::reflect},
                                                              {"symmetric", PadMode::symmetric},
                                                              {"edge", PadMode::edge},
                                                              {"wrap", PadMode::wrap}};
  for (const auto& [name, mode] : modes) {
    all.push_back({.name = "pad_" + name,
                   .make = [mode = mode](Maker& m, std::size_t v) { pad(m, v, mode); },
                   .variants = 130,
                   .tolerance = kExact});
  }
  return all;
}

}  // namespace metalaudio::nn

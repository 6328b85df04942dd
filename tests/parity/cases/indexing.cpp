#include "tests/parity/parity_case.h"

namespace metalaudio::nn {

namespace {

const std::vector<DataType> kTypes = {DataType::f32, DataType::f64,    DataType::f16,
                                      DataType::u8,  DataType::i16,    DataType::i32,
                                      DataType::i64, DataType::boolean};
/// Of everything that is added and compared.
const std::vector<DataType> kNumbers = {DataType::f32, DataType::f64, DataType::f16,
                                        DataType::i8,  DataType::u16, DataType::i32};

ParityCase exact(std::string name, std::function<void(Maker&, std::size_t)> make,
                 std::size_t variants) {
  return {.name = std::move(name),
          .make = std::move(make),
          .variants = variants,
          .tolerance = Tolerance::exact};
}

/// Indices into an axis of `extent`, from the end as well, and some beyond.
Value indices(Maker& m, const Shape& shape, double extent, bool wide) {
  return m.input_between(shape, -extent - 2, extent + 1, wide ? DataType::i64 : DataType::i32);
}

/// Which differ along the last axis, so that updates do not meet.
Value distinct(Maker& m, const Shape& shape, std::int64_t extent) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < shape.back(); ++i) {
    values.push_back(static_cast<double>((i * 3 + 1) % extent));
  }
  return m.input_of(shape, values, DataType::i64);
}

void where(Maker& m, std::size_t variant) {
  const DataType type = kTypes[variant % kTypes.size()];
  const std::int64_t n = kSizes[variant % kSizes.size()];
  switch (variant % 4) {
    case 0:
      return m.finish(m.graph.apply(Where{}, {m.input({3, n}, DataType::boolean),
                                              m.input({3, n}, type), m.input({3, n}, type)}));
    case 1:
      return m.finish(m.graph.apply(
          Where{}, {m.input({4, 1}, DataType::boolean), m.input({n}, type), m.input({}, type)}));
    case 2:
      return m.finish(m.graph.apply(Where{}, {m.input({n}, DataType::boolean),
                                              m.input({2, 3, 1}, type), m.input({1, n}, type)}));
    default:
      return m.finish(m.graph.apply(
          Where{}, {m.input({}, DataType::boolean), m.input({n, 1}, type), m.input({n, 3}, type)}));
  }
}

void gather(Maker& m, std::size_t variant) {
  const DataType type = kTypes[variant % kTypes.size()];
  const std::vector<Shape> shapes = {{}, {4}, {2, 3}, {0}};
  const auto axis = static_cast<std::int64_t>(variant % 3);
  const Value x = m.input({3, 5, 7}, type);
  m.finish(m.graph.apply(Gather{axis - 3},
                         {x, indices(m, shapes[variant % shapes.size()],
                                     static_cast<double>(3 + 2 * axis), variant % 2 == 0)}));
}

/// Known while the step is made: runs forwards, backwards, in strides, and none of these.
Value constant_indices(Maker& m, const Shape& shape, std::int64_t extent, std::size_t variant) {
  Tensor tensor(shape, DataType::i64);
  std::int64_t i = 0;
  for (std::int64_t& index : tensor.values_as<std::int64_t>()) {
    const std::int64_t pattern[] = {i, -1 - i, 2 * i, i * i + 1, i / 3};
    index = pattern[variant % 5] % extent;
    ++i;
  }
  return m.graph.constant(std::move(tensor));
}

void gather_constant(Maker& m, std::size_t variant) {
  const DataType type = kTypes[variant % kTypes.size()];
  const std::vector<Shape> shapes = {{}, {9}, {4, 3}, {0}};
  const auto axis = static_cast<std::int64_t>(variant % 3);
  const std::int64_t extents[] = {3, 5, 23};
  const Value x = m.input({3, 5, 23}, type);
  m.finish(m.graph.apply(Gather{axis}, {x, constant_indices(m, shapes[variant / 3 % shapes.size()],
                                                            extents[axis], variant)}));
}

void gather_elements(Maker& m, std::size_t variant) {
  const DataType type = kTypes[variant % kTypes.size()];
  const auto axis = static_cast<std::int64_t>(variant % 3);
  std::vector<std::int64_t> shape = {2, 5, 6};
  shape[static_cast<std::size_t>(axis)] = kSizes[variant % kSizes.size()];
  const Value x = m.input({3, 5, 7}, type);
  m.finish(m.graph.apply(
      GatherElements{axis},
      {x, indices(m, Shape(shape), static_cast<double>(3 + 2 * axis), variant % 2 == 0)}));
}

void gather_nd(Maker& m, std::size_t variant) {
  const DataType type = kTypes[variant % kTypes.size()];
  const Value x = m.input({3, 5, 4, 2}, type);
  const std::size_t batch = variant % 3;
  std::vector<std::int64_t> shape = {3, 5};
  shape.resize(batch);
  shape.push_back(kSizes[variant % kSizes.size()]);
  shape.push_back(static_cast<std::int64_t>(variant % (5 - batch)));
  m.finish(m.graph.apply(GatherNd{batch}, {x, indices(m, Shape(shape), 3, variant % 2 == 0)}));
}

constexpr ScatterReduction kReductions[] = {ScatterReduction::none, ScatterReduction::add,
                                            ScatterReduction::multiply, ScatterReduction::minimum,
                                            ScatterReduction::maximum};

/// Numbers so small that sums and products of them are exact in every type.
Value small(Maker& m, const Shape& shape, DataType type) {
  return m.input_of(shape, {1, 2, 0, 3, 2, 1, 1}, type);
}

void scatter_elements(Maker& m, std::size_t variant) {
  const DataType type = kNumbers[variant % kNumbers.size()];
  const ScatterReduction reduction = kReductions[variant % 5];
  const bool along_last = variant % 2 == 0;
  const Value x = small(m, {3, 4, 7}, type);
  const Shape at = along_last ? Shape{3, 2, 9} : Shape{3, 4, 5};
  const Value to = indices(m, at, along_last ? 7 : 4, variant % 3 == 0);
  m.finish(
      m.graph.apply(ScatterElements{along_last ? 2 : -2, reduction}, {x, to, small(m, at, type)}));
}

void scatter_nd(Maker& m, std::size_t variant) {
  const DataType type = kNumbers[variant % kNumbers.size()];
  const ScatterReduction reduction = kReductions[variant % 5];
  const auto depth = static_cast<std::int64_t>(variant % 4);
  const Value x = small(m, {4, 3, 5}, type);
  const Value to = indices(m, {2, 3, depth}, 3, variant % 3 == 0);
  std::vector<std::int64_t> updates = {2, 3};
  for (std::int64_t i = depth; i < 3; ++i)
    updates.push_back(std::vector<std::int64_t>{4, 3, 5}[static_cast<std::size_t>(i)]);
  m.finish(m.graph.apply(ScatterNd{reduction}, {x, to, small(m, Shape(updates), type)}));
}

void scatter_constant(Maker& m, std::size_t variant) {
  const DataType type = kNumbers[variant % kNumbers.size()];
  const ScatterReduction reduction = kReductions[variant % 5];
  const Value x = small(m, {4, 3, 9}, type);
  if (variant % 2 == 0) {
    return m.finish(m.graph.apply(
        ScatterElements{2, reduction},
        {x, constant_indices(m, {4, 2, 9}, 9, variant / 2), small(m, {4, 2, 9}, type)}));
  }
  m.finish(m.graph.apply(ScatterNd{reduction},
                         {x, constant_indices(m, {7, 2}, 3, variant / 2), small(m, {7, 9}, type)}));
}

void trilu(Maker& m, std::size_t variant) {
  const DataType type = kTypes[variant % kTypes.size()];
  const std::int64_t diagonals[] = {0, 1, -1, 3, -4, 100, -100, INT64_MAX, INT64_MIN};
  const Shape shapes[] = {{4, 4}, {2, 3, 7}, {2, 7, 3}, {3, 0}, {0, 3}};
  m.finish(m.graph.apply(Trilu{variant % 2 == 0, diagonals[variant % 9]},
                         {m.input(shapes[variant % 5], type)}));
}

void one_hot(Maker& m, std::size_t variant) {
  const DataType type = kTypes[variant % kTypes.size()];
  const DataType index_types[] = {DataType::i64, DataType::i32, DataType::f32, DataType::i8};
  const Value at = m.input_between({3, 4}, -8, 8, index_types[variant % 4]);
  const auto depth = static_cast<std::int64_t>(variant % 7);
  m.finish(m.graph.apply(OneHot{static_cast<std::int64_t>(variant % 6) - 3, depth},
                         {at, m.input_of({2}, {0, 1}, type)}));
}

}  // namespace

std::vector<ParityCase> indexing_cases() {
  return {
      exact("where", where, 60),
      exact("gather", gather, 24),
      exact("gather_constant", gather_constant, 60),
      exact("gather_elements", gather_elements, 45),
      exact("gather_nd", gather_nd, 60),
      exact("scatter_elements", scatter_elements, 30),
      exact("scatter_nd", scatter_nd, 60),
      exact("scatter_constant", scatter_constant, 60),
      exact(
          "scatter_distinct_places",
          [](Maker& m, auto) {
            m.finish(
                m.graph.apply(ScatterElements{2},
                              {m.input({2, 3, 7}), distinct(m, {2, 3, 5}, 7), m.input({2, 3, 5})}));
          },
          1),
      exact("trilu", trilu, 90),
      exact("one_hot", one_hot, 84),
  };
}

}  // namespace metalaudio::nn

#include <limits>
#include <optional>

#include "tests/parity/parity_case.h"

namespace metalaudio::nn {

namespace {

using U = UnaryFunction;
using B = BinaryFunction;

struct UnaryCase {
  U function;
  double alpha = 0;
  double beta = 0;
  double low = -4;
  double high = 4;
};

const std::vector<UnaryCase> kUnary = {
    {U::absolute},
    {U::negate},
    {U::sign},
    {U::exp},
    {U::log, 0, 0, 0.01},
    {U::sqrt, 0, 0, 0},
    {U::reciprocal, 0, 0, 0.3},
    {U::sin},
    {U::cos},
    {U::tan, 0, 0, -1, 1},
    {U::asin, 0, 0, -1, 1},
    {U::acos, 0, 0, -1, 1},
    {U::atan},
    {U::sinh},
    {U::cosh},
    {U::tanh},
    {U::asinh},
    {U::acosh, 0, 0, 1.1},
    {U::atanh, 0, 0, -0.9, 0.9},
    {U::erf},
    {U::floor},
    {U::ceil},
    {U::round},
    {U::relu},
    {U::sigmoid},
    {U::gelu},
    {U::gelu_tanh},
    {U::silu},
    {U::softplus},
    {U::softsign},
    {U::mish},
    {U::hard_swish},
    {U::hard_sigmoid, 0.2, 0.5},
    {U::leaky_relu, 0.01},
    {U::elu, 1.5},
    {U::celu, 2},
    {U::selu, 1.6732632423543772, 1.0507009873554805},
    {U::thresholded_relu, 1},
    {U::clip, -1, 2},
    {U::shrink, 1.5, 0.5},
};

const std::vector<DataType> kIntegers = {DataType::i8, DataType::i16, DataType::i32, DataType::i64,
                                         DataType::u8, DataType::u16, DataType::u32, DataType::u64};
const std::vector<DataType> kFloats = {DataType::f32, DataType::f64, DataType::f16, DataType::bf16};

/// One case for a function of several types.
ParityCase of_types(std::string_view function, const std::vector<DataType>& types,
                    std::size_t variants,
                    const std::function<void(Maker&, std::size_t variant, DataType)>& make) {
  return {.name = std::string(function) + (types == kIntegers ? "_of_integers" : ""),
          .make = [=](Maker& m, std::size_t v) { make(m, v % variants, types[v / variants]); },
          .variants = variants * types.size(),
          .tolerance = Tolerance::elements};
}

/// The sizes of vectors and blocks of one axis, and one value of none.
Shape unary_shape(std::size_t v) {
  if (v == 0) return {};
  if (v <= kSizes.size()) return {kSizes[v - 1]};
  return {3, 16384};
}
const std::size_t kUnaryShapes = kSizes.size() + 2;

void add_unary(std::vector<ParityCase>& all) {
  for (const UnaryCase& c : kUnary) {
    all.push_back(of_types(to_string(c.function), kFloats, kUnaryShapes,
                           [c](Maker& m, std::size_t v, DataType type) {
                             const Value x = m.input_between(unary_shape(v), c.low, c.high, type);
                             m.finish(m.graph.apply(Unary{c.function, c.alpha, c.beta}, {x}));
                           }));
    all.push_back({.name = std::string(to_string(c.function)) + "_far_out",
                   .make =
                       [c](Maker& m, std::size_t v) {
                         constexpr double kInf = std::numeric_limits<double>::infinity();
                         constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
                         // Where torch multiplies infinity by 0, the vector forms give their limit.
                         const bool gate = c.function == U::gelu || c.function == U::gelu_tanh ||
                                           c.function == U::silu;
                         const Value x = m.input_of({37},
                                                    {kInf, gate ? -200 : -kInf, kNaN, 0.0, -0.0, 30,
                                                     -30, 95, -95, 120, -120, 0.5},
                                                    v == 0 ? DataType::f32 : DataType::f64);
                         m.finish(m.graph.apply(Unary{c.function, c.alpha, c.beta}, {x}));
                       },
                   .variants = 2,
                   .tolerance = Tolerance::elements});
  }
  for (const U function : {U::absolute, U::negate, U::sign, U::relu, U::bitwise_not}) {
    all.push_back(of_types(to_string(function), kIntegers, kUnaryShapes,
                           [function](Maker& m, std::size_t v, DataType type) {
                             m.finish(m.unary(m.input(unary_shape(v), type), function));
                           }));
  }
  for (const UnaryCase& c :
       {UnaryCase{U::leaky_relu, 0.5}, UnaryCase{U::clip, -3, 5}, UnaryCase{U::shrink, 1.5, 0.5}}) {
    all.push_back(
        of_types(to_string(c.function), kIntegers, 1, [c](Maker& m, std::size_t, DataType type) {
          const Value x = m.input_between({101}, is_signed(type) ? -20 : 0, 20, type);
          m.finish(m.graph.apply(Unary{c.function, c.alpha, c.beta}, {x}));
        }));
  }
  all.push_back({.name = "logical_not",
                 .make =
                     [](Maker& m, std::size_t v) {
                       m.finish(
                           m.unary(m.input(unary_shape(v), DataType::boolean), U::logical_not));
                     },
                 .variants = kUnaryShapes,
                 .tolerance = Tolerance::exact});
  all.push_back(
      of_types("is_nan_and_is_inf", kFloats, 4, [](Maker& m, std::size_t v, DataType type) {
        constexpr double kInf = std::numeric_limits<double>::infinity();
        const Value x = m.input_of(
            {19}, {kInf, 1, -kInf, std::numeric_limits<double>::quiet_NaN(), -2, 0}, type);
        m.graph.output("nan", m.unary(x, U::is_nan));
        m.finish(m.graph.apply(Unary{U::is_inf, v % 2 == 0 ? 0.0 : 1.0, v < 2 ? 0.0 : 1.0}, {x}));
      }));
  all.back().steps = 2;
}

struct Pair {
  Shape a;
  Shape b;
};
/// Equal and repeated in every way: an axis of 1, fewer axes, none, nothing at all.
const std::vector<Pair> kPairs = {
    {{}, {}},
    {{17}, {17}},
    {{33}, {}},
    {{}, {33}},
    {{5, 1}, {1, 7}},
    {{3, 9, 21}, {9, 21}},
    {{9, 21}, {3, 9, 21}},
    {{3, 9, 21}, {1, 9, 1}},
    {{1, 9, 1}, {3, 9, 21}},
    {{2, 1, 4, 1, 3}, {5, 1, 2, 3}},
    {{0}, {1}},
    {{4, 0}, {4, 1}},
    {{0, 3}, {3}},
    {{40000}, {40000}},
    {{3, 20000}, {1}},
    {{2, 3, 4, 5}, {2, 1, 1, 5}},
    {{31}, {1}},
    {{1}, {15}},
    {{7, 1, 1}, {7, 3, 2}},
};

void add_binary(std::vector<ParityCase>& all) {
  struct Range {
    double low, high;
  };
  const auto make = [](B function, DataType type, std::size_t v, std::optional<Range> a,
                       std::optional<Range> b, Maker& m) {
    const auto input = [&](const Shape& shape, const std::optional<Range>& range) {
      return range ? m.input_between(shape, range->low, range->high, type) : m.input(shape, type);
    };
    const Value x = input(kPairs[v].a, a);
    m.finish(m.graph.apply(Binary{function}, {x, input(kPairs[v].b, b)}));
  };
  const auto add = [&](B function, const std::vector<DataType>& types,
                       std::optional<Range> a = std::nullopt,
                       std::optional<Range> b = std::nullopt) {
    all.push_back(of_types(to_string(function), types, kPairs.size(),
                           [=](Maker& m, std::size_t v, DataType type) {
                             const bool below_zero = is_signed(type) || !a || a->low >= 0;
                             make(function, type, v, below_zero ? a : Range{0, a->high},
                                  below_zero ? b : Range{0, b->high}, m);
                           }));
  };
  for (const B function : {B::add, B::subtract, B::multiply, B::minimum, B::maximum, B::prelu,
                           B::less, B::less_or_equal, B::greater, B::greater_or_equal}) {
    add(function, kFloats);
    add(function, kIntegers);
  }
  for (const B function : {B::divide, B::modulo, B::fmod}) {
    add(function, kFloats, Range{-5, 5}, Range{0.5, 3});
    add(function, kIntegers);
  }
  add(B::power, kFloats, Range{0.1, 2}, Range{-2, 3});
  add(B::power, kIntegers, Range{-3, 9}, Range{-3, 9});
  for (const B function :
       {B::bitwise_and, B::bitwise_or, B::bitwise_xor, B::shift_left, B::shift_right}) {
    add(function, kIntegers);
  }
  std::vector<DataType> types = kFloats;
  types.push_back(DataType::boolean);
  add(B::equal, types);
  add(B::equal, kIntegers);
  for (const B function : {B::logical_and, B::logical_or, B::logical_xor}) {
    add(function, {DataType::boolean});
  }
  for (const B function : {B::add, B::multiply, B::divide, B::minimum, B::maximum, B::modulo,
                           B::fmod, B::equal, B::less, B::greater_or_equal}) {
    all.push_back(
        {.name = std::string(to_string(function)) + "_far_out",
         .make =
             [function](Maker& m, std::size_t v) {
               constexpr double kInf = std::numeric_limits<double>::infinity();
               constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
               const std::vector<double> numbers = {kInf, -kInf, kNaN, 0, -1, 1.5, 1e30};
               const DataType type = v == 0 ? DataType::f32 : DataType::f64;
               const Value a = m.input_of({7, 1}, numbers, type);
               m.finish(m.graph.apply(Binary{function}, {a, m.input_of({5, 1, 7}, numbers, type)}));
             },
         .variants = 2,
         .tolerance = Tolerance::elements});
  }
}

void add_casts(std::vector<ParityCase>& all) {
  std::vector<DataType> types = kFloats;
  types.insert(types.end(), kIntegers.begin(), kIntegers.end());
  types.push_back(DataType::boolean);
  for (const DataType from : types) {
    all.push_back({.name = "cast_" + std::string(to_string(from)),
                   .make =
                       [from, types](Maker& m, std::size_t v) {
                         const DataType to = types[v % types.size()];
                         const Shape shape = unary_shape(v / types.size());
                         m.finish(m.graph.apply(Cast{to}, {m.input(shape, from)}));
                       },
                   .variants = types.size() * kUnaryShapes,
                   .tolerance = Tolerance::exact});
    all.push_back({.name = "bit_cast_" + std::string(to_string(from)),
                   .make =
                       [from, types](Maker& m, std::size_t v) {
                         // Whole numbers have bits that are numbers as well, in every type.
                         const Value x = m.input_of({v == 0 ? 0 : 37}, {0, 1, 1, 0, 1}, from);
                         for (const DataType to : types) {
                           if (size_of(to) != size_of(from)) continue;
                           if (to == DataType::boolean && from != to) continue;
                           m.graph.output(std::string(to_string(to)),
                                          m.graph.apply(BitCast{to}, {x}));
                         }
                       },
                   .variants = 2,
                   .steps = kAnyNumber,
                   .tolerance = Tolerance::exact});
    if (!is_floating(from)) continue;
    all.push_back({.name = "cast_far_out_" + std::string(to_string(from)),
                   .make =
                       [from, types](Maker& m, std::size_t v) {
                         constexpr double kInf = std::numeric_limits<double>::infinity();
                         const Value x = m.input_of(
                             {41},
                             {kInf, -kInf, std::numeric_limits<double>::quiet_NaN(), 0.0, 300.7,
                              -300.7, 7e4, -7e4, 3e9, -3e9, 1e19, -1e19, 3e19, 0.4, -0.9, 1.0001},
                             from);
                         m.finish(m.graph.apply(Cast{types[v]}, {x}));
                       },
                   .variants = types.size(),
                   .tolerance = Tolerance::exact});
  }
}

}  // namespace

std::vector<ParityCase> elementwise_cases() {
  std::vector<ParityCase> all;
  add_unary(all);
  add_binary(all);
  add_casts(all);
  all.push_back({.name = "glu_sizes",
                 .make =
                     [](Maker& m, std::size_t v) {
                       const std::int64_t channels = kSizes[v % kSizes.size()];
                       const std::int64_t rows = v < kSizes.size() ? 97 : 0;
                       m.finish(m.graph.apply(Glu{}, {m.input({rows, 2 * channels})}));
                     },
                 .variants = 2 * kSizes.size(),
                 .tolerance = Tolerance::elements});
  return all;
}

}  // namespace metalaudio::nn

#include <cmath>

#include "tests/parity/parity_case.h"

namespace metalaudio::nn {

namespace {

const std::vector<std::vector<std::size_t>> kAxes = {{2}, {0}, {1}, {0, 2}, {1, 2}, {0, 1, 2}, {}};

Shape shape_of(std::size_t variant) {
  return {3, static_cast<std::int64_t>(variant % 4 + 1), kSizes[variant % kSizes.size()]};
}

ParityCase reduce(ReduceFunction function, DataType type, Tolerance tolerance) {
  return {.name = std::string(to_string(function)) + "_" + std::string(to_string(type)),
          .make =
              [=](Maker& m, std::size_t variant) {
                const bool small = is_integer(type) && tolerance != Tolerance::exact;
                const Value x = function == ReduceFunction::log_sum || small
                                    ? m.input_between(shape_of(variant), 1, 3, type)
                                : function == ReduceFunction::product
                                    ? m.input_between(shape_of(variant), -2, 2, type)
                                    : m.input(shape_of(variant), type);
                m.finish(m.graph.apply(
                    Reduce{function, kAxes[variant % kAxes.size()], variant % 2 == 0}, {x}));
              },
          .variants = 105,
          .tolerance = tolerance};
}

/// Infinities of both signs and NaN among few values.
void special(Maker& m, std::size_t variant, ReduceFunction function) {
  const double specials[] = {INFINITY, -INFINITY, NAN};
  std::vector<double> values(40, -INFINITY);
  if (variant % 2 == 0) values.assign(40, 1.0);
  values[variant % 40] = specials[variant % 3];
  m.finish(m.graph.apply(Reduce{function, {1}, false}, {m.input_of({1, 40}, values)}));
}

}  // namespace

std::vector<ParityCase> reduction_cases() {
  using F = ReduceFunction;
  std::vector<ParityCase> all;
  for (const F f : {F::sum, F::mean, F::maximum, F::minimum, F::product, F::l1, F::l2, F::log_sum,
                    F::log_sum_exp, F::sum_square}) {
    const bool picks = f == F::maximum || f == F::minimum;
    for (const DataType type : {DataType::f32, DataType::f64, DataType::f16, DataType::bf16}) {
      all.push_back(reduce(f, type, picks ? Tolerance::exact : Tolerance::elements));
    }
    if (f != F::l2 && f != F::log_sum && f != F::log_sum_exp) {
      all.push_back(reduce(f, DataType::i32, Tolerance::exact));
      all.push_back(reduce(f, DataType::u8, Tolerance::exact));
    }
    if (picks) {
      all.push_back(reduce(f, DataType::boolean, Tolerance::exact));
      all.push_back(reduce(f, DataType::i64, Tolerance::exact));
      all.push_back(reduce(f, DataType::u64, Tolerance::exact));
    }
  }
  for (const F f : {F::maximum, F::minimum, F::log_sum_exp}) {
    all.push_back({.name = "special_" + std::string(to_string(f)),
                   .make = [f](Maker& m, std::size_t variant) { special(m, variant, f); },
                   .variants = 12,
                   .tolerance = Tolerance::elements});
  }
  for (const DataType type : {DataType::f32, DataType::f16, DataType::i32, DataType::u8}) {
    const std::string name(to_string(type));
    all.push_back(
        {.name = "arg_reduce_" + name,
         .make =
             [type](Maker& m, std::size_t variant) {
               const Value x = m.input_of({2, 5, 3}, {1, 4, 2, 4, 0, 1, 4}, type);
               m.finish(m.graph.apply(ArgReduce{static_cast<std::int64_t>(variant % 3),
                                                variant % 2 == 0, variant % 4 < 2, variant % 8 < 4},
                                      {x}));
             },
         .variants = 24,
         .tolerance = Tolerance::exact});
    all.push_back(
        {.name = "cum_sum_" + name,
         .make =
             [type](Maker& m, std::size_t variant) {
               const Value x = m.input_between(shape_of(variant), 0, 3, type);
               m.finish(m.graph.apply(CumSum{static_cast<std::int64_t>(variant % 3),
                                             variant % 2 == 0, variant % 4 < 2, variant % 8 < 4},
                                      {x}));
             },
         .variants = 60,
         .tolerance = is_floating(type) ? Tolerance::elements : Tolerance::exact});
    all.push_back({.name = "top_k_" + name,
                   .make =
                       [type](Maker& m, std::size_t variant) {
                         const Value x = m.input({3, 6, 5}, type);
                         const std::vector<Value> y = m.graph.apply_all(
                             TopK{static_cast<std::int64_t>(variant % 3),
                                  static_cast<std::int64_t>(variant % 4), variant % 2 == 0, true},
                             {x});
                         m.graph.output("values", y[0]);
                         m.graph.output("indices", y[1]);
                       },
                   .variants = 24,
                   .tolerance = Tolerance::exact});
  }
  return all;
}

}  // namespace metalaudio::nn

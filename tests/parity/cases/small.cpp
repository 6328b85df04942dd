#include "tests/parity/parity_case.h"

namespace metalaudio::nn {

namespace {

struct Narrow {
  std::int64_t frames, in, out;
  SlidingAxis axis;
};

/// One channel or several, dilated or not, padded or not, of every number of outputs that is
/// narrow.
const std::vector<Narrow> kNarrow = {
    {64, 1, 1, {33}},           {100, 1, 3, {17, 1, 1, 16}}, {200, 1, 7, {9, 1, 3, 5, 30}},
    {20, 1, 1, {33, 1, 1, 32}}, {9, 3, 1, {9, 1, 1, 4, 4}},  {70, 8, 2, {33, 3, 1, 0, 40}},
    {50, 16, 1, {1}},           {50, 17, 1, {5, 2, 4, 3}},   {40, 16, 3, {3, 1, 1, 1, 1}},
    {1, 16, 1, {3, 1, 1, 2}},   {3000, 1, 1, {5, 1, 1, 4}},  {12, 64, 4, {7, 1, 2, 12}},
};

}  // namespace

std::vector<ParityCase> small_cases() {
  std::vector<ParityCase> all = {
      {.name = "few_rows",
       .make =
           [](Maker& m, auto variant) {
             const auto rows = static_cast<std::int64_t>(variant % 17);
             const std::int64_t columns = variant < 17 ? 70 : 130;
             const Value x = m.input({rows, 37});
             const Value y = m.unary(m.conv(x, columns, {}), UnaryFunction::gelu);
             m.finish(m.add(y, m.input({rows, columns})));
           },
       .variants = 34,
       .product = true},
      {.name = "few_rows_with_glu",
       .make =
           [](Maker& m, auto variant) {
             const Value x = m.input({static_cast<std::int64_t>(variant), 19});
             m.finish(m.graph.apply(Glu{}, {m.conv(x, 90, {})}));
           },
       .variants = 6,
       .product = true},
      {.name = "few_positions",
       .make =
           [](Maker& m, auto variant) {
             const auto frames = static_cast<std::int64_t>(variant + 1);
             m.finish(m.conv(m.input({2, frames, 12}), 40, {{5, 1, 2, 4, 4}}, 2));
           },
       .variants = 6,
       .product = true},
      {.name = "narrow_conv",
       .make =
           [](Maker& m, auto variant) {
             const Narrow& n = kNarrow[variant];
             m.finish(m.conv(m.input({2, n.frames, n.in}), n.out, {n.axis}));
           },
       .variants = kNarrow.size(),
       .product = true},
      {.name = "narrow_conv_with_all_behind_it",
       .make =
           [](Maker& m, auto) {
             const Value x = m.input({1, 90, 16});
             const Value y = m.conv(x, 2, {{17, 1, 1, 8, 8}}, 1, false);
             m.finish(m.add(m.unary(y, UnaryFunction::tanh), m.input({1, 90, 2})));
           },
       .product = true},
  };
  return all;
}

}  // namespace metalaudio::nn

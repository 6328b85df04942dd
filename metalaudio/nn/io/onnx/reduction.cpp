#include <metalaudio/nn/io/onnx/import_table.h>

#include <numeric>

namespace metalaudio::nn {

namespace {

using Results = std::vector<Value>;
using R = ReduceFunction;

/// Axes as attribute, or as input (ReduceSum since opset 13, the others since 18); none: all, or
/// with noop_with_empty_axes each value for itself.
template <R function>
Results reduce(Call& c) {
  const std::size_t rank = c.shape(0).rank();
  const Integers given = c.axes(1, "axes").value_or(Integers{});
  std::vector<std::size_t> axes = axes_in(given, rank);
  if (axes.empty()) {
    if (c.attribute("noop_with_empty_axes", std::int64_t{0}) != 0) {
      return {c.b.reduce(function, c.in(0), {}, true)};
    }
    axes.resize(rank);
    std::iota(axes.begin(), axes.end(), std::size_t{0});
  }
  const bool keep = c.attribute("keepdims", std::int64_t{1}) != 0;
  if (c.type(0) != DataType::boolean) return {c.b.reduce(function, c.in(0), axes, keep)};
  const Value numbers = c.b.cast(c.in(0), DataType::u8);  // max and min take booleans since 20
  return {c.b.cast(c.b.reduce(function, numbers, axes, keep), DataType::boolean)};
}

template <bool product>
Results cumulate(Call& c) {
  const Integers axis = c.needed_integers(1);
  if (axis.size() != 1) invalid("{} axes", axis.size());
  const bool exclusive = c.attribute("exclusive", std::int64_t{0}) != 0;
  const bool reverse = c.attribute("reverse", std::int64_t{0}) != 0;
  return {c.b.apply(CumSum{axis[0], exclusive, reverse, product}, {c.in(0)})};
}

constexpr ImportEntry kEntries[] = {
    {"CumProd", cumulate<true>},          {"CumSum", cumulate<false>},
    {"ReduceL1", reduce<R::l1>},          {"ReduceL2", reduce<R::l2>},
    {"ReduceLogSum", reduce<R::log_sum>}, {"ReduceLogSumExp", reduce<R::log_sum_exp>},
    {"ReduceMax", reduce<R::maximum>},    {"ReduceMean", reduce<R::mean>},
    {"ReduceMin", reduce<R::minimum>},    {"ReduceProd", reduce<R::product>},
    {"ReduceSum", reduce<R::sum>},        {"ReduceSumSquare", reduce<R::sum_square>},
};

}  // namespace

std::span<const ImportEntry> reduction_imports() { return kEntries; }

}  // namespace metalaudio::nn

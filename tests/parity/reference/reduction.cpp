#include <algorithm>
#include <limits>

#include "tests/parity/reference/operations.h"

namespace metalaudio::nn {

namespace {

/// Integers wrap in their own type.
Number wrapped(Number value, DataType type) {
  if (!is_integer(type)) return value;
  const auto bits = static_cast<int>(8 * size_of(type));
  const Number range = std::ldexp(Number{1}, bits);
  Number rest = std::fmod(value, range);
  if (rest < 0) rest += range;
  return is_signed(type) && rest >= range / 2 ? rest - range : rest;
}

Number limit(DataType type, bool greatest) {
  return visit_type(type, [&]<typename T>(std::type_identity<T>) -> Number {
    if constexpr (std::is_integral_v<T>) {
      return greatest ? std::numeric_limits<T>::max() : std::numeric_limits<T>::min();
    } else {
      return greatest ? INFINITY : -INFINITY;
    }
  });
}

Number reduced(ReduceFunction function, const std::vector<Number>& values, DataType type) {
  using F = ReduceFunction;
  Number result = 0;
  switch (function) {
    case F::sum:
      for (const Number v : values) result = wrapped(result + v, type);
      return result;
    case F::mean:
      for (const Number v : values) result += v;
      if (is_floating(type)) return result / static_cast<Number>(values.size());
      return values.empty() ? 0 : std::trunc(result / static_cast<Number>(values.size()));
    case F::maximum:
    case F::minimum: {
      result = limit(type, function == F::minimum);
      for (const Number v : values) {
        if (std::isnan(v)) return v;
        result = function == F::maximum ? std::max(result, v) : std::min(result, v);
      }
      return result;
    }
    case F::product:
      result = 1;
      // The product of two 64-bit integers does not fit the mantissa; small ones do.
      for (const Number v : values) result = wrapped(result * v, type);
      return result;
    case F::l1:
      for (const Number v : values) result = wrapped(result + std::fabs(v), type);
      return result;
    case F::sum_square:
      for (const Number v : values) result = wrapped(result + v * v, type);
      return result;
    case F::l2:
      for (const Number v : values) result += v * v;
      return std::sqrt(result);
    case F::log_sum:
      for (const Number v : values) result += v;
      return std::log(result);
    case F::log_sum_exp:
      for (const Number v : values) result += std::exp(v);
      return std::log(result);
  }
  return result;
}

}  // namespace

void compute(const Reduce& o, const ReferenceInputs& in, Results& results) {
  const Shape& shape = in[0]->type.shape;
  const auto is_reduced = [&](std::size_t axis) {
    return std::find(o.axes.begin(), o.axes.end(), axis) != o.axes.end();
  };
  std::vector<std::vector<Number>> values(results[0].values.size());
  for_each_index(shape, [&](const Index& index) {
    Index to;
    for (std::size_t i = 0; i < index.size(); ++i) {
      if (!is_reduced(i))
        to.push_back(index[i]);
      else if (o.keep_axes)
        to.push_back(0);
    }
    values[offset_of(results[0].type.shape, to)].push_back(at(*in[0], index));
  });
  for (std::size_t i = 0; i < values.size(); ++i) {
    results[0].values[i] = reduced(o.function, values[i], in[0]->type.type);
  }
}

void compute(const ArgReduce& o, const ReferenceInputs& in, Results& results) {
  const Shape& shape = in[0]->type.shape;
  const std::size_t axis = axis_of(o.axis, shape.rank());
  fill(results[0], [&](Index index) -> Number {
    if (!o.keep_axes) index.insert(index.begin() + static_cast<std::ptrdiff_t>(axis), 0);
    std::int64_t best = 0;
    Number value = 0;
    for (std::int64_t i = 0; i < shape[axis]; ++i) {
      index[axis] = i;
      const Number v = at(*in[0], index);
      if (std::isnan(v)) return static_cast<Number>(i);
      if (i == 0 || (o.maximum ? v > value : v < value) || (o.last && v == value)) {
        best = i;
        value = v;
      }
    }
    return static_cast<Number>(best);
  });
}

void compute(const CumSum& o, const ReferenceInputs& in, Results& results) {
  const Shape& shape = in[0]->type.shape;
  const std::size_t axis = axis_of(o.axis, shape.rank());
  fill(results[0], [&](Index index) {
    const std::int64_t end = index[axis];
    Number total = o.product ? 1 : 0;
    for (std::int64_t i = 0; i < shape[axis]; ++i) {
      const bool counts = o.reverse ? i > end : i < end;
      index[axis] = i;
      if (!counts && (o.exclusive || i != end)) continue;
      const Number x = at(*in[0], index);
      total = wrapped(o.product ? total * x : total + x, in[0]->type.type);
    }
    return total;
  });
}

void compute(const TopK& o, const ReferenceInputs& in, Results& results) {
  const Shape& shape = in[0]->type.shape;
  const std::size_t axis = axis_of(o.axis, shape.rank());
  for_each_index(results[0].type.shape, [&](Index index) {
    const Index to = index;
    std::vector<std::int64_t> order;
    for (std::int64_t i = 0; i < shape[axis]; ++i) order.push_back(i);
    const auto value = [&](std::int64_t i) {
      index[axis] = i;
      return at(*in[0], index);
    };
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
      return o.largest ? value(a) > value(b) : value(a) < value(b);
    });
    const std::int64_t picked = order[static_cast<std::size_t>(to[axis])];
    results[0].values[offset_of(results[0].type.shape, to)] = value(picked);
    results[1].values[offset_of(results[0].type.shape, to)] = static_cast<Number>(picked);
  });
}

}  // namespace metalaudio::nn

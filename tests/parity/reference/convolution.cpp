#include "tests/parity/reference/operations.h"

namespace metalaudio::nn {

namespace {

/// Σ over taps and the channels of the group that `out` belongs to; source(axis, index, tap) is
/// where a tap reads along an axis, -1 for nowhere.
template <typename Axes, typename Source>
Number slide(const Axes& axes, std::int64_t groups, const ReferenceInputs& in, const Index& index,
             const Source& source) {
  const ReferenceValue& x = *in[0];
  const ReferenceValue& weight = *in[1];
  const std::size_t outer = index.size() - 1 - axes.size();
  const std::int64_t out = index.back();
  const std::int64_t depth = weight.type.shape.back();
  const std::int64_t group = out / (weight.type.shape[0] / groups);
  std::vector<std::int64_t> kernels;
  for (const auto& axis : axes) kernels.push_back(axis.kernel);
  Number sum = in.size() > 2 && in[2] != nullptr ? in[2]->values[static_cast<std::size_t>(out)] : 0;
  for_each_index(Shape(kernels), [&](const Index& tap) {
    Index from = index;
    Index at_weight{out};
    for (std::size_t a = 0; a < axes.size(); ++a) {
      from[outer + a] = source(axes[a], index[outer + a], tap[a]);
      at_weight.push_back(tap[a]);
    }
    at_weight.push_back(0);
    for (std::int64_t c = 0; c < depth; ++c) {
      from.back() = group * depth + c;
      at_weight.back() = c;
      sum += at(weight, at_weight) * padded_at(x, from);
    }
  });
  return sum;
}

}  // namespace

void compute(const Conv& o, const ReferenceInputs& in, Results& results) {
  fill(results[0], [&](const Index& index) {
    return slide(o.axes, o.groups, in, index,
                 [](const SlidingAxis& axis, std::int64_t out, std::int64_t tap) {
                   return out * axis.stride - axis.before + tap * axis.dilation;
                 });
  });
}

void compute(const ConvTranspose& o, const ReferenceInputs& in, Results& results) {
  fill(results[0], [&](const Index& index) {
    return slide(o.axes, o.groups, in, index,
                 [](const TransposeAxis& axis, std::int64_t out, std::int64_t tap) {
                   const std::int64_t from = out + axis.crop - tap * axis.dilation;
                   return from >= 0 && from % axis.stride == 0 ? from / axis.stride : -1;
                 });
  });
}

void compute(const MatMul&, const ReferenceInputs& in, Results& results) {
  // A vector is a matrix of one row or column.
  ReferenceValue a = *in[0];
  ReferenceValue b = *in[1];
  const auto with = [](const Shape& shape, bool before) {
    std::vector<std::int64_t> extents(shape.extents().begin(), shape.extents().end());
    extents.insert(before ? extents.begin() : extents.end(), 1);
    return Shape(extents);
  };
  const bool row = a.type.shape.rank() == 1;
  const bool column = b.type.shape.rank() == 1;
  if (row) a.type.shape = with(a.type.shape, true);
  if (column) b.type.shape = with(b.type.shape, false);
  fill(results[0], [&](const Index& index) {
    Index full = index;
    if (column) full.push_back(0);
    if (row) full.insert(full.end() - 1, 0);
    Number sum = 0;
    std::uint64_t whole = 0;
    for (std::int64_t k = 0; k < a.type.shape.back(); ++k) {
      Index left = full;
      Index right = full;
      left.back() = k;
      right[right.size() - 2] = k;
      // A batch of extent 1 is repeated; the matrices themselves are not.
      const auto element = [](const ReferenceValue& value, Index where) {
        const Shape& shape = value.type.shape;
        where.erase(where.begin(), where.end() - static_cast<std::ptrdiff_t>(shape.rank()));
        for (std::size_t i = 0; i + 2 < shape.rank(); ++i) where[i] = shape[i] == 1 ? 0 : where[i];
        return at(value, where);
      };
      const Number x = element(a, left);
      const Number y = element(b, right);
      if (is_integer(a.type.type)) {
        const auto bits = [](Number v) {
          return v < 0 ? static_cast<std::uint64_t>(static_cast<std::int64_t>(v))
                       : static_cast<std::uint64_t>(v);
        };
        whole += bits(x) * bits(y);
      } else {
        sum += x * y;
      }
    }
    if (!is_integer(a.type.type)) return sum;
    return visit_type(a.type.type, [&]<typename T>(std::type_identity<T>) -> Number {
      if constexpr (std::is_integral_v<T>) return static_cast<T>(whole);
      return 0;
    });
  });
}

}  // namespace metalaudio::nn

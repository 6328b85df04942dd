#include <algorithm>
#include <functional>
#include <limits>

#include "tests/parity/reference/operations.h"

namespace metalaudio::nn {

void compute(const Pool& o, const ReferenceInputs& in, Results& results) {
  const Shape& shape = in[0]->type.shape;
  const std::size_t first = shape.rank() - 1 - o.axes.size();
  const Number lowest =
      visit_type(in[0]->type.type, []<typename T>(std::type_identity<T>) -> Number {
        if constexpr (std::is_integral_v<T>) return std::numeric_limits<T>::lowest();
        return -INFINITY;
      });
  std::vector<std::int64_t> kernels;
  for (const SlidingAxis& axis : o.axes) kernels.push_back(axis.kernel);
  for_each_index(results[0].type.shape, [&](const Index& index) {
    Number sum = 0;
    Number best = -INFINITY;
    std::int64_t best_position = 0;
    std::int64_t inside = 0;
    std::int64_t counted = 0;
    for_each_index(Shape(kernels), [&](const Index& tap) {
      Index from = index;
      bool is_inside = true;
      bool counts = true;
      std::int64_t position = 0;
      for (std::size_t i = 0; i < tap.size(); ++i) {
        const SlidingAxis& axis = o.axes[i];
        const std::int64_t extent = shape[first + i];
        std::int64_t& at = from[first + i];
        at = at * axis.stride - axis.before + tap[i] * axis.dilation;
        is_inside = is_inside && at >= 0 && at < extent;
        counts = counts && at < extent + axis.after;
        position = position * extent + at;
      }
      counted += counts ? 1 : 0;
      if (!is_inside) return;
      const Number v = at(*in[0], from);
      if (inside++ == 0 || v > best) {
        best = v;
        best_position = position;
      }
      sum += o.function == PoolFunction::lp ? std::pow(std::fabs(v), static_cast<Number>(o.p)) : v;
    });
    const std::size_t to = offset_of(results[0].type.shape, index);
    switch (o.function) {
      case PoolFunction::maximum:
        results[0].values[to] = inside > 0 ? best : lowest;
        break;
      case PoolFunction::average: {
        const std::int64_t count = o.count_padding ? counted : inside;
        results[0].values[to] = count > 0 ? sum / static_cast<Number>(count) : 0;
        break;
      }
      case PoolFunction::lp:
        results[0].values[to] = std::pow(sum, 1 / static_cast<Number>(o.p));
        break;
    }
    if (o.indices) results[1].values[to] = static_cast<Number>(best_position);
  });
}

namespace {

using Sample = std::function<Number(std::int64_t)>;

/// One axis, as ONNX writes it down.
struct Axis {
  const Resize& o;
  Number in;
  Number out;
  Number scale;
  Number start;
  Number end;

  Number position(Number i) const {
    const Number stretched = in * scale;
    switch (o.coordinates) {
      case ResizeCoordinates::half_pixel:
        return (i + 0.5L) / scale - 0.5L;
      case ResizeCoordinates::half_pixel_symmetric:
        return in / 2 * (1 - out / stretched) + (i + 0.5L) / scale - 0.5L;
      case ResizeCoordinates::pytorch_half_pixel:
        return out > 1 ? (i + 0.5L) / scale - 0.5L : 0;
      case ResizeCoordinates::align_corners:
        return i == 0 || stretched == 1 ? 0 : i * (in - 1) / (stretched - 1);
      case ResizeCoordinates::asymmetric:
        return i / scale;
      case ResizeCoordinates::tf_crop_and_resize:
        return out > 1 ? start * (in - 1) + i * (end - start) * (in - 1) / (out - 1)
                       : (start + end) * (in - 1) / 2;
    }
    return 0;
  }

  Number weight(Number distance) const {
    const Number x = std::fabs(distance);
    const Number a = o.cubic_coefficient;
    if (o.mode == ResizeMode::linear) return std::max<Number>(0, 1 - x);
    if (x <= 1) return (a + 2) * x * x * x - (a + 3) * x * x + 1;
    return x < 2 ? a * x * x * x - 5 * a * x * x + 8 * a * x - 4 * a : 0;
  }

  Number value(std::int64_t i, const Sample& sample) const {
    const Number x = position(static_cast<Number>(i));
    const auto last = static_cast<std::int64_t>(in) - 1;
    if (o.coordinates == ResizeCoordinates::tf_crop_and_resize && (x < 0 || x > in - 1)) {
      return o.extrapolation;
    }
    if (o.mode == ResizeMode::nearest) {
      Number near = std::floor(x);
      if (o.rounding == ResizeRounding::ceil) near = std::ceil(x);
      if (o.rounding == ResizeRounding::round_prefer_floor) near = std::ceil(x - 0.5L);
      if (o.rounding == ResizeRounding::round_prefer_ceil) near = std::floor(x + 0.5L);
      return sample(std::clamp<std::int64_t>(static_cast<std::int64_t>(near), 0, last));
    }
    const Number stretch = o.antialias ? std::min<Number>(1, scale) : 1;
    const auto reach = static_cast<std::int64_t>(std::ceil(2 / stretch)) + 1;
    Number sum = 0;
    Number weights = 0;
    for (auto k = static_cast<std::int64_t>(std::floor(x)) - reach; k <= x + reach; ++k) {
      if (o.exclude_outside && (k < 0 || k > last)) continue;
      const Number w = weight((static_cast<Number>(k) - x) * stretch);
      weights += w;
      if (w != 0) sum += w * sample(std::clamp<std::int64_t>(k, 0, last));
    }
    return sum / weights;
  }
};

}  // namespace

void compute(const Resize& o, const ReferenceInputs& in, Results& results) {
  const Shape& shape = in[0]->type.shape;
  std::vector<Axis> axes;
  for (std::size_t i = 0; i < shape.rank(); ++i) {
    const Number scale =
        o.scales.empty() ? static_cast<Number>(o.shape[i]) / shape[i] : o.scales[i];
    const bool crops = o.coordinates == ResizeCoordinates::tf_crop_and_resize;
    axes.push_back({o, static_cast<Number>(shape[i]), static_cast<Number>(o.shape[i]), scale,
                    crops ? o.roi[i] : 0, crops ? o.roi[shape.rank() + i] : 1});
  }
  fill(results[0], [&](const Index& index) {
    Index from(index.size());
    const std::function<Number(std::size_t)> along = [&](std::size_t axis) -> Number {
      if (axis == index.size()) return at(*in[0], from);
      return axes[axis].value(index[axis], [&](std::int64_t i) {
        from[axis] = i;
        return along(axis + 1);
      });
    };
    return along(0);
  });
}

}  // namespace metalaudio::nn

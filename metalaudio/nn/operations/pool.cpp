#include <metalaudio/nn/operations/pool.h>

namespace metalaudio::nn {

std::string_view to_string(PoolFunction function) noexcept {
  switch (function) {
    case PoolFunction::maximum:
      return "maximum_pool";
    case PoolFunction::average:
      return "average_pool";
    case PoolFunction::lp:
      return "lp_pool";
  }
  return "pool";
}

ValueTypes Pool::infer(const Inputs& inputs) const {
  const Shape& in = inputs.shape(0);
  const DataType type = inputs.type(0);
  constexpr std::int64_t kMost = std::int64_t{1} << 40;
  if (type == DataType::boolean || (function != PoolFunction::maximum && !is_floating(type))) {
    reject("{} of {}", to_string(function), inputs[0].to_string());
  }
  if (indices && function != PoolFunction::maximum) reject("indices of a {}", to_string(function));
  if (function == PoolFunction::lp && p < 1) reject("p {}", p);
  if (axes.empty() || in.rank() <= axes.size() ||
      (!uncounted_after.empty() && uncounted_after.size() != axes.size())) {
    reject("{} axes of {}", axes.size(), in.to_string());
  }
  std::vector<std::int64_t> extents(in.extents().begin(), in.extents().end());
  const std::size_t first = extents.size() - 1 - axes.size();
  for (std::size_t i = 0; i < axes.size(); ++i) {
    SlidingAxis axis = axes[i];
    const std::int64_t uncounted = uncounted_after.empty() ? 0 : uncounted_after[i];
    for (const std::int64_t width : {axis.before, axis.after, uncounted}) {
      if (width < 0 || width > kMost) reject("padding {}", width);
    }
    if (!axis.sound()) reject("axis {}: kernel {}, stride {}", i, axis.kernel, axis.stride);
    axis.after += uncounted;
    extents[first + i] = axis.output_extent(in[first + i]);
    if (extents[first + i] < 1) reject("input {} is smaller than the kernel", in.to_string());
  }
  ValueTypes types{{Shape(extents), type}};
  if (indices) types.push_back({Shape(extents), DataType::i64});
  return types;
}

}  // namespace metalaudio::nn

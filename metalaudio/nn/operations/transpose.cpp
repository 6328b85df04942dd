#include <metalaudio/nn/operations/transpose.h>

namespace metalaudio::nn {

ValueTypes Transpose::infer(const Inputs& inputs) const {
  const Shape& in = inputs.shape(0);
  std::vector<std::int64_t> extents;
  std::vector<bool> seen(in.rank());
  for (const std::size_t axis : order) {
    if (axis >= in.rank() || seen[axis]) reject("not an order of the axes of {}", in.to_string());
    seen[axis] = true;
    extents.push_back(in[axis]);
  }
  if (order.size() != in.rank()) reject("{} axes of {}", order.size(), in.to_string());
  return {{Shape(extents), inputs.type(0)}};
}

}  // namespace metalaudio::nn

#include <metalaudio/nn/operations/conv_transpose.h>

namespace metalaudio::nn {

ValueTypes ConvTranspose::infer(const Inputs& inputs) const {
  inputs.expect_floating_each();
  const Shape& in = inputs.shape(x);
  const Shape& w = inputs.shape(weight);
  bool fits = !axes.empty() && in.rank() > axes.size() && w.rank() == axes.size() + 2 &&
              groups >= 1 && w.back() * groups == in.back() && w[0] % groups == 0;
  for (std::size_t i = 0; fits && i < axes.size(); ++i) {
    fits = axes[i].sound() && w[i + 1] == axes[i].kernel;
  }
  if (!fits) {
    reject("weight {} in {} groups does not fit input {} and {} axes", w.to_string(), groups,
           in.to_string(), axes.size());
  }
  std::vector<std::int64_t> extents(in.extents().begin(), in.extents().end());
  const std::size_t first = extents.size() - 1 - axes.size();
  for (std::size_t i = 0; i < axes.size(); ++i) extents[first + i] = axes[i].extent;
  extents.back() = w[0];
  inputs.expect_shape(bias, {w[0]}, "bias");
  return {{Shape(extents), inputs.type(x)}};
}

}  // namespace metalaudio::nn

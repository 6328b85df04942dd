#include <metalaudio/nn/operations/layer_norm.h>

namespace metalaudio::nn {

ValueTypes LayerNorm::infer(const Inputs& inputs) const {
  inputs.expect_floating_weights();
  const Shape& in = inputs.shape(x);
  if (axes < 1 || in.rank() < axes) reject("{} axes of {}", axes, in.to_string());
  const Shape inner(in.extents().last(axes));
  inputs.expect_shape(gamma, inner, "gamma");
  inputs.expect_shape(beta, inner, "beta");
  return {inputs[x]};
}

}  // namespace metalaudio::nn

#include <metalaudio/nn/operations/rms_norm.h>

namespace metalaudio::nn {

ValueTypes RmsNorm::infer(const Inputs& inputs) const {
  inputs.expect_floating_weights();
  const Shape& in = inputs.shape(x);
  if (axes < 1 || in.rank() < axes) reject("{} axes of {}", axes, in.to_string());
  inputs.expect_shape(gamma, Shape(in.extents().last(axes)), "gamma");
  return {inputs[x]};
}

}  // namespace metalaudio::nn

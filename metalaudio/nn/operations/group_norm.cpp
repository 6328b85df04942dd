#include <metalaudio/nn/operations/group_norm.h>

namespace metalaudio::nn {

ValueTypes GroupNorm::infer(const Inputs& inputs) const {
  inputs.expect_floating_weights();
  const Shape& in = inputs.shape(x);
  if (in.rank() < axes + 1 || groups < 1 || in.back() % groups != 0) {
    reject("{} groups over {} axes do not fit {}", groups, axes, in.to_string());
  }
  inputs.expect_shape(gamma, {in.back()}, "gamma");
  inputs.expect_shape(beta, {in.back()}, "beta");
  return {inputs[x]};
}

}  // namespace metalaudio::nn

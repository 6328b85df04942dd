#include <metalaudio/nn/operations/rotary.h>

namespace metalaudio::nn {

ValueTypes Rotary::infer(const Inputs& inputs) const {
  inputs.expect_floating();
  const Shape& in = inputs.shape(x);
  const Shape& f = inputs.shape(frequencies);
  const bool fits = in.rank() >= 2 && axis_of(axis, in.rank()) < in.rank() - 1 && heads >= 1 &&
                    in.back() % heads == 0 && f.rank() == 1 && 2 * f[0] <= in.back() / heads;
  if (!fits) {
    reject("{} with {} heads and frequencies {}", in.to_string(), heads, f.to_string());
  }
  return {inputs[x]};
}

}  // namespace metalaudio::nn

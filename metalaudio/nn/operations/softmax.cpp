#include <metalaudio/nn/operations/softmax.h>

namespace metalaudio::nn {

ValueTypes Softmax::infer(const Inputs& inputs) const {
  inputs.expect_floating();
  axis_of(axis, inputs.shape(0).rank());
  return {inputs[0]};
}

}  // namespace metalaudio::nn

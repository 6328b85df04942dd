#include <metalaudio/nn/operations/expand.h>

namespace metalaudio::nn {

ValueTypes Expand::infer(const Inputs& inputs) const {
  if (broadcast(inputs.shape(0), shape) != shape) {
    reject("{} does not repeat to {}", inputs.shape(0).to_string(), shape.to_string());
  }
  return {{shape, inputs.type(0)}};
}

}  // namespace metalaudio::nn

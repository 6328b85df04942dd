#include <metalaudio/nn/operations/reshape.h>

namespace metalaudio::nn {

ValueTypes Reshape::infer(const Inputs& inputs) const {
  if (shape.size() != inputs.shape(0).size()) {
    reject("{} to {}", inputs.shape(0).to_string(), shape.to_string());
  }
  return {{shape, inputs.type(0)}};
}

}  // namespace metalaudio::nn

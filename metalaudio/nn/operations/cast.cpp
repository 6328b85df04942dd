#include <metalaudio/nn/operations/cast.h>

namespace metalaudio::nn {

ValueTypes Cast::infer(const Inputs& inputs) const { return {{inputs.shape(0), type}}; }

ValueTypes BitCast::infer(const Inputs& inputs) const {
  // Not every byte is a bool.
  if (size_of(inputs.type(0)) != size_of(type) ||
      (type == DataType::boolean && inputs.type(0) != DataType::boolean)) {
    reject("the bits of {} as {}", inputs[0].to_string(), to_string(type));
  }
  return {{inputs.shape(0), type}};
}

}  // namespace metalaudio::nn

#include <metalaudio/nn/operations/where.h>

namespace metalaudio::nn {

ValueTypes Where::infer(const Inputs& inputs) const {
  if (inputs.type(condition) != DataType::boolean) {
    reject("condition {}: booleans are needed", inputs[condition].to_string());
  }
  if (inputs.type(a) != inputs.type(b)) {
    reject("{} and {}", inputs[a].to_string(), inputs[b].to_string());
  }
  const Shape both = broadcast(inputs.shape(a), inputs.shape(b));
  return {{broadcast(inputs.shape(condition), both), inputs.type(a)}};
}

}  // namespace metalaudio::nn

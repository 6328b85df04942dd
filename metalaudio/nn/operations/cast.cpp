#include <metalaudio/nn/operations/cast.h>

namespace metalaudio::nn {

ValueTypes Cast::infer(const Inputs& inputs) const { return {{inputs.shape(0), type}}; }

}  // namespace metalaudio::nn

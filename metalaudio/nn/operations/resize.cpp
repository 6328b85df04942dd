#include <metalaudio/nn/operations/resize.h>

#include <cmath>

namespace metalaudio::nn {

ValueTypes Resize::infer(const Inputs& inputs) const {
  const Shape& in = inputs.shape(0);
  if (inputs.type(0) == DataType::boolean && mode != ResizeMode::nearest) {
    reject("{}", inputs[0].to_string());
  }
  if (shape.rank() != in.rank() || (!scales.empty() && scales.size() != in.rank())) {
    reject("{} to {} with {} scales", in.to_string(), shape.to_string(), scales.size());
  }
  if (coordinates == ResizeCoordinates::tf_crop_and_resize && roi.size() != 2 * in.rank()) {
    reject("a region of {} numbers for {}", roi.size(), in.to_string());
  }
  for (std::size_t i = 0; i < in.rank(); ++i) {
    if (in[i] == 0 && shape[i] > 0) reject("{} to {}", in.to_string(), shape.to_string());
    if (!scales.empty() && !(scales[i] > 0 && std::isfinite(scales[i]))) {
      reject("scale {}", scales[i]);
    }
  }
  for (const double edge : roi) {
    if (!std::isfinite(edge)) reject("a region that ends at {}", edge);
  }
  return {{shape, inputs.type(0)}};
}

}  // namespace metalaudio::nn

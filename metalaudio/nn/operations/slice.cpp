#include <metalaudio/nn/operations/slice.h>

namespace metalaudio::nn {

ValueTypes Slice::infer(const Inputs& inputs) const {
  const Shape& in = inputs.shape(0);
  bool fits = starts.size() == in.rank() && shape.rank() == in.rank() &&
              (steps.empty() || steps.size() == in.rank());
  for (std::size_t i = 0; fits && i < in.rank(); ++i) {
    if (shape[i] == 0) continue;
    const std::int64_t step = steps.empty() ? 1 : steps[i];
    const std::int64_t room = step > 0 ? in[i] - 1 - starts[i] : starts[i];
    fits = step != 0 && step >= -in[i] && starts[i] >= 0 && starts[i] < in[i] &&
           (shape[i] == 1 || (shape[i] - 1) <= room / (step > 0 ? step : -step));
  }
  if (!fits) reject("{} out of {}", shape.to_string(), in.to_string());
  return {{shape, inputs.type(0)}};
}

}  // namespace metalaudio::nn

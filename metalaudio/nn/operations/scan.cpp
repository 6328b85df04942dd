#include <metalaudio/nn/operations/scan.h>

#include <vector>

namespace metalaudio::nn {

ValueTypes CumSum::infer(const Inputs& inputs) const {
  if (inputs.type(0) == DataType::boolean) reject("{}", inputs[0].to_string());
  axis_of(axis, inputs.shape(0).rank());
  return {inputs[0]};
}

ValueTypes TopK::infer(const Inputs& inputs) const {
  const Shape& in = inputs.shape(0);
  const std::size_t along = axis_of(axis, in.rank());
  if (inputs.type(0) == DataType::boolean || k < 0 || k > in[along]) {
    reject("{} of {} along axis {}", k, inputs[0].to_string(), axis);
  }
  std::vector<std::int64_t> extents(in.extents().begin(), in.extents().end());
  extents[along] = k;
  const Shape shape(extents);
  return {{shape, inputs.type(0)}, {shape, DataType::i64}};
}

}  // namespace metalaudio::nn

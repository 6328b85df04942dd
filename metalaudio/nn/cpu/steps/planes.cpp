#include <metalaudio/nn/cpu/steps/conv.h>

#include <algorithm>

namespace metalaudio::nn::cpu {

Planes::Planes(const Shape& shape, std::size_t axes) : channels(shape.back()) {
  const std::size_t outer = shape.rank() - 1 - axes;
  std::int64_t before = 1;
  for (std::size_t i = 0; i < outer; ++i) before *= shape[i];
  if (axes == 0) {
    positions = before;
  } else if (axes == 1) {
    rows = before;
    positions = shape[outer];
  } else {
    batch = before;
    rows = shape[outer];
    positions = shape[outer + 1];
  }
}

ConvConstants conv_constants(const Graph& graph, const Node& node, Value gain) {
  static_assert(int{Conv::weight} == int{ConvTranspose::weight} &&
                int{Conv::bias} == int{ConvTranspose::bias});
  const auto columns = static_cast<std::size_t>(graph.shape(node.results[0]).back());
  const Value bias = node.inputs[Conv::bias];
  ConvConstants made{floats_of(graph, node.inputs[Conv::weight]),
                     bias.present() ? floats_of(graph, bias) : Array<float>(columns)};
  if (!gain.present()) return made;
  const Array<float> factors = floats_of(graph, gain);
  // The weights of a column lie side by side, [column][taps][in].
  const std::size_t depth = made.weight.size() / std::max<std::size_t>(columns, 1);
  for (std::size_t n = 0; n < columns; ++n) {
    float* const row = made.weight.data() + n * depth;
    for (std::size_t k = 0; k < depth; ++k) row[k] *= factors[n];
    made.bias[n] *= factors[n];
  }
  return made;
}

bool Residual::fits(const Shape& shape, const Shape& result, std::size_t axes) {
  if (shape == result) return true;
  if (axes != 2 || shape.rank() != 3 || result.rank() != 3 || shape[2] != result[2]) return false;
  return (shape[0] == 1 || shape[0] == result[0]) && (shape[1] == 1 || shape[1] == result[1]);
}

Residual::Residual(Value residual, Value result, std::size_t axes, StepMaker& maker) {
  if (!residual.present()) return;
  slot_ = maker.slot(residual);
  const Shape& shape = maker.graph().shape(residual);
  whole_ = shape == maker.graph().shape(result);
  const Planes planes(maker.graph().shape(result), axes);
  batch_ = planes.batch_stride();
  position_ = whole_ || shape[1] != 1 ? planes.channels : 0;
  row_ = whole_ || shape[0] != 1 ? (whole_ ? planes.row_stride() : shape[1] * planes.channels) : 0;
}

}  // namespace metalaudio::nn::cpu

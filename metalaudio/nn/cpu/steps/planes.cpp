#include <metalaudio/nn/cpu/steps/conv.h>

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

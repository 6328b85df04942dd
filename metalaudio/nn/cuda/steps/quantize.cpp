#include <metalaudio/nn/cuda/kernels/quantize.h>
#include <metalaudio/nn/cuda/steps/steps.h>

namespace metalaudio::nn::cuda {

namespace {

ScaleShape shape_of(const Shape& in, const Shape& scale, std::int64_t axis, std::int64_t block) {
  ScaleShape shape;
  shape.size = in.size();
  // One element for all: the axis may not even be there.
  if (block == 0 && scale.size() == 1 && scale.rank() <= 1) return shape;
  const std::size_t along = axis_of(axis, in.rank());
  shape.extent = in[along];
  for (std::size_t i = along + 1; i < in.rank(); ++i) shape.inner *= in[i];
  shape.by_axis = block == 0;
  shape.block = block == 0 ? 1 : block;
  shape.blocks = (shape.extent + shape.block - 1) / shape.block;
  return shape;
}

/// Of both ways: x and scale, and a zero point that may be absent.
template <typename Operation>
class QuantizeStep final : public CudaStep {
 public:
  QuantizeStep(const Operation& operation, const Making& making)
      : types_{making.type(0).type, making.type(1).type, making.result_type().type},
        shape_(
            shape_of(making.type(0).shape, making.type(1).shape, operation.axis, operation.block)),
        x_(making.input(0)),
        scale_(making.input(1)),
        zero_(making.input(2)),
        y_(making.result()) {}
  void run(const CudaRun& run) const noexcept override {
    const auto launch = std::is_same_v<Operation, Quantize> ? launch_quantize : launch_dequantize;
    launch(types_, run.at(x_), run.at(scale_), run.at(zero_), run.at(y_), shape_, run.stream);
  }

 private:
  QuantizeTypes types_;
  ScaleShape shape_;
  Slot x_;
  Slot scale_;
  Slot zero_;
  Slot y_;
};

}  // namespace

std::string refusal_of(const Quantize&, const Graph&, const Node&) { return {}; }
std::unique_ptr<Step> make_step(const Quantize& quantize, const Making& making) {
  return std::make_unique<QuantizeStep<Quantize>>(quantize, making);
}

std::string refusal_of(const Dequantize&, const Graph&, const Node&) { return {}; }
std::unique_ptr<Step> make_step(const Dequantize& quantize, const Making& making) {
  return std::make_unique<QuantizeStep<Dequantize>>(quantize, making);
}

}  // namespace metalaudio::nn::cuda

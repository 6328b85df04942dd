#include <metalaudio/nn/cuda/steps/conv.h>
#include <metalaudio/nn/cuda/steps/packed_conv.h>
#include <metalaudio/nn/cuda/steps/steps.h>

#include <cstdlib>
#include <optional>

namespace metalaudio::nn::cuda {

namespace {

std::vector<float> floats_or_none(const Graph& graph, Value value) {
  return value.present() ? floats_of(graph, value) : std::vector<float>();
}

class ConvStep final : public CudaStep {
 public:
  ConvStep(const ConvGeometry& geometry, const ConvEpilogue& epilogue, Value y,
           const Making& making)
      : conv_(geometry, epilogue.activation, making.type(Conv::x).type, making.precision,
              floats_of(making.graph(), making.node.inputs[Conv::weight]),
              floats_or_none(making.graph(),
                             making.has(Conv::bias) ? making.node.inputs[Conv::bias] : Value{}),
              making.device),
        shape_(conv_.shape()),
        gain_(floats_or_none(making.graph(), epilogue.gain), making.device),
        x_(making.input(Conv::x)),
        residual_(making.maker.slot(epilogue.residual)),
        y_(making.maker.slot(y)) {
    shape_.wide = making.graph().type(y).type == DataType::f32;
    if (!epilogue.residual.present()) return;
    const Graph& graph = making.graph();
    const ResidualSteps steps =
        *residual_steps(geometry, graph.shape(epilogue.residual), graph.shape(y));
    shape_.residual_batch = steps.batch;
    shape_.residual0 = steps.along0;
    shape_.residual1 = steps.along1;
  }

  void run(const CudaRun& run) const noexcept override {
    ConvPointers at;
    at.x = run.at(x_);
    at.gain = gain_.as<float>();
    at.residual = run.at(residual_);
    at.y = run.at(y_);
    conv_.launch(shape_, at, run.stream);
  }
  std::size_t weight_bytes() const noexcept override { return conv_.bytes() + gain_.bytes(); }

 private:
  PackedConv conv_;
  ConvShape shape_;
  DeviceArray gain_;
  Slot x_;
  Slot residual_;
  Slot y_;
};

std::string refusal(const Graph& graph, const Node& node) {
  const std::optional<ConvGeometry> geometry = geometry_of(graph, node);
  if (!geometry) return "it slides along more than two axes";
  constexpr std::int64_t kMost = std::int64_t{1} << 28;
  const ConvAxis& a = geometry->axes[0];
  const ConvAxis& b = geometry->axes[1];
  const std::int64_t columns = a.phases * b.phases * geometry->out;
  const std::int64_t depth = a.taps * b.taps * geometry->in;
  for (const ConvAxis* axis : {&a, &b}) {
    if (axis->in >= kMost || axis->out >= kMost || axis->rows >= kMost || axis->kernel >= kMost ||
        axis->kernel * std::abs(axis->step) >= kMost || std::abs(axis->start) >= kMost) {
      return "an extent is too large";
    }
  }
  if (columns >= kMost || depth >= kMost || columns * depth >= kMost ||
      a.taps * std::abs(a.step) * b.in * geometry->in >= 4 * kMost ||
      geometry->batch * a.rows * b.rows * ((columns + 15) / 16) >= kMost * 128) {
    return "it is too large";
  }
  return refuse_unless_real(graph, node.inputs[Conv::x]);
}

}  // namespace

std::unique_ptr<Step> make_conv(const ConvEpilogue& epilogue, Value y, const Making& making) {
  return std::make_unique<ConvStep>(*geometry_of(making.graph(), making.node), epilogue, y, making);
}

std::string refusal_of(const Conv&, const Graph& graph, const Node& node) {
  return refusal(graph, node);
}
std::unique_ptr<Step> make_step(const Conv&, const Making& making) {
  return make_conv({}, making.node.results[0], making);
}

std::string refusal_of(const ConvTranspose&, const Graph& graph, const Node& node) {
  return refusal(graph, node);
}
std::unique_ptr<Step> make_step(const ConvTranspose&, const Making& making) {
  return make_conv({}, making.node.results[0], making);
}

}  // namespace metalaudio::nn::cuda

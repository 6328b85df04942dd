#include <metalaudio/nn/cuda/kernels/elementwise.h>
#include <metalaudio/nn/cuda/steps/steps.h>

#include <algorithm>
#include <utility>

namespace metalaudio::nn::cuda {

namespace {

/// The axes of y with the steps that both inputs make along them; neighbours that both walk as one
/// are one axis.
Broadcast broadcast_of(const Shape& a, const Shape& b, const Shape& y) {
  Broadcast found;
  const auto steps_of = [&](const Shape& shape) {
    std::vector<std::int64_t> steps(y.rank(), 0);
    std::int64_t step = 1;
    for (std::size_t i = 0; i < shape.rank(); ++i) {
      const std::size_t axis = shape.rank() - 1 - i;
      if (shape[axis] != 1) steps[y.rank() - 1 - i] = step;
      step *= shape[axis];
    }
    return steps;
  };
  const std::vector<std::int64_t> steps_a = steps_of(a);
  const std::vector<std::int64_t> steps_b = steps_of(b);
  for (std::size_t axis = 0; axis < y.rank(); ++axis) {
    if (y[axis] == 1) continue;
    const auto last = static_cast<std::size_t>(found.axes - 1);
    if (found.axes > 0 && found.a[last] == steps_a[axis] * y[axis] &&
        found.b[last] == steps_b[axis] * y[axis]) {
      found.extents[last] *= y[axis];
      found.a[last] = steps_a[axis];
      found.b[last] = steps_b[axis];
      continue;
    }
    if (found.axes == kMostAxes) return {-1, {}, {}, {}};
    const auto next = static_cast<std::size_t>(found.axes++);
    found.extents[next] = y[axis];
    found.a[next] = steps_a[axis];
    found.b[next] = steps_b[axis];
  }
  if (found.axes == 0) {
    found.axes = 1;
    found.extents[0] = 1;
    found.a[0] = found.b[0] = 1;
  }
  return found;
}

class UnaryStep final : public CudaStep {
 public:
  UnaryStep(const Unary& unary, const Making& making)
      : unary_(unary),
        type_(making.type(0).type),
        size_(making.result_type().shape.size()),
        x_(making.input(0)),
        y_(making.result()) {}
  void run(const CudaRun& run) const noexcept override {
    if (size_ == 0) return;
    launch_unary(unary_.function, static_cast<float>(unary_.alpha), static_cast<float>(unary_.beta),
                 type_, run.at(x_), run.at(y_), size_, run.stream);
  }

 private:
  Unary unary_;
  DataType type_;
  std::int64_t size_;
  Slot x_;
  Slot y_;
};

class BinaryStep final : public CudaStep {
 public:
  BinaryStep(const Binary& binary, const Making& making)
      : function_(binary.function),
        type_(making.type(0).type),
        shape_(
            broadcast_of(making.type(0).shape, making.type(1).shape, making.result_type().shape)),
        size_(making.result_type().shape.size()),
        a_(making.input(0)),
        b_(making.input(1)),
        y_(making.result()) {}
  void run(const CudaRun& run) const noexcept override {
    if (size_ == 0) return;
    launch_binary(function_, type_, run.at(a_), run.at(b_), run.at(y_), shape_, size_, run.stream);
  }

 private:
  BinaryFunction function_;
  DataType type_;
  Broadcast shape_;
  std::int64_t size_;
  Slot a_;
  Slot b_;
  Slot y_;
};

class GluStep final : public CudaStep {
 public:
  explicit GluStep(const Making& making)
      : type_(making.type(0).type),
        channels_(making.result_type().shape.back()),
        rows_(channels_ == 0 ? 0 : making.result_type().shape.size() / channels_),
        x_(making.input(0)),
        y_(making.result()) {}
  void run(const CudaRun& run) const noexcept override {
    if (rows_ > 0) launch_glu(type_, run.at(x_), run.at(y_), rows_, channels_, run.stream);
  }

 private:
  DataType type_;
  std::int64_t channels_;
  std::int64_t rows_;
  Slot x_;
  Slot y_;
};

class CastStep final : public CudaStep {
 public:
  explicit CastStep(const Making& making)
      : from_(making.type(0).type),
        to_(making.result_type().type),
        size_(making.result_type().shape.size()),
        x_(making.input(0)),
        y_(making.result()) {}
  void run(const CudaRun& run) const noexcept override {
    if (size_ > 0) launch_cast(from_, run.at(x_), to_, run.at(y_), size_, run.stream);
  }

 private:
  DataType from_;
  DataType to_;
  std::int64_t size_;
  Slot x_;
  Slot y_;
};

}  // namespace

std::string refusal_of(const Unary& unary, const Graph& graph, const Node& node) {
  switch (unary.function) {
    case UnaryFunction::logical_not:
    case UnaryFunction::bitwise_not:
    case UnaryFunction::is_nan:
    case UnaryFunction::is_inf:
      return "there is no kernel for it";
    default:
      return refuse_unless_real(graph, node.inputs[0]);
  }
}
std::unique_ptr<Step> make_step(const Unary& unary, const Making& making) {
  return std::make_unique<UnaryStep>(unary, making);
}

std::string refusal_of(const Binary& binary, const Graph& graph, const Node& node) {
  switch (binary.function) {
    case BinaryFunction::add:
    case BinaryFunction::subtract:
    case BinaryFunction::multiply:
    case BinaryFunction::divide:
    case BinaryFunction::power:
    case BinaryFunction::minimum:
    case BinaryFunction::maximum:
    case BinaryFunction::fmod:
    case BinaryFunction::modulo:
    case BinaryFunction::prelu:
      break;
    default:
      return "there is no kernel for it";
  }
  const Broadcast shape = broadcast_of(graph.shape(node.inputs[0]), graph.shape(node.inputs[1]),
                                       graph.shape(node.results[0]));
  if (shape.axes < 0) return "too many axes";
  return refuse_unless_real(graph, node.inputs[0]);
}
std::unique_ptr<Step> make_step(const Binary& binary, const Making& making) {
  return std::make_unique<BinaryStep>(binary, making);
}

std::string refusal_of(const Cast&, const Graph& graph, const Node& node) {
  const std::string from = refuse_unless_real(graph, node.inputs[0]);
  return from.empty() ? refuse_unless_real(graph, node.results[0]) : from;
}
std::unique_ptr<Step> make_step(const Cast&, const Making& making) {
  return std::make_unique<CastStep>(making);
}

std::string refusal_of(const Glu&, const Graph& graph, const Node& node) {
  return refuse_unless_real(graph, node.inputs[0]);
}
std::unique_ptr<Step> make_step(const Glu&, const Making& making) {
  return std::make_unique<GluStep>(making);
}

}  // namespace metalaudio::nn::cuda

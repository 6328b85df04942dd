#include <metalaudio/nn/cuda/kernels/reduce.h>
#include <metalaudio/nn/cuda/steps/steps.h>
#include <metalaudio/nn/cuda/steps/walk.h>

#include <algorithm>

namespace metalaudio::nn::cuda {

namespace {

static_assert(static_cast<int>(Reduction::sum_square) ==
                  static_cast<int>(ReduceFunction::sum_square) &&
              static_cast<int>(Reduction::minimum) == static_cast<int>(ReduceFunction::minimum));

class ReduceStep final : public CudaStep {
 public:
  ReduceStep(const Reduce& reduce, const Making& making)
      : function_(static_cast<Reduction>(reduce.function)),
        type_(making.type(0).type),
        x_(making.input(0)),
        y_(making.result()) {
    const Shape& shape = making.type(0).shape;
    const Steps steps = dense_steps(shape);
    const auto part = [&](bool reduced) {
      std::vector<std::int64_t> extents;
      Steps along{};
      for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
        const bool is_reduced =
            std::find(reduce.axes.begin(), reduce.axes.end(), axis) != reduce.axes.end();
        if (is_reduced != reduced) continue;
        along[extents.size()] = steps[axis];
        extents.push_back(shape[axis]);
      }
      return walk_of<1>(Shape(extents), {along});
    };
    kept_ = part(false);
    reduced_ = part(true);
  }
  void run(const CudaRun& run) const noexcept override {
    launch_reduce(function_, type_, run.at(x_), run.at(y_), kept_, reduced_, run.stream);
  }

 private:
  Reduction function_;
  DataType type_;
  Walk<1> kept_;
  Walk<1> reduced_;
  Slot x_;
  Slot y_;
};

Around around_of(const Shape& shape, std::int64_t axis) {
  if (shape.rank() == 0) return {};
  const std::size_t along = axis_of(axis, shape.rank());
  Around around{1, shape[along], 1};
  for (std::size_t i = 0; i < along; ++i) around.outer *= shape[i];
  for (std::size_t i = along + 1; i < shape.rank(); ++i) around.inner *= shape[i];
  return around;
}

/// A step that works on the lines along one axis: launch(type, run, x, y).
template <typename Operation>
class LineStep final : public CudaStep {
 public:
  LineStep(const Operation& operation, const Making& making)
      : operation_(operation),
        type_(making.type(0).type),
        around_(around_of(making.type(0).shape, operation.axis)),
        x_(making.input(0)),
        y_(making.result()) {}
  void run(const CudaRun& run) const noexcept override {
    const void* const x = run.at(x_);
    if constexpr (std::is_same_v<Operation, ArgReduce>) {
      launch_arg_reduce(type_, x, run.at<std::int64_t>(y_), around_, operation_.maximum,
                        operation_.last, run.stream);
    } else if constexpr (std::is_same_v<Operation, CumSum>) {
      launch_cum_sum(type_, x, run.at(y_), around_, operation_.exclusive, operation_.reverse,
                     run.stream);
    } else {
      launch_softmax(type_, x, run.at(y_), around_, operation_.log, run.stream);
    }
  }

 private:
  Operation operation_;
  DataType type_;
  Around around_;
  Slot x_;
  Slot y_;
};

class TopKStep final : public CudaStep {
 public:
  TopKStep(const TopK& top, const Making& making)
      : top_(top),
        type_(making.type(0).type),
        around_(around_of(making.type(0).shape, top.axis)),
        x_(making.input(0)),
        values_(making.result(TopK::values)),
        indices_(making.result(TopK::indices)) {}
  void run(const CudaRun& run) const noexcept override {
    launch_top_k(type_, run.at(x_), run.at(values_), run.at<std::int64_t>(indices_), around_,
                 top_.k, top_.largest, run.stream);
  }

 private:
  TopK top_;
  DataType type_;
  Around around_;
  Slot x_;
  Slot values_;
  Slot indices_;
};

}  // namespace

std::string refusal_of(const Reduce& reduce, const Graph& graph, const Node& node) {
  using F = ReduceFunction;
  const bool needs_floats = reduce.function == F::l2 || reduce.function == F::log_sum ||
                            reduce.function == F::log_sum_exp;
  if (needs_floats && !is_floating(graph.type(node.inputs[0]).type)) {
    return "there is no kernel for it of integers";
  }
  return {};
}
std::unique_ptr<Step> make_step(const Reduce& reduce, const Making& making) {
  return std::make_unique<ReduceStep>(reduce, making);
}

std::string refusal_of(const ArgReduce& reduce, const Graph& graph, const Node& node) {
  const bool none = around_of(graph.shape(node.inputs[0]), reduce.axis).extent == 0;
  return none ? "there is nothing along its axis" : "";
}
std::unique_ptr<Step> make_step(const ArgReduce& reduce, const Making& making) {
  return std::make_unique<LineStep<ArgReduce>>(reduce, making);
}

std::string refusal_of(const CumSum& sum, const Graph&, const Node&) {
  return sum.product ? "there is no kernel for products" : "";
}
std::unique_ptr<Step> make_step(const CumSum& sum, const Making& making) {
  return std::make_unique<LineStep<CumSum>>(sum, making);
}

std::string refusal_of(const Softmax&, const Graph& graph, const Node& node) {
  return refuse_unless_real(graph, node.inputs[0]);
}
std::unique_ptr<Step> make_step(const Softmax& softmax, const Making& making) {
  return std::make_unique<LineStep<Softmax>>(softmax, making);
}

std::string refusal_of(const TopK& top, const Graph& graph, const Node& node) {
  // The kernel looks through a whole line for each value that it picks.
  const Around around = around_of(graph.shape(node.inputs[0]), top.axis);
  return top.k * around.extent > (std::int64_t{1} << 20) ? "so many are sorted on the CPU" : "";
}
std::unique_ptr<Step> make_step(const TopK& top, const Making& making) {
  return std::make_unique<TopKStep>(top, making);
}

}  // namespace metalaudio::nn::cuda

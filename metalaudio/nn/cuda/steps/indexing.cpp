#include <metalaudio/nn/cuda/kernels/indexing.h>
#include <metalaudio/nn/cuda/steps/steps.h>
#include <metalaudio/nn/cuda/steps/walk.h>

#include <utility>

namespace metalaudio::nn::cuda {

namespace {

static_assert(static_cast<int>(Meeting::add) == static_cast<int>(ScatterReduction::add) &&
              static_cast<int>(Meeting::maximum) == static_cast<int>(ScatterReduction::maximum));

/// The extents [first, last) of a shape as one.
std::int64_t product(const Shape& shape, std::size_t first, std::size_t last) {
  std::int64_t size = 1;
  for (std::size_t i = first; i < last; ++i) size *= shape[i];
  return size;
}

/// x, and what indexes it.
class IndexStep : public CudaStep {
 protected:
  explicit IndexStep(const Making& making)
      : type_(making.type(0)),
        x_(making.input(0)),
        indices_(making.input(1)),
        wide_(making.type(1).type == DataType::i64),
        y_(making.result()) {}

  std::size_t bytes() const noexcept { return size_of(type_.type); }
  Indices indices(const CudaRun& run) const noexcept { return {run.at(indices_), wide_}; }

  ValueType type_;
  Slot x_;
  Slot indices_;
  bool wide_;
  Slot y_;
};

class GatherStep final : public IndexStep {
 public:
  GatherStep(const Gather& gather, const Making& making) : IndexStep(making) {
    const Shape& in = type_.shape;
    const std::size_t axis = axis_of(gather.axis, in.rank());
    shape_.outer = product(in, 0, axis);
    shape_.extent = in[axis];
    shape_.inner = product(in, axis + 1, in.rank());
    shape_.count = making.type(Gather::indices).shape.size();
  }
  void run(const CudaRun& run) const noexcept override {
    launch_gather(bytes(), run.at(y_), run.at(x_), indices(run), shape_, run.stream);
  }

 private:
  GatherShape shape_;
};

class GatherElementsStep final : public IndexStep {
 public:
  GatherElementsStep(const GatherElements& gather, const Making& making) : IndexStep(making) {
    const std::size_t axis = axis_of(gather.axis, type_.shape.rank());
    Steps steps = dense_steps(type_.shape);
    shape_.extent = type_.shape[axis];
    shape_.step = steps[axis];
    steps[axis] = 0;
    shape_.others = walk_of<1>(making.type(GatherElements::indices).shape, {steps});
  }
  void run(const CudaRun& run) const noexcept override {
    launch_gather_elements(bytes(), run.at(y_), run.at(x_), indices(run), shape_, run.stream);
  }

 private:
  AlongShape shape_;
};

TupleShape tuples_of(const Shape& x, const Shape& indices, std::size_t batch_axes) {
  TupleShape shape;
  shape.depth = static_cast<int>(indices.back());
  const auto depth = static_cast<std::size_t>(shape.depth);
  const Steps steps = dense_steps(x);
  for (std::size_t d = 0; d < depth; ++d) {
    shape.extents[d] = x[batch_axes + d];
    shape.steps[d] = steps[batch_axes + d];
  }
  shape.batches = product(x, 0, batch_axes);
  shape.batch_step = product(x, batch_axes, x.rank());
  shape.tuples = product(indices, batch_axes, indices.rank() - 1);
  shape.rest = product(x, batch_axes + depth, x.rank());
  return shape;
}

class GatherNdStep final : public IndexStep {
 public:
  GatherNdStep(const GatherNd& gather, const Making& making)
      : IndexStep(making),
        shape_(tuples_of(type_.shape, making.type(GatherNd::indices).shape, gather.batch_axes)) {}
  void run(const CudaRun& run) const noexcept override {
    launch_gather_nd(bytes(), run.at(y_), run.at(x_), indices(run), shape_, run.stream);
  }

 private:
  TupleShape shape_;
};

/// Starts with a copy of x.
class ScatterStep : public IndexStep {
 protected:
  ScatterStep(ScatterReduction reduction, const Making& making)
      : IndexStep(making),
        meeting_(static_cast<Meeting>(reduction)),
        updates_(making.input(ScatterElements::updates)) {}

  void copy(const CudaRun& run) const noexcept {
    if (type_.bytes() == 0) return;
    cudaMemcpyAsync(run.at(y_), run.at(x_), type_.bytes(), cudaMemcpyDeviceToDevice, run.stream);
  }

  Meeting meeting_;
  Slot updates_;
};

class ScatterElementsStep final : public ScatterStep {
 public:
  ScatterElementsStep(const ScatterElements& scatter, const Making& making)
      : ScatterStep(scatter.reduction, making) {
    const Shape& at = making.type(ScatterElements::indices).shape;
    const std::size_t axis = axis_of(scatter.axis, at.rank());
    const Steps from = dense_steps(at);
    const Steps to = dense_steps(type_.shape);
    std::vector<std::int64_t> lines(at.extents().begin(), at.extents().end());
    lines[axis] = 1;
    shape_.lines = walk_of<2>(Shape(lines), {from, to});
    shape_.count = at[axis];
    shape_.update_step = from[axis];
    shape_.extent = type_.shape[axis];
    shape_.step = to[axis];
  }
  void run(const CudaRun& run) const noexcept override {
    copy(run);
    launch_scatter_elements(meeting_, type_.type, run.at(y_), indices(run), run.at(updates_),
                            shape_, run.stream);
  }

 private:
  ScatterLines shape_;
};

class ScatterNdStep final : public ScatterStep {
 public:
  ScatterNdStep(const ScatterNd& scatter, const Making& making)
      : ScatterStep(scatter.reduction, making),
        shape_(tuples_of(type_.shape, making.type(ScatterNd::indices).shape, 0)) {}
  void run(const CudaRun& run) const noexcept override {
    copy(run);
    launch_scatter_nd(meeting_, type_.type, run.at(y_), indices(run), run.at(updates_), shape_,
                      run.stream);
  }

 private:
  TupleShape shape_;
};

class OneHotStep final : public CudaStep {
 public:
  OneHotStep(const OneHot& one_hot, const Making& making)
      : bytes_(size_of(making.result_type().type)),
        index_type_(making.type(OneHot::indices).type),
        indices_(making.input(OneHot::indices)),
        values_(making.input(OneHot::values)),
        y_(making.result()) {
    const Shape& shape = making.result_type().shape;
    const std::size_t axis = axis_of(one_hot.axis, shape.rank());
    shape_.outer = product(shape, 0, axis);
    shape_.depth = shape[axis];
    shape_.inner = product(shape, axis + 1, shape.rank());
  }
  void run(const CudaRun& run) const noexcept override {
    launch_one_hot(bytes_, run.at(y_), index_type_, run.at(indices_), run.at(values_), shape_,
                   run.stream);
  }

 private:
  std::size_t bytes_;
  DataType index_type_;
  OneHotShape shape_;
  Slot indices_;
  Slot values_;
  Slot y_;
};

}  // namespace

std::string refusal_of(const Gather&, const Graph&, const Node&) { return {}; }
std::unique_ptr<Step> make_step(const Gather& gather, const Making& making) {
  return std::make_unique<GatherStep>(gather, making);
}

std::string refusal_of(const GatherElements&, const Graph&, const Node&) { return {}; }
std::unique_ptr<Step> make_step(const GatherElements& gather, const Making& making) {
  return std::make_unique<GatherElementsStep>(gather, making);
}

std::string refusal_of(const GatherNd&, const Graph&, const Node&) { return {}; }
std::unique_ptr<Step> make_step(const GatherNd& gather, const Making& making) {
  return std::make_unique<GatherNdStep>(gather, making);
}

std::string refusal_of(const ScatterElements&, const Graph&, const Node&) { return {}; }
std::unique_ptr<Step> make_step(const ScatterElements& scatter, const Making& making) {
  return std::make_unique<ScatterElementsStep>(scatter, making);
}

std::string refusal_of(const ScatterNd&, const Graph& graph, const Node& node) {
  // Its updates come one after the other.
  const TupleShape shape = tuples_of(graph.shape(node.inputs[ScatterNd::x]),
                                     graph.shape(node.inputs[ScatterNd::indices]), 0);
  return shape.tuples > 65536 ? "so many updates come one after the other" : "";
}
std::unique_ptr<Step> make_step(const ScatterNd& scatter, const Making& making) {
  return std::make_unique<ScatterNdStep>(scatter, making);
}

std::string refusal_of(const OneHot&, const Graph&, const Node&) { return {}; }
std::unique_ptr<Step> make_step(const OneHot& one_hot, const Making& making) {
  return std::make_unique<OneHotStep>(one_hot, making);
}

}  // namespace metalaudio::nn::cuda

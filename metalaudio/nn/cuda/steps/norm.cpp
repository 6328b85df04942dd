#include <metalaudio/nn/cuda/kernels/norm.h>
#include <metalaudio/nn/cuda/steps/norm.h>
#include <metalaudio/nn/cuda/steps/steps.h>

#include <utility>

namespace metalaudio::nn::cuda {

namespace {

/// gamma and beta of a norm, as far as they are there.
struct Affine {
  Affine(const Making& making, std::size_t gamma_input, std::size_t beta_input) {
    const auto take = [&](std::size_t input) {
      if (!making.has(input)) return DeviceArray();
      return DeviceArray(floats_of(making.graph(), making.node.inputs[input]), making.device);
    };
    gamma = take(gamma_input);
    beta = take(beta_input);
  }
  std::size_t bytes() const noexcept { return gamma.bytes() + beta.bytes(); }

  DeviceArray gamma;
  DeviceArray beta;
};

GroupNormShape shape_of(const GroupNorm& norm, const Shape& x) {
  GroupNormShape shape;
  shape.channels = x.back();
  shape.groups = norm.groups;
  shape.epsilon = norm.epsilon;
  for (std::size_t axis = 0; axis + 1 < x.rank(); ++axis) {
    (axis + 1 + norm.axes < x.rank() ? shape.batch : shape.positions) *= x[axis];
  }
  return shape;
}

class GroupNormStep final : public CudaStep {
 public:
  GroupNormStep(const GroupNorm& norm, Activation activation, Value y, const Making& making)
      : activation_(activation),
        type_(making.type(0).type),
        shape_(shape_of(norm, making.type(0).shape)),
        affine_(making, GroupNorm::gamma, GroupNorm::beta),
        x_(making.input(0)),
        y_(making.maker.slot(y)),
        partial_(making.maker.temporary(group_norm_bytes(shape_))),
        empty_(making.type(0).shape.size() == 0) {}
  void run(const CudaRun& run) const noexcept override {
    if (empty_) return;
    launch_group_norm(type_, run.at(x_), affine_.gamma.as<float>(), affine_.beta.as<float>(),
                      run.at(y_), shape_, activation_, run.at(partial_), run.stream);
  }
  std::size_t weight_bytes() const noexcept override { return affine_.bytes(); }

 private:
  Activation activation_;
  DataType type_;
  GroupNormShape shape_;
  Affine affine_;
  Slot x_;
  Slot y_;
  Slot partial_;
  bool empty_;
};

class LayerNormStep final : public CudaStep {
 public:
  LayerNormStep(std::size_t axes, float epsilon, RowNorm form, const Making& making)
      : type_(making.type(0).type),
        epsilon_(epsilon),
        form_(form),
        affine_(making, 1, 2),
        x_(making.input(0)),
        y_(making.result()) {
    const Shape& shape = making.type(0).shape;
    for (std::size_t i = 0; i < shape.rank(); ++i) {
      (i + axes < shape.rank() ? rows_ : width_) *= shape[i];
    }
  }
  void run(const CudaRun& run) const noexcept override {
    if (rows_ == 0 || width_ == 0) return;
    launch_layer_norm(type_, run.at(x_), affine_.gamma.as<float>(), affine_.beta.as<float>(),
                      run.at(y_), rows_, width_, epsilon_, form_, run.stream);
  }
  std::size_t weight_bytes() const noexcept override { return affine_.bytes(); }

 private:
  DataType type_;
  float epsilon_;
  RowNorm form_;
  std::int64_t rows_ = 1;
  std::int64_t width_ = 1;
  Affine affine_;
  Slot x_;
  Slot y_;
};

}  // namespace

std::string refusal_of(const GroupNorm& norm, const Graph& graph, const Node& node) {
  const GroupNormShape shape = shape_of(norm, graph.shape(node.inputs[0]));
  if (shape.batch * shape.groups > kMostGroups) return "too many groups";
  if (shape.positions * shape.channels >= std::int64_t{1} << 31) return "a group is too large";
  return refuse_unless_real(graph, node.inputs[0]);
}
std::unique_ptr<Step> make_step(const GroupNorm& norm, const Making& making) {
  return make_group_norm(norm, Activation::none, making.node.results[0], making);
}

std::unique_ptr<Step> make_group_norm(const GroupNorm& norm, Activation activation, Value y,
                                      const Making& making) {
  return std::make_unique<GroupNormStep>(norm, activation, y, making);
}

std::string refusal_of(const LayerNorm&, const Graph& graph, const Node& node) {
  return refuse_unless_real(graph, node.inputs[0]);
}
std::unique_ptr<Step> make_step(const LayerNorm& norm, const Making& making) {
  return std::make_unique<LayerNormStep>(norm.axes, norm.epsilon, RowNorm::layer, making);
}

std::string refusal_of(const RmsNorm&, const Graph& graph, const Node& node) {
  return refuse_unless_real(graph, node.inputs[0]);
}
std::unique_ptr<Step> make_step(const RmsNorm& norm, const Making& making) {
  const RowNorm form = norm.form == RmsForm::l2 ? RowNorm::l2 : RowNorm::mean_square;
  return std::make_unique<LayerNormStep>(norm.axes, norm.epsilon, form, making);
}

}  // namespace metalaudio::nn::cuda

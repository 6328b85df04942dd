#include <metalaudio/nn/cuda/kernels/attention.h>
#include <metalaudio/nn/cuda/steps/steps.h>
#include <metalaudio/nn/cuda/steps/walk.h>

#include <cmath>
#include <utility>

namespace metalaudio::nn::cuda {

namespace {

TokenRows rows_of(const Shape& shape, std::size_t axis) {
  TokenRows rows{shape[axis], 1, shape.back()};
  for (std::size_t i = axis + 1; i + 1 < shape.rank(); ++i) rows.inner *= shape[i];
  return rows;
}

AttentionShape shape_of(const Attention& attention, const Graph& graph, const Node& node) {
  const Shape& q = graph.shape(node.inputs[Attention::q]);
  const Shape& k = graph.shape(node.inputs[Attention::k]);
  const Shape& v = graph.shape(node.inputs[Attention::v]);
  const std::size_t axis = axis_of(attention.axis, q.rank());
  AttentionShape shape;
  shape.batches = 1;
  for (std::size_t i = 0; i + 1 < q.rank(); ++i) shape.batches *= i == axis ? 1 : q[i];
  shape.heads = static_cast<int>(attention.heads);
  shape.depth = static_cast<int>(q.back() / attention.heads);
  shape.width = static_cast<int>(v.back() / attention.heads);
  shape.scale =
      attention.scale != 0 ? attention.scale : 1.0F / std::sqrt(static_cast<float>(shape.depth));
  shape.causal = attention.causal;
  shape.queries = rows_of(q, axis);
  shape.keys = rows_of(k, axis);
  shape.values = rows_of(v, axis);
  shape.results = rows_of(graph.shape(node.results[0]), axis);
  if (Attention::mask < node.inputs.size() && node.inputs[Attention::mask].present()) {
    const Steps steps =
        repeated_steps(graph.shape(node.inputs[Attention::mask]),
                       {shape.batches, attention.heads, shape.queries.tokens, shape.keys.tokens});
    for (std::size_t i = 0; i < shape.mask.size(); ++i) shape.mask[i] = steps[i];
  }
  return shape;
}

class AttentionStep final : public CudaStep {
 public:
  AttentionStep(const Attention& attention, const Making& making)
      : type_(making.type(0).type),
        shape_(shape_of(attention, making.graph(), making.node)),
        empty_(making.result_type().shape.size() == 0),
        q_(making.input(Attention::q)),
        k_(making.input(Attention::k)),
        v_(making.input(Attention::v)),
        mask_(making.input(Attention::mask)),
        y_(making.result()) {
    shape_.tf32 = making.precision == Precision::tf32;
  }
  void run(const CudaRun& run) const noexcept override {
    if (empty_) return;
    launch_attention(type_, run.at(q_), run.at(k_), run.at(v_), run.at(mask_), run.at(y_), shape_,
                     run.stream);
  }

 private:
  DataType type_;
  AttentionShape shape_;
  bool empty_;
  Slot q_;
  Slot k_;
  Slot v_;
  Slot mask_;
  Slot y_;
};

}  // namespace

std::string refusal_of(const Attention& attention, const Graph& graph, const Node& node) {
  const std::int64_t channels = graph.shape(node.inputs[Attention::q]).back();
  const std::int64_t values = graph.shape(node.inputs[Attention::v]).back();
  if ((channels + values) / attention.heads > kMostDepth) return "the heads are too wide";
  return refuse_unless_real(graph, node.inputs[Attention::q]);
}
std::unique_ptr<Step> make_step(const Attention& attention, const Making& making) {
  return std::make_unique<AttentionStep>(attention, making);
}

}  // namespace metalaudio::nn::cuda

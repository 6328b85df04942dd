#include <metalaudio/nn/cuda/kernels/matmul.h>
#include <metalaudio/nn/cuda/steps/steps.h>
#include <metalaudio/nn/cuda/steps/walk.h>

#include <algorithm>
#include <utility>

namespace metalaudio::nn::cuda {

namespace {

/// A vector is a matrix of one row or one column.
MatMulShape shape_of(const Shape& a, const Shape& b) {
  MatMulShape shape;
  shape.m = a.rank() > 1 ? a[a.rank() - 2] : 1;
  shape.k = a.back();
  shape.n = b.rank() > 1 ? b.back() : 1;
  const auto batch_of = [](const Shape& factor) {
    return Shape(factor.extents().first(factor.rank() > 2 ? factor.rank() - 2 : 0));
  };
  const Shape batch_a = batch_of(a);
  const Shape batch_b = batch_of(b);
  const Shape batches = broadcast(batch_a, batch_b);
  Steps steps_a = repeated_steps(batch_a, batches);
  Steps steps_b = repeated_steps(batch_b, batches);
  for (std::int64_t& step : steps_a) step *= shape.m * shape.k;
  for (std::int64_t& step : steps_b) step *= shape.k * shape.n;
  shape.batches = walk_of<2>(batches, {steps_a, steps_b});
  return shape;
}

class MatMulStep final : public CudaStep {
 public:
  explicit MatMulStep(const Making& making)
      : type_(making.type(0).type),
        shape_(shape_of(making.type(MatMul::a).shape, making.type(MatMul::b).shape)),
        a_(making.input(MatMul::a)),
        b_(making.input(MatMul::b)),
        y_(making.result()) {}
  void run(const CudaRun& run) const noexcept override {
    launch_matmul(type_, run.at(a_), run.at(b_), run.at(y_), shape_, run.stream);
  }

 private:
  DataType type_;
  MatMulShape shape_;
  Slot a_;
  Slot b_;
  Slot y_;
};

}  // namespace

std::string refusal_of(const MatMul&, const Graph&, const Node&) { return {}; }
std::unique_ptr<Step> make_step(const MatMul&, const Making& making) {
  return std::make_unique<MatMulStep>(making);
}

}  // namespace metalaudio::nn::cuda

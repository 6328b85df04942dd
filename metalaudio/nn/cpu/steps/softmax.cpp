#include <metalaudio/nn/cpu/row_kernels.h>
#include <metalaudio/nn/cpu/steps/steps.h>

#include <cmath>
#include <cstring>

namespace metalaudio::nn::cpu {

namespace {

/// Along the last axis with the vector kernel; along others, and for the logarithm, in double.
class SoftmaxStep final : public CpuStep {
 public:
  SoftmaxStep(const Softmax& softmax, const Node& node, StepMaker& maker)
      : log_(softmax.log), x_(maker.slot(node.inputs[0])), y_(maker.slot(node.results[0])) {
    const Shape& shape = maker.graph().shape(node.results[0]);
    if (shape.rank() == 0) return;
    const std::size_t axis = axis_of(softmax.axis, shape.rank());
    extent_ = static_cast<std::size_t>(shape[axis]);
    for (std::size_t i = axis + 1; i < shape.rank(); ++i)
      inner_ *= static_cast<std::size_t>(shape[i]);
    const auto size = static_cast<std::size_t>(shape.size());
    outer_ = size == 0 ? 0 : size / (extent_ * inner_);
  }

  void run(const CpuRun& run) const noexcept override {
    run.workers.parallel_rows(
        outer_, kRowsTogether, [&](std::size_t first, std::size_t n, ThreadScratch&) {
          const float* x = run.at<const float>(x_) + first * extent_ * inner_;
          float* y = run.at(y_) + first * extent_ * inner_;
          if (inner_ == 1 && !log_) {
            std::memcpy(y, x, n * extent_ * sizeof(float));
            softmax(y, static_cast<std::ptrdiff_t>(extent_), n, extent_, 1.0F);
            return;
          }
          for (std::size_t i = 0; i < n * inner_; ++i) {
            const std::size_t at = i / inner_ * extent_ * inner_ + i % inner_;
            along(x + at, y + at);
          }
        });
  }

 private:
  void along(const float* x, float* y) const noexcept {
    float top = x[0];
    for (std::size_t k = 1; k < extent_; ++k) top = std::max(top, x[k * inner_]);
    double sum = 0;
    for (std::size_t k = 0; k < extent_; ++k)
      sum += std::exp(static_cast<double>(x[k * inner_]) - top);
    const double logarithm = std::log(sum);
    for (std::size_t k = 0; k < extent_; ++k) {
      const double shifted = static_cast<double>(x[k * inner_]) - top;
      y[k * inner_] = static_cast<float>(log_ ? shifted - logarithm : std::exp(shifted) / sum);
    }
  }

  bool log_;
  Slot x_;
  Slot y_;
  std::size_t outer_ = 1;
  std::size_t extent_ = 1;
  std::size_t inner_ = 1;
};

}  // namespace

std::unique_ptr<Step> make_softmax(const Softmax& softmax, const Node& node, StepMaker& maker) {
  return std::make_unique<SoftmaxStep>(softmax, node, maker);
}

}  // namespace metalaudio::nn::cpu

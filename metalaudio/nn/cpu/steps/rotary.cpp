#include <metalaudio/nn/cpu/steps/steps.h>
#include <metalaudio/nn/cpu/vector_kernels.h>

#include <cmath>
#include <cstring>

namespace metalaudio::nn::cpu {

namespace {

/// The angles of all positions are computed while planning, in double.
class RotaryStep final : public CpuStep {
 public:
  RotaryStep(const Rotary& rotary, const Node& node, StepMaker& maker)
      : heads_(static_cast<std::size_t>(rotary.heads)),
        interleaved_(rotary.interleaved),
        x_(maker.slot(node.inputs[Rotary::x])),
        y_(maker.slot(node.results[0])) {
    const Shape& shape = maker.graph().shape(node.inputs[Rotary::x]);
    const std::size_t axis = axis_of(rotary.axis, shape.rank());
    channels_ = static_cast<std::size_t>(shape.back());
    rows_ = channels_ == 0 ? 0 : static_cast<std::size_t>(shape.size()) / channels_;
    positions_ = static_cast<std::size_t>(shape[axis]);
    for (std::size_t i = axis + 1; i + 1 < shape.rank(); ++i) {
      inner_ *= static_cast<std::size_t>(shape[i]);
    }
    const Array<float> frequencies = floats_of(maker.graph(), node.inputs[Rotary::frequencies]);
    pairs_ = frequencies.size();
    maker.will_keep(positions_ * pairs_ * 2 * sizeof(float));
    cosines_ = Array<float>(positions_ * pairs_);
    sines_ = Array<float>(positions_ * pairs_);
    for (std::size_t p = 0; p < positions_; ++p) {
      for (std::size_t j = 0; j < pairs_; ++j) {
        const double angle = static_cast<double>(p) * static_cast<double>(frequencies[j]);
        cosines_[p * pairs_ + j] = static_cast<float>(std::cos(angle));
        sines_[p * pairs_ + j] = static_cast<float>(std::sin(angle));
      }
    }
  }

  void run(const CpuRun& run) const noexcept override {
    run.workers.parallel_rows(rows_, kRowsTogether,
                              [&](std::size_t first, std::size_t n, ThreadScratch&) {
                                for (std::size_t row = first; row < first + n; ++row)
                                  rotate(run, row);
                              });
  }

 private:
  void rotate(const CpuRun& run, std::size_t row) const noexcept {
    const std::size_t position = row / inner_ % positions_;
    const float* cosines = cosines_.data() + position * pairs_;
    const float* sines = sines_.data() + position * pairs_;
    const std::size_t depth = channels_ / heads_;
    for (std::size_t head = 0; head < heads_; ++head) {
      const float* x = run.at<const float>(x_) + row * channels_ + head * depth;
      float* y = run.at(y_) + row * channels_ + head * depth;
      if (interleaved_) {
        rotate_pairs(x, cosines, sines, pairs_, y);
      } else {
        for (std::size_t j = 0; j < pairs_; ++j) {
          const float a = x[j];
          const float b = x[pairs_ + j];
          y[j] = a * cosines[j] - b * sines[j];
          y[pairs_ + j] = b * cosines[j] + a * sines[j];
        }
      }
      std::memcpy(y + 2 * pairs_, x + 2 * pairs_, (depth - 2 * pairs_) * sizeof(float));
    }
  }

  std::size_t heads_;
  bool interleaved_;
  Slot x_;
  Slot y_;
  std::size_t channels_ = 0;
  std::size_t rows_ = 0;
  std::size_t positions_ = 0;
  std::size_t inner_ = 1;
  std::size_t pairs_ = 0;
  Array<float> cosines_;
  Array<float> sines_;
};

}  // namespace

std::unique_ptr<Step> make_rotary(const Rotary& rotary, const Node& node, StepMaker& maker) {
  return std::make_unique<RotaryStep>(rotary, node, maker);
}

}  // namespace metalaudio::nn::cpu

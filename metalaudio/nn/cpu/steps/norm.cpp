#include <metalaudio/nn/cpu/moment_kernels.h>
#include <metalaudio/nn/cpu/row_kernels.h>
#include <metalaudio/nn/cpu/steps/steps.h>
#include <metalaudio/nn/cpu/vector_kernels.h>

#include <cmath>

namespace metalaudio::nn::cpu {

namespace {

std::ptrdiff_t stride(std::size_t n) noexcept { return static_cast<std::ptrdiff_t>(n); }

/// The product of the last `axes` extents.
std::size_t inner_size(const Shape& shape, std::size_t axes) {
  return static_cast<std::size_t>(Shape(shape.extents().last(axes)).size());
}

/// Moments per unit and group, gathered block by block, then one pass of x · scale + shift with the
/// activation that follows. A unit is what shares moments.
class GroupNormStep final : public CpuStep {
 public:
  GroupNormStep(const GroupNorm& norm, const Node& node, Activation activation, Value y,
                StepMaker& maker)
      : x_(maker.slot(node.inputs[GroupNorm::x])),
        gamma_(maker.slot(node.inputs[GroupNorm::gamma])),
        beta_(maker.slot(node.inputs[GroupNorm::beta])),
        y_(maker.slot(y)),
        activation_(activation),
        algorithm_(norm.algorithm),
        epsilon_(norm.epsilon),
        groups_(static_cast<std::size_t>(norm.groups)) {
    const Shape& shape = maker.graph().shape(node.inputs[GroupNorm::x]);
    channels_ = static_cast<std::size_t>(shape.back());
    rows_ = inner_size(shape, norm.axes + 1) / std::max<std::size_t>(channels_, 1);
    const auto size = static_cast<std::size_t>(shape.size());
    units_ = size == 0 ? 0 : size / (rows_ * channels_);
    blocks_ = blocks_of(rows_);
    moments_ = maker.temporary(units_ * blocks_ * groups_ * sizeof(Moments));
    affine_ = maker.temporary(units_ * 2 * channels_ * sizeof(float));
  }

  void run(const CpuRun& run) const noexcept override {
    const std::size_t group = channels_ / groups_;
    const float* x = run.at<const float>(x_);
    float* y = run.at(y_);
    auto* moments = run.at<Moments>(moments_);
    over_blocks(run, [&](std::size_t unit, std::size_t block, std::size_t first, std::size_t n) {
      for (std::size_t g = 0; g < groups_; ++g) {
        const float* base = x + (unit * rows_ + first) * channels_ + g * group;
        moments[(unit * blocks_ + block) * groups_ + g] =
            moments_of({base, stride(channels_)}, n, group);
      }
    });
    for (std::size_t unit = 0; unit < units_; ++unit) fold(run, unit);
    const std::size_t out_channels = activation_ == Activation::glu ? channels_ / 2 : channels_;
    over_blocks(run, [&](std::size_t unit, std::size_t, std::size_t first, std::size_t n) {
      const std::size_t row = unit * rows_ + first;
      const float* scale = run.at<const float>(affine_) + unit * 2 * channels_;
      const Rows from{x + row * channels_, stride(channels_)};
      float* to = y + row * out_channels;
      if (activation_ == Activation::glu) {
        affine_glu(from, n, out_channels, scale, scale + channels_, nullptr, {}, to,
                   stride(out_channels));
      } else {
        affine(from, n, channels_, scale, scale + channels_, activation_, to, stride(out_channels));
      }
    });
  }

 private:
  template <typename Body>
  void over_blocks(const CpuRun& run, Body&& body) const noexcept {
    run.workers.parallel_for(units_ * blocks_, [&](std::size_t task, ThreadScratch&) {
      const std::size_t first = task % blocks_ * kBlockRows;
      body(task / blocks_, task % blocks_, first, std::min(kBlockRows, rows_ - first));
    });
  }

  Moments moments_of(Rows x, std::size_t rows, std::size_t columns) const noexcept {
    switch (algorithm_) {
      case MomentsAlgorithm::kahan:
        return kahan_moments(x, rows, columns);
      case MomentsAlgorithm::welford:
        return welford_moments(x, rows, columns);
      case MomentsAlgorithm::standard:
        break;
    }
    return cpu::moments(x, rows, columns);
  }

  void fold(const CpuRun& run, std::size_t unit) const noexcept {
    const std::size_t group = channels_ / groups_;
    const auto* moments = run.at<const Moments>(moments_);
    const float* gamma = run.at<const float>(gamma_);
    const float* beta = run.at<const float>(beta_);
    float* scale = run.at(affine_) + unit * 2 * channels_;
    for (std::size_t g = 0; g < groups_; ++g) {
      Moments total;
      for (std::size_t block = 0; block < blocks_; ++block) {
        total.merge(moments[(unit * blocks_ + block) * groups_ + g]);
      }
      const double inverse = total.inverse_deviation(epsilon_);
      for (std::size_t c = g * group; c < (g + 1) * group; ++c) {
        const double factor = (gamma != nullptr ? gamma[c] : 1.0) * inverse;
        scale[c] = static_cast<float>(factor);
        scale[channels_ + c] =
            static_cast<float>((beta != nullptr ? beta[c] : 0.0) - total.mean * factor);
      }
    }
  }

  Slot x_;
  Slot gamma_;
  Slot beta_;
  Slot y_;
  Activation activation_;
  MomentsAlgorithm algorithm_;
  float epsilon_;
  std::size_t groups_;
  std::size_t channels_ = 0;
  std::size_t units_ = 0;
  std::size_t rows_ = 0;
  std::size_t blocks_ = 0;
  Slot moments_;
  Slot affine_;
};

class LayerNormStep final : public CpuStep {
 public:
  LayerNormStep(const LayerNorm& norm, const Node& node, StepMaker& maker)
      : x_(maker.slot(node.inputs[LayerNorm::x])),
        gamma_(maker.slot(node.inputs[LayerNorm::gamma])),
        beta_(maker.slot(node.inputs[LayerNorm::beta])),
        y_(maker.slot(node.results[0])),
        epsilon_(norm.epsilon) {
    const Shape& shape = maker.graph().shape(node.results[0]);
    columns_ = inner_size(shape, norm.axes);
    rows_ = columns_ == 0 ? 0 : static_cast<std::size_t>(shape.size()) / columns_;
    maker.will_keep(((gamma_.index < 0 ? 1U : 0U) + (beta_.index < 0 ? 1U : 0U)) * columns_ *
                    sizeof(float));
    if (gamma_.index < 0) ones_ = Array<float>(columns_);
    if (beta_.index < 0) zeros_ = Array<float>(columns_);
    std::fill(ones_.begin(), ones_.end(), 1.0F);
  }

  void run(const CpuRun& run) const noexcept override {
    const float* gamma = gamma_.index < 0 ? ones_.data() : run.at<const float>(gamma_);
    const float* beta = beta_.index < 0 ? zeros_.data() : run.at<const float>(beta_);
    run.workers.parallel_rows(
        rows_, kRowsTogether, [&](std::size_t first, std::size_t n, ThreadScratch&) {
          layer_norm({run.at<const float>(x_) + first * columns_, stride(columns_)}, n, columns_,
                     gamma, beta, epsilon_, run.at(y_) + first * columns_, stride(columns_));
        });
  }

 private:
  Slot x_;
  Slot gamma_;
  Slot beta_;
  Slot y_;
  float epsilon_;
  std::size_t rows_ = 0;
  std::size_t columns_ = 0;
  Array<float> ones_;
  Array<float> zeros_;
};

class RmsNormStep final : public CpuStep {
 public:
  RmsNormStep(const RmsNorm& norm, const Node& node, StepMaker& maker)
      : x_(maker.slot(node.inputs[RmsNorm::x])),
        gamma_(maker.slot(node.inputs[RmsNorm::gamma])),
        y_(maker.slot(node.results[0])),
        form_(norm.form),
        epsilon_(norm.epsilon) {
    const Shape& shape = maker.graph().shape(node.results[0]);
    columns_ = inner_size(shape, norm.axes);
    rows_ = columns_ == 0 ? 0 : static_cast<std::size_t>(shape.size()) / columns_;
  }

  void run(const CpuRun& run) const noexcept override {
    run.workers.parallel_rows(
        rows_, kRowsTogether, [&](std::size_t first, std::size_t n, ThreadScratch&) {
          for (std::size_t r = first; r < first + n; ++r) {
            const float* x = run.at<const float>(x_) + r * columns_;
            scale_by(x, run.at<const float>(gamma_), factor(sum_of_squares(x, columns_)), columns_,
                     run.at(y_) + r * columns_);
          }
        });
  }

 private:
  float factor(double squares) const noexcept {
    const auto count = static_cast<double>(columns_);
    const double epsilon = epsilon_;
    return static_cast<float>(form_ == RmsForm::l2
                                  ? std::sqrt(count) / std::max(std::sqrt(squares), epsilon)
                                  : 1.0 / std::sqrt(squares / count + epsilon));
  }

  Slot x_;
  Slot gamma_;
  Slot y_;
  RmsForm form_;
  float epsilon_;
  std::size_t rows_ = 0;
  std::size_t columns_ = 0;
};

}  // namespace

std::unique_ptr<Step> make_group_norm(const GroupNorm& norm, const Node& node,
                                      Activation activation, Value y, StepMaker& maker) {
  return std::make_unique<GroupNormStep>(norm, node, activation, y, maker);
}

std::unique_ptr<Step> make_layer_norm(const LayerNorm& norm, const Node& node, StepMaker& maker) {
  return std::make_unique<LayerNormStep>(norm, node, maker);
}

std::unique_ptr<Step> make_rms_norm(const RmsNorm& norm, const Node& node, StepMaker& maker) {
  return std::make_unique<RmsNormStep>(norm, node, maker);
}

}  // namespace metalaudio::nn::cpu

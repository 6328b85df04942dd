#include <metalaudio/nn/cpu/kernel.h>
#include <metalaudio/nn/cpu/row_kernels.h>

namespace metalaudio::nn::cpu {

namespace {

/// Moments per unit and group, gathered block by block, then one pass of x · scale + shift with the
/// activation that follows. A unit is what shares moments: one row, or everything.
class GroupNormKernel final : public Kernel {
 public:
  GroupNormKernel(const Step& step, const KernelContext& context)
      : attributes_(std::get<GroupNormAttributes>(step.attributes)),
        x_(context.at(step.inputs[0])),
        y_(context.at(step.output)),
        activation_(step.activation) {
    const Shape& shape = context.shape(step.inputs[0]);
    const std::span<const float> gamma = context.constant(step.inputs[1]);
    const std::span<const float> beta = context.constant(step.inputs[2]);
    gamma_.assign(gamma.begin(), gamma.end());
    beta_.assign(beta.begin(), beta.end());
    channels_ = static_cast<std::size_t>(shape[2]);
    groups_ = static_cast<std::size_t>(attributes_.groups);
    units_ = attributes_.per_row ? static_cast<std::size_t>(shape[0]) : 1;
    rows_ = static_cast<std::size_t>(shape[0] * shape[1]) / units_;
    blocks_ = blocks_of(rows_);
    moments_.resize(units_ * blocks_ * groups_);
    affine_.resize(units_ * 2 * channels_);
  }

  void run(Workers& workers) noexcept override {
    const std::size_t group = channels_ / groups_;
    over_blocks(workers,
                [&](std::size_t unit, std::size_t block, std::size_t first, std::size_t n) {
                  for (std::size_t g = 0; g < groups_; ++g) {
                    const float* base = x_ + (unit * rows_ + first) * channels_ + g * group;
                    moments_[(unit * blocks_ + block) * groups_ + g] =
                        moments({base, stride(channels_)}, n, group);
                  }
                });
    for (std::size_t unit = 0; unit < units_; ++unit) fold(unit);
    const std::size_t out_channels = activation_ == Activation::glu ? channels_ / 2 : channels_;
    over_blocks(workers, [&](std::size_t unit, std::size_t, std::size_t first, std::size_t n) {
      const std::size_t row = unit * rows_ + first;
      const float* scale = affine_.data() + unit * 2 * channels_;
      const Rows from{x_ + row * channels_, stride(channels_)};
      float* to = y_ + row * out_channels;
      if (activation_ == Activation::glu) {
        affine_glu(from, n, out_channels, scale, scale + channels_, nullptr, {}, to,
                   stride(out_channels));
      } else {
        affine(from, n, channels_, scale, scale + channels_, activation_, to, stride(out_channels));
      }
    });
  }

 private:
  static std::ptrdiff_t stride(std::size_t n) noexcept { return static_cast<std::ptrdiff_t>(n); }

  template <typename Body>
  void over_blocks(Workers& workers, Body&& body) noexcept {
    workers.parallel_for(units_ * blocks_, [&](std::size_t task, ThreadScratch&) {
      const std::size_t first = task % blocks_ * kBlockRows;
      body(task / blocks_, task % blocks_, first, std::min(kBlockRows, rows_ - first));
    });
  }

  void fold(std::size_t unit) noexcept {
    const std::size_t group = channels_ / groups_;
    float* scale = affine_.data() + unit * 2 * channels_;
    for (std::size_t g = 0; g < groups_; ++g) {
      Moments total;
      for (std::size_t block = 0; block < blocks_; ++block) {
        total.merge(moments_[(unit * blocks_ + block) * groups_ + g]);
      }
      const double inverse = total.inverse_deviation(attributes_.epsilon);
      for (std::size_t c = g * group; c < (g + 1) * group; ++c) {
        scale[c] = static_cast<float>(gamma_[c] * inverse);
        scale[channels_ + c] = static_cast<float>(beta_[c] - total.mean * gamma_[c] * inverse);
      }
    }
  }

  GroupNormAttributes attributes_;
  const float* x_;
  float* y_;
  Activation activation_;
  std::vector<float> gamma_;
  std::vector<float> beta_;
  std::size_t channels_ = 0;
  std::size_t groups_ = 1;
  std::size_t units_ = 1;
  std::size_t rows_ = 0;
  std::size_t blocks_ = 0;
  std::vector<Moments> moments_;
  std::vector<float> affine_;
};

class LayerNormKernel final : public Kernel {
 public:
  LayerNormKernel(const Step& step, const KernelContext& context)
      : x_(context.at(step.inputs[0])),
        y_(context.at(step.output)),
        epsilon_(std::get<LayerNormAttributes>(step.attributes).epsilon) {
    const Shape& shape = context.shape(step.inputs[0]);
    const std::span<const float> gamma = context.constant(step.inputs[1]);
    const std::span<const float> beta = context.constant(step.inputs[2]);
    gamma_.assign(gamma.begin(), gamma.end());
    beta_.assign(beta.begin(), beta.end());
    rows_ = static_cast<std::size_t>(shape[0] * shape[1]);
  }

  void run(Workers& workers) noexcept override {
    const std::size_t channels = gamma_.size();
    const auto stride = static_cast<std::ptrdiff_t>(channels);
    workers.parallel_for(blocks_of(rows_), [&](std::size_t block, ThreadScratch&) {
      const std::size_t first = block * kBlockRows;
      layer_norm({x_ + first * channels, stride}, std::min(kBlockRows, rows_ - first), channels,
                 gamma_.data(), beta_.data(), epsilon_, y_ + first * channels, stride);
    });
  }

 private:
  const float* x_;
  float* y_;
  float epsilon_;
  std::vector<float> gamma_;
  std::vector<float> beta_;
  std::size_t rows_ = 0;
};

}  // namespace

std::unique_ptr<Kernel> make_group_norm(const Step& step, const KernelContext& context) {
  return std::make_unique<GroupNormKernel>(step, context);
}

std::unique_ptr<Kernel> make_layer_norm(const Step& step, const KernelContext& context) {
  return std::make_unique<LayerNormKernel>(step, context);
}

}  // namespace metalaudio::nn::cpu

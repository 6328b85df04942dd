#include <metalaudio/nn/cpu/steps/general.h>
#include <metalaudio/nn/steps/number.h>

#include <array>

namespace metalaudio::nn::cpu {

namespace {

/// By output index and tap of one axis, the input index that they meet; -1: none.
struct AxisTaps {
  AxisTaps(const SlidingAxis& axis, std::int64_t in, std::int64_t out)
      : extent(in), kernel(axis.kernel) {
    sources.reserve(static_cast<std::size_t>(out * kernel));
    for (std::int64_t o = 0; o < out; ++o) {
      for (std::int64_t k = 0; k < kernel; ++k) {
        add(o * axis.stride - axis.before + k * axis.dilation);
      }
    }
  }
  AxisTaps(const TransposeAxis& axis, std::int64_t in, std::int64_t out)
      : extent(in), kernel(axis.kernel) {
    sources.reserve(static_cast<std::size_t>(out * kernel));
    for (std::int64_t o = 0; o < out; ++o) {
      for (std::int64_t k = 0; k < kernel; ++k) {
        const std::int64_t at = o + axis.crop - axis.dilation * k;
        add(at % axis.stride == 0 ? at / axis.stride : -1);
      }
    }
  }
  void add(std::int64_t at) { sources.push_back(at >= 0 && at < extent ? at : -1); }

  std::int64_t extent;
  std::int64_t kernel;
  std::vector<std::int64_t> sources;
};

/// Convolutions of both kinds over any number of axes, with weights that may come at run time: a
/// sum in double for every result.
template <typename T>
class GeneralConvStep final : public CpuStep {
 public:
  template <typename Operation>
  GeneralConvStep(const Operation& conv, const Node& node, StepMaker& maker)
      : groups_(static_cast<std::size_t>(conv.groups)),
        x_(maker.slot(node.inputs[Operation::x])),
        weight_(maker.slot(node.inputs[Operation::weight])),
        bias_(maker.slot(node.inputs[Operation::bias])),
        y_(maker.slot(node.results[0])) {
    const Shape& in = maker.graph().shape(node.inputs[Operation::x]);
    const Shape& out = maker.graph().shape(node.results[0]);
    const std::size_t first = in.rank() - 1 - conv.axes.size();
    for (std::size_t i = 0; i < conv.axes.size(); ++i) {
      const std::int64_t met = out[first + i] * conv.axes[i].kernel;
      maker.will_keep(static_cast<std::size_t>(met) * sizeof(std::int64_t));
      axes_.emplace_back(conv.axes[i], in[first + i], out[first + i]);
      out_[i] = out[first + i];
      taps_ *= static_cast<std::size_t>(axes_[i].kernel);
      in_positions_ *= static_cast<std::size_t>(in[first + i]);
    }
    in_channels_ = static_cast<std::size_t>(in.back());
    channels_ = static_cast<std::size_t>(out.back());
    positions_ = channels_ == 0 ? 0 : static_cast<std::size_t>(out.size()) / channels_;
  }

  void run(const CpuRun& run) const noexcept override {
    run.workers.parallel_blocks(positions_, together(channels_ * taps_ * in_channels_ / groups_),
                                [&](std::size_t first, std::size_t n, ThreadScratch&) {
                                  for (std::size_t i = first; i < first + n; ++i) position(run, i);
                                });
  }

 private:
  void position(const CpuRun& run, std::size_t index) const noexcept {
    std::array<std::int64_t, Shape::kMaxRank> at{};
    std::size_t rest = index;
    for (std::size_t i = axes_.size(); i-- > 0;) {
      at[i] = static_cast<std::int64_t>(rest) % out_[i];
      rest /= static_cast<std::size_t>(out_[i]);
    }
    const T* x = run.at<const T>(x_) + rest * in_positions_ * in_channels_;
    const T* weight = run.at<const T>(weight_);
    const T* bias = run.at<const T>(bias_);
    const std::size_t depth = in_channels_ / groups_;
    const std::size_t width = channels_ / groups_;
    for (std::size_t c = 0; c < channels_; ++c) {
      double sum = bias == nullptr ? 0.0 : static_cast<double>(bias[c]);
      for (std::size_t tap = 0; tap < taps_; ++tap) {
        const std::int64_t source = source_of(at, tap);
        if (source < 0) continue;
        const T* from = x + static_cast<std::size_t>(source) * in_channels_ + c / width * depth;
        const T* w = weight + (c * taps_ + tap) * depth;
        for (std::size_t k = 0; k < depth; ++k) {
          sum += static_cast<double>(from[k]) * static_cast<double>(w[k]);
        }
      }
      run.at<T>(y_)[index * channels_ + c] = static_cast<T>(sum);
    }
  }

  /// The input position that a tap of the whole kernel meets.
  std::int64_t source_of(const std::array<std::int64_t, Shape::kMaxRank>& at,
                         std::size_t tap) const noexcept {
    std::int64_t position = 0;
    std::int64_t stride = 1;
    auto rest = static_cast<std::int64_t>(tap);
    for (std::size_t i = axes_.size(); i-- > 0;) {
      const AxisTaps& axis = axes_[i];
      const std::int64_t source =
          axis.sources[static_cast<std::size_t>(at[i] * axis.kernel + rest % axis.kernel)];
      if (source < 0) return -1;
      rest /= axis.kernel;
      position += source * stride;
      stride *= axis.extent;
    }
    return position;
  }

  std::size_t groups_;
  Slot x_;
  Slot weight_;
  Slot bias_;
  Slot y_;
  std::vector<AxisTaps> axes_;
  std::array<std::int64_t, Shape::kMaxRank> out_{};
  std::size_t taps_ = 1;
  std::size_t in_positions_ = 1;
  std::size_t in_channels_ = 0;
  std::size_t channels_ = 0;
  std::size_t positions_ = 0;
};

template <typename Operation>
std::unique_ptr<Step> make(const Operation& conv, const Node& node, StepMaker& maker) {
  if (maker.graph().type(node.inputs[0]).type == DataType::f64) {
    return std::make_unique<GeneralConvStep<double>>(conv, node, maker);
  }
  return std::make_unique<GeneralConvStep<float>>(conv, node, maker);
}

}  // namespace

std::unique_ptr<Step> make_general(const Conv& conv, const Node& node, StepMaker& maker) {
  return make(conv, node, maker);
}
std::unique_ptr<Step> make_general(const ConvTranspose& conv, const Node& node, StepMaker& maker) {
  return make(conv, node, maker);
}

}  // namespace metalaudio::nn::cpu

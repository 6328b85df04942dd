#include <metalaudio/nn/cpu/steps/steps.h>
#include <metalaudio/nn/steps/number.h>

#include <array>

namespace metalaudio::nn::cpu {

namespace {

std::int64_t ceil_divide(std::int64_t a, std::int64_t b) { return a > 0 ? (a + b - 1) / b : 0; }

/// The taps of a window that lie inside x, and how many count.
struct Window {
  std::int64_t start = 0;  ///< index of tap 0
  std::int64_t first = 0;
  std::int64_t last = 0;
  std::int64_t counted = 0;
};

/// Every window is gathered over all channels at once, in the result itself.
class PoolStep final : public CpuStep {
 public:
  PoolStep(const Pool& pool, const Node& node, StepMaker& maker)
      : pool_(pool),
        type_(maker.graph().type(node.inputs[0]).type),
        x_(maker.slot(node.inputs[0])),
        y_(maker.slot(node.results[0])),
        indices_(pool.indices ? maker.slot(node.results[1]) : Slot{}) {
    const Shape& in = maker.graph().shape(node.inputs[0]);
    const Shape& out = maker.graph().shape(node.results[0]);
    const std::size_t first = in.rank() - 1 - pool.axes.size();
    channels_ = static_cast<std::size_t>(out.back());
    windows_ = channels_ == 0 ? 0 : static_cast<std::size_t>(out.size()) / channels_;
    for (std::size_t i = 0; i < pool.axes.size(); ++i) {
      in_[i] = in[first + i];
      out_[i] = out[first + i];
      positions_ *= in_[i];
    }
  }

  void run(const CpuRun& run) const noexcept override {
    visit_type(type_, [&]<typename T>(std::type_identity<T>) {
      run.workers.parallel_blocks(windows_, together(channels_ * 8),
                                  [&](std::size_t first, std::size_t n, ThreadScratch&) {
                                    for (std::size_t i = first; i < first + n; ++i) {
                                      window<T>(run, i);
                                    }
                                  });
    });
  }

 private:
  static constexpr std::size_t kMost = Shape::kMaxRank;
  using Windows = std::array<Window, kMost>;

  template <typename T>
  void window(const CpuRun& run, std::size_t index) const noexcept {
    Windows windows;
    auto rest = static_cast<std::int64_t>(index);
    std::int64_t inside = 1;
    std::int64_t counted = 1;
    for (std::size_t i = pool_.axes.size(); i-- > 0;) {
      windows[i] = window_of(i, rest % out_[i]);
      rest /= out_[i];
      inside *= windows[i].last - windows[i].first;
      counted *= windows[i].counted;
    }
    const T* x = run.at<const T>(x_) + static_cast<std::size_t>(rest * positions_) * channels_;
    T* y = run.at<T>(y_) + index * channels_;
    std::int64_t* at = nullptr;
    if (indices_.index >= 0) {
      at = run.at<std::int64_t>(indices_) + index * channels_;
      std::fill_n(at, channels_, std::int64_t{0});
    }
    const bool maximum = pool_.function == PoolFunction::maximum;
    std::fill_n(y, channels_, maximum ? converted<T>(lowest<T>()) : T{});
    if (inside > 0) gather(windows, x, y, at);
    if (!maximum) finish(y, static_cast<double>(pool_.count_padding ? counted : inside));
  }

  Window window_of(std::size_t i, std::int64_t output) const noexcept {
    const SlidingAxis& axis = pool_.axes[i];
    Window window;
    window.start = output * axis.stride - axis.before;
    const auto taps_before = [&](std::int64_t end) {
      return std::min(axis.kernel, ceil_divide(end - window.start, axis.dilation));
    };
    window.last = taps_before(in_[i]);
    window.first = std::min(window.last, taps_before(0));
    window.counted = taps_before(in_[i] + axis.after);
    return window;
  }

  template <typename T>
  void gather(const Windows& windows, const T* x, T* y, std::int64_t* at) const noexcept {
    const std::size_t axes = pool_.axes.size();
    std::array<std::int64_t, kMost> tap{};
    for (std::size_t i = 0; i < axes; ++i) tap[i] = windows[i].first;
    bool begun = false;
    for (;;) {
      std::int64_t position = 0;
      for (std::size_t i = 0; i < axes; ++i) {
        position = position * in_[i] + windows[i].start + tap[i] * pool_.axes[i].dilation;
      }
      take(x + static_cast<std::size_t>(position) * channels_, y, at, position, begun);
      begun = true;
      std::size_t i = axes;
      while (i > 0 && ++tap[i - 1] == windows[i - 1].last) {
        tap[i - 1] = windows[i - 1].first;
        --i;
      }
      if (i == 0) return;
    }
  }

  template <typename T>
  void take(const T* x, T* y, std::int64_t* at, std::int64_t position, bool begun) const noexcept {
    if (pool_.function == PoolFunction::maximum) {
      take_maxima(x, y, at, position, begun);
    } else if constexpr (std::is_floating_point_v<T>) {
      if (pool_.function == PoolFunction::average) {
        for (std::size_t c = 0; c < channels_; ++c) y[c] += x[c];
      } else if (pool_.p == 2) {
        for (std::size_t c = 0; c < channels_; ++c) y[c] += x[c] * x[c];
      } else {
        const auto p = static_cast<T>(pool_.p);
        for (std::size_t c = 0; c < channels_; ++c) y[c] += std::pow(std::abs(x[c]), p);
      }
    }
  }

  /// A NaN is greater than everything else.
  template <typename T>
  void take_maxima(const T* x, T* y, std::int64_t* at, std::int64_t position,
                   bool begun) const noexcept {
    using V = std::conditional_t<std::is_arithmetic_v<T>, T, float>;
    const auto better = [](T a, T b) {
      const auto v = static_cast<V>(a);
      return v > static_cast<V>(b) || v != v;
    };
    if (at == nullptr) {
      for (std::size_t c = 0; c < channels_; ++c) y[c] = better(x[c], y[c]) ? x[c] : y[c];
      return;
    }
    for (std::size_t c = 0; c < channels_; ++c) {
      if (begun && (is_nan(y[c]) || !better(x[c], y[c]))) continue;
      y[c] = x[c];
      at[c] = position;
    }
  }

  template <typename T>
  void finish(T* y, double count) const noexcept {
    if constexpr (std::is_floating_point_v<T>) {
      for (std::size_t c = 0; c < channels_; ++c) {
        if (pool_.function == PoolFunction::lp) {
          y[c] = static_cast<T>(
              std::pow(static_cast<double>(y[c]), 1.0 / static_cast<double>(pool_.p)));
        } else if (count > 0) {
          y[c] = static_cast<T>(y[c] / count);
        }
      }
    }
  }

  Pool pool_;
  DataType type_;
  Slot x_;
  Slot y_;
  Slot indices_;
  std::array<std::int64_t, kMost> in_{};
  std::array<std::int64_t, kMost> out_{};
  std::int64_t positions_ = 1;  ///< of one item of the batch
  std::size_t channels_ = 0;
  std::size_t windows_ = 0;
};

}  // namespace

std::unique_ptr<Step> make_pool(const Pool& pool, const Node& node, StepMaker& maker) {
  return std::make_unique<PoolStep>(pool, node, maker);
}

}  // namespace metalaudio::nn::cpu

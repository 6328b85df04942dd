#include <metalaudio/nn/cpu/steps/steps.h>
#include <metalaudio/nn/steps/number.h>

#include <numeric>

namespace metalaudio::nn::cpu {

namespace {

class CumSumStep final : public CpuStep {
 public:
  CumSumStep(const CumSum& sum, const Node& node, StepMaker& maker)
      : sum_(sum), x_(maker.slot(node.inputs[0])), y_(maker.slot(node.results[0])) {
    const ValueType& type = maker.graph().type(node.results[0]);
    type_ = type.type;
    around_ = {type.shape, axis_of(sum.axis, type.shape.rank())};
  }

  void run(const CpuRun& run) const noexcept override {
    visit_type(type_, [&]<typename T>(std::type_identity<T>) {
      if constexpr (!std::is_same_v<T, bool>) {
        run.workers.parallel_blocks(around_.lines(), together(around_.extent),
                                    [&](std::size_t first, std::size_t n, ThreadScratch&) {
                                      for (std::size_t line = first; line < first + n; ++line) {
                                        const std::size_t at = around_.line(line);
                                        scan(run.at<const T>(x_) + at, run.at<T>(y_) + at);
                                      }
                                    });
      }
    });
  }

 private:
  template <typename T>
  void scan(const T* x, T* y) const noexcept {
    auto total = static_cast<Wide<T>>(sum_.product ? 1 : 0);
    for (std::size_t i = 0; i < around_.extent; ++i) {
      const std::size_t at = (sum_.reverse ? around_.extent - 1 - i : i) * around_.inner;
      const Wide<T> before = total;
      if constexpr (std::is_integral_v<T>) {
        total = sum_.product ? wrapping_product(total, x[at]) : wrapping_sum(total, x[at]);
      } else {
        total = sum_.product ? total * widen(x[at]) : total + widen(x[at]);
      }
      y[at] = converted<T>(sum_.exclusive ? before : total);
    }
  }

  CumSum sum_;
  DataType type_ = DataType::f32;
  Slot x_;
  Slot y_;
  Around around_;
};

/// Each line's indices are put in order in memory of the step's own.
class TopKStep final : public CpuStep {
 public:
  TopKStep(const TopK& top, const Node& node, StepMaker& maker)
      : largest_(top.largest),
        k_(static_cast<std::size_t>(top.k)),
        x_(maker.slot(node.inputs[0])),
        values_(maker.slot(node.results[TopK::values])),
        indices_(maker.slot(node.results[TopK::indices])) {
    const ValueType& type = maker.graph().type(node.inputs[0]);
    type_ = type.type;
    around_ = {type.shape, axis_of(top.axis, type.shape.rank())};
    order_ = maker.temporary(around_.lines() * around_.extent * sizeof(std::int64_t));
  }

  void run(const CpuRun& run) const noexcept override {
    visit_type(type_, [&]<typename T>(std::type_identity<T>) {
      run.workers.parallel_blocks(around_.lines(), together(around_.extent),
                                  [&](std::size_t first, std::size_t n, ThreadScratch&) {
                                    for (std::size_t line = first; line < first + n; ++line)
                                      pick<T>(run, line);
                                  });
    });
  }

 private:
  template <typename T>
  void pick(const CpuRun& run, std::size_t line) const noexcept {
    const T* x = run.at<const T>(x_) + around_.line(line);
    std::int64_t* order = run.at<std::int64_t>(order_) + line * around_.extent;
    std::iota(order, order + around_.extent, std::int64_t{0});
    const auto value = [&](std::int64_t i) {
      return widen(x[static_cast<std::size_t>(i) * around_.inner]);
    };
    // NaN counts as the greatest, as in numpy.
    const auto less = [](Wide<T> a, Wide<T> b) { return is_nan(b) ? !is_nan(a) : a < b; };
    std::partial_sort(order, order + k_, order + around_.extent,
                      [&](std::int64_t a, std::int64_t b) {
                        const Wide<T> u = value(a);
                        const Wide<T> v = value(b);
                        if (largest_ ? less(v, u) : less(u, v)) return true;
                        if (largest_ ? less(u, v) : less(v, u)) return false;
                        return a < b;
                      });
    const std::size_t to = line / around_.inner * k_ * around_.inner + line % around_.inner;
    for (std::size_t i = 0; i < k_; ++i) {
      run.at<std::int64_t>(indices_)[to + i * around_.inner] = order[i];
      run.at<T>(values_)[to + i * around_.inner] =
          x[static_cast<std::size_t>(order[i]) * around_.inner];
    }
  }

  bool largest_;
  std::size_t k_;
  DataType type_ = DataType::f32;
  Slot x_;
  Slot values_;
  Slot indices_;
  Slot order_;
  Around around_;
};

}  // namespace

std::unique_ptr<Step> make_cum_sum(const CumSum& sum, const Node& node, StepMaker& maker) {
  return std::make_unique<CumSumStep>(sum, node, maker);
}
std::unique_ptr<Step> make_top_k(const TopK& top, const Node& node, StepMaker& maker) {
  return std::make_unique<TopKStep>(top, node, maker);
}

}  // namespace metalaudio::nn::cpu

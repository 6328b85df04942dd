#include <metalaudio/nn/cpu/reduce_kernel.h>
#include <metalaudio/nn/cpu/steps/steps.h>
#include <metalaudio/nn/steps/number.h>
#include <metalaudio/nn/steps/strides.h>

namespace metalaudio::nn::cpu {

namespace {

/// Gathers values one by one, in double or in the integer itself.
template <typename T>
class Accumulator {
 public:
  explicit Accumulator(ReduceFunction function) noexcept : function_(function) {
    if (function == ReduceFunction::product) sum_ = static_cast<Wide<T>>(1);
    if (function == ReduceFunction::maximum || function == ReduceFunction::log_sum_exp) {
      sum_ = lowest<T>();
    }
    if (function == ReduceFunction::minimum) sum_ = highest<T>();
  }

  void add(T value) noexcept {
    using F = ReduceFunction;
    const Wide<T> x = widen(value);
    switch (function_) {
      case F::sum:
      case F::log_sum:
        sum_ = plus(sum_, x);
        break;
      case F::mean:
        mean_ = plus(mean_, static_cast<Mean>(x));
        break;
      case F::maximum:
        sum_ = x > sum_ || is_nan(x) ? x : sum_;
        break;
      case F::minimum:
        sum_ = x < sum_ || is_nan(x) ? x : sum_;
        break;
      case F::product:
        sum_ = times(sum_, x);
        break;
      case F::l1:
        sum_ = plus(sum_, magnitude(x));
        break;
      case F::sum_square:
        sum_ = plus(sum_, times(x, x));
        break;
      case F::l2:
        scaled_ += static_cast<double>(x) * static_cast<double>(x);
        break;
      case F::log_sum_exp:
        exponential(x);
        break;
    }
  }

  T result(std::size_t count) const noexcept {
    using F = ReduceFunction;
    switch (function_) {
      case F::mean:
        return mean(count);
      case F::l2:
        return converted<T>(std::sqrt(scaled_));
      case F::log_sum:
        return converted<T>(std::log(static_cast<double>(sum_)));
      case F::log_sum_exp:
        return converted<T>(static_cast<double>(sum_) + std::log(scaled_));
      default:
        return converted<T>(sum_);
    }
  }

 private:
  /// The mean of integers is taken from an exact sum.
  using Mean =
      std::conditional_t<kIsFloating<T>, double,
                         std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>>;

  template <typename V>
  static V plus(V a, V b) noexcept {
    if constexpr (std::is_integral_v<V>)
      return wrapping_sum(a, b);
    else
      return a + b;
  }
  static Wide<T> times(Wide<T> a, Wide<T> b) noexcept {
    if constexpr (std::is_integral_v<T>)
      return wrapping_product(a, b);
    else
      return a * b;
  }
  static Wide<T> magnitude(Wide<T> x) noexcept {
    if constexpr (kIsFloating<T>)
      return std::abs(x);
    else if constexpr (std::is_signed_v<T>)
      return x < 0 ? wrapping_product(x, static_cast<T>(-1)) : x;
    else
      return x;
  }

  /// Σ e^(x − greatest so far), the sum rescaled where a greater one comes.
  void exponential(Wide<T> value) noexcept {
    const auto x = static_cast<double>(value);
    const auto top = static_cast<double>(sum_);
    if (std::isinf(x) && x < 0) return;
    if (std::isnan(x)) {
      scaled_ = x;
    } else if (x <= top) {
      scaled_ += x == top ? 1.0 : std::exp(x - top);  // equal infinities have no difference
    } else {
      scaled_ = scaled_ * std::exp(top - x) + 1.0;
      sum_ = value;
    }
  }

  T mean(std::size_t count) const noexcept {
    if constexpr (kIsFloating<T>) {
      return converted<T>(mean_ / static_cast<double>(count));
    } else {
      return count == 0 ? T{0} : static_cast<T>(mean_ / static_cast<Mean>(count));
    }
  }

  ReduceFunction function_;
  Wide<T> sum_{};
  Mean mean_{};
  double scaled_ = 0;
};

/// Every result walks through the values that it stands for.
class ReduceStep final : public CpuStep {
 public:
  ReduceStep(const Reduce& reduce, const Node& node, StepMaker& maker)
      : function_(reduce.function),
        type_(maker.graph().type(node.inputs[0]).type),
        x_(maker.slot(node.inputs[0])),
        y_(maker.slot(node.results[0])) {
    const Shape& in = maker.graph().shape(node.inputs[0]);
    const Strides dense = dense_strides(in);
    std::vector<std::int64_t> extents[2];
    Strides strides[2]{};
    for (std::size_t i = 0; i < in.rank(); ++i) {
      const bool reduced =
          std::find(reduce.axes.begin(), reduce.axes.end(), i) != reduce.axes.end();
      strides[reduced ? 1 : 0][extents[reduced ? 1 : 0].size()] = dense[i];
      extents[reduced ? 1 : 0].push_back(in[i]);
    }
    const Shape kept(extents[0]);
    kept_ = {kept, {dense_strides(kept), strides[0]}};
    reduced_ = {Shape(extents[1]), {strides[1]}};
    count_ = static_cast<std::size_t>(Shape(extents[1]).size());
    vector_ = type_ == DataType::f32 && reduced_.run_stride(0) == 1 && reduced_.run_size() >= 8 &&
              has_vector_form(function_);
  }

  void run(const CpuRun& run) const noexcept override {
    visit_type(type_, [&]<typename T>(std::type_identity<T>) {
      const T* x = run.at<const T>(x_);
      T* y = run.at<T>(y_);
      run.workers.parallel_blocks(
          kept_.runs(), together(kept_.run_size() * count_),
          [&](std::size_t first, std::size_t n, ThreadScratch&) {
            kept_.for_runs(first, first + n, [&](const std::array<std::int64_t, 2>& at) {
              for (std::size_t i = 0; i < kept_.run_size(); ++i) {
                const auto step = static_cast<std::int64_t>(i);
                y[at[0] + step] = one(x + at[1] + step * kept_.run_stride(1));
              }
            });
          });
    });
  }

 private:
  template <typename T>
  T one(const T* x) const noexcept {
    if constexpr (std::is_same_v<T, float>) {
      if (vector_) return static_cast<float>(one_by_vectors(x));
    }
    Accumulator<T> total(function_);
    reduced_.for_runs(0, reduced_.runs(), [&](const std::array<std::int64_t, 1>& at) {
      for (std::size_t i = 0; i < reduced_.run_size(); ++i) {
        total.add(x[at[0] + static_cast<std::int64_t>(i) * reduced_.run_stride(0)]);
      }
    });
    return total.result(count_);
  }

  double one_by_vectors(const float* x) const noexcept {
    double total = 0;
    bool begun = false;
    reduced_.for_runs(0, reduced_.runs(), [&](const std::array<std::int64_t, 1>& at) {
      const double part = reduce_run(function_, x + at[0], reduced_.run_size());
      using F = ReduceFunction;
      if (function_ == F::maximum && begun) {
        total = part > total || std::isnan(part) ? part : total;
      } else if (function_ == F::minimum && begun) {
        total = part < total || std::isnan(part) ? part : total;
      } else {
        total += part;
      }
      begun = true;
    });
    return function_ == ReduceFunction::mean ? total / static_cast<double>(count_) : total;
  }

  ReduceFunction function_;
  DataType type_;
  Slot x_;
  Slot y_;
  LoopNest<2> kept_;     ///< of the result, of x
  LoopNest<1> reduced_;  ///< of x
  std::size_t count_ = 0;
  bool vector_ = false;
};

class ArgReduceStep final : public CpuStep {
 public:
  ArgReduceStep(const ArgReduce& reduce, const Node& node, StepMaker& maker)
      : maximum_(reduce.maximum),
        last_(reduce.last),
        type_(maker.graph().type(node.inputs[0]).type),
        x_(maker.slot(node.inputs[0])),
        y_(maker.slot(node.results[0])) {
    const Shape& in = maker.graph().shape(node.inputs[0]);
    if (in.rank() > 0) around_ = {in, axis_of(reduce.axis, in.rank())};
  }

  void run(const CpuRun& run) const noexcept override {
    visit_type(type_, [&]<typename T>(std::type_identity<T>) {
      run.workers.parallel_blocks(around_.lines(), together(around_.extent),
                                  [&](std::size_t first, std::size_t n, ThreadScratch&) {
                                    for (std::size_t line = first; line < first + n; ++line) {
                                      run.at<std::int64_t>(y_)[line] =
                                          best(run.at<const T>(x_) + around_.line(line));
                                    }
                                  });
    });
  }

 private:
  template <typename T>
  std::int64_t best(const T* x) const noexcept {
    std::size_t found = 0;
    Wide<T> value = widen(x[0]);
    for (std::size_t i = 1; i < around_.extent && !is_nan(value); ++i) {
      const Wide<T> v = widen(x[i * around_.inner]);
      const bool better = maximum_ ? v > value : v < value;
      if (better || is_nan(v) || (last_ && v == value)) {
        found = i;
        value = v;
      }
    }
    return static_cast<std::int64_t>(found);
  }

  bool maximum_;
  bool last_;
  DataType type_;
  Slot x_;
  Slot y_;
  Around around_;
};

}  // namespace

std::unique_ptr<Step> make_reduce(const Reduce& reduce, const Node& node, StepMaker& maker) {
  return std::make_unique<ReduceStep>(reduce, node, maker);
}
std::unique_ptr<Step> make_arg_reduce(const ArgReduce& reduce, const Node& node, StepMaker& maker) {
  return std::make_unique<ArgReduceStep>(reduce, node, maker);
}

}  // namespace metalaudio::nn::cpu

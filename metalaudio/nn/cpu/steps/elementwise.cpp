#include <metalaudio/core/half.h>
#include <metalaudio/nn/cpu/row_kernels.h>
#include <metalaudio/nn/cpu/steps/steps.h>
#include <metalaudio/nn/cpu/vector_kernels.h>
#include <metalaudio/nn/steps/number.h>
#include <metalaudio/nn/steps/scalar_functions.h>
#include <metalaudio/nn/steps/strides.h>

namespace metalaudio::nn::cpu {

namespace {

constexpr std::size_t kBlockSize = 16384;

class UnaryStep final : public CpuStep {
 public:
  UnaryStep(const Unary& unary, const Node& node, StepMaker& maker)
      : unary_(unary),
        type_(maker.graph().type(node.inputs[0]).type),
        size_(static_cast<std::size_t>(maker.graph().shape(node.inputs[0]).size())),
        x_(maker.slot(node.inputs[0])),
        y_(maker.slot(node.results[0])),
        vector_(type_ == DataType::f32 && has_vector_form(unary.function)) {}

  void run(const CpuRun& run) const noexcept override {
    run.workers.parallel_blocks(
        size_, kBlockSize, [&](std::size_t first, std::size_t n, ThreadScratch&) {
          if (vector_) {
            map(unary_.function, static_cast<float>(unary_.alpha), static_cast<float>(unary_.beta),
                run.at<const float>(x_) + first, n, run.at(y_) + first);
            return;
          }
          visit_type(type_, [&]<typename T>(std::type_identity<T>) {
            map_scalars(run.at<const T>(x_) + first, n, run, first);
          });
        });
  }

 private:
  template <typename T>
  void map_scalars(const T* x, std::size_t n, const CpuRun& run, std::size_t first) const noexcept {
    const bool test =
        unary_.function == UnaryFunction::is_nan || unary_.function == UnaryFunction::is_inf;
    for (std::size_t i = 0; i < n; ++i) {
      if constexpr (std::is_same_v<T, bool>) {
        run.at<bool>(y_)[first + i] = !x[i];
      } else if constexpr (kIsFloating<T>) {
        const double y = apply(unary_.function, static_cast<double>(static_cast<FloatOf<T>>(x[i])),
                               unary_.alpha, unary_.beta);
        if (test) {
          run.at<bool>(y_)[first + i] = y != 0;
        } else {
          run.at<T>(y_)[first + i] = static_cast<T>(static_cast<FloatOf<T>>(y));
        }
      } else {
        run.at<T>(y_)[first + i] = apply_integer(unary_.function, x[i], unary_.alpha, unary_.beta);
      }
    }
  }

  Unary unary_;
  DataType type_;
  std::size_t size_;
  Slot x_;
  Slot y_;
  bool vector_;
};

class GluStep final : public CpuStep {
 public:
  GluStep(const Node& node, StepMaker& maker)
      : x_(maker.slot(node.inputs[0])), y_(maker.slot(node.results[0])) {
    const Shape& shape = maker.graph().shape(node.results[0]);
    channels_ = static_cast<std::size_t>(shape.back());
    rows_ = channels_ == 0 ? 0 : static_cast<std::size_t>(shape.size()) / channels_;
    maker.will_keep(4 * channels_ * sizeof(float));
    ones_ = Array<float>(2 * channels_);
    zeros_ = Array<float>(2 * channels_);
    std::fill(ones_.begin(), ones_.end(), 1.0F);
  }

  void run(const CpuRun& run) const noexcept override {
    const auto stride = static_cast<std::ptrdiff_t>(channels_);
    run.workers.parallel_rows(
        rows_, kRowsTogether, [&](std::size_t first, std::size_t n, ThreadScratch&) {
          affine_glu({run.at<const float>(x_) + first * 2 * channels_, 2 * stride}, n, channels_,
                     ones_.data(), zeros_.data(), nullptr, {}, run.at(y_) + first * channels_,
                     stride);
        });
  }

 private:
  Slot x_;
  Slot y_;
  std::size_t channels_ = 0;
  std::size_t rows_ = 0;
  Array<float> ones_;
  Array<float> zeros_;
};

class BinaryStep final : public CpuStep {
 public:
  BinaryStep(const Binary& binary, const Node& node, StepMaker& maker)
      : function_(binary.function),
        type_(maker.graph().type(node.inputs[0]).type),
        a_(maker.slot(node.inputs[0])),
        b_(maker.slot(node.inputs[1])),
        y_(maker.slot(node.results[0])),
        vector_(type_ == DataType::f32 && has_vector_form(function_)) {
    const Shape& shape = maker.graph().shape(node.results[0]);
    nest_ = {shape,
             {dense_strides(shape), broadcast_strides(maker.graph().shape(node.inputs[0]), shape),
              broadcast_strides(maker.graph().shape(node.inputs[1]), shape)}};
    // Short runs are handed to a thread by the hundred, a long one is cut.
    const std::size_t size = std::max<std::size_t>(1, nest_.run_size());
    runs_together_ = std::max<std::size_t>(1, kBlockSize / size);
    cuts_ = nest_.runs() == 1 ? (size + kBlockSize - 1) / kBlockSize : 1;
  }

  void run(const CpuRun& run) const noexcept override {
    if (cuts_ > 1) {
      run.workers.parallel_blocks(
          nest_.run_size(), kBlockSize, [&](std::size_t first, std::size_t n, ThreadScratch&) {
            const auto at = static_cast<std::int64_t>(first);
            map_run(run, {at, at * nest_.run_stride(1), at * nest_.run_stride(2)}, n);
          });
      return;
    }
    run.workers.parallel_blocks(
        nest_.runs(), runs_together_, [&](std::size_t first, std::size_t n, ThreadScratch&) {
          nest_.for_runs(first, first + n, [&](const std::array<std::int64_t, 3>& offsets) {
            map_run(run, offsets, nest_.run_size());
          });
        });
  }

 private:
  void map_run(const CpuRun& run, const std::array<std::int64_t, 3>& at,
               std::size_t n) const noexcept {
    if (vector_) {
      map(function_, run.at<const float>(a_) + at[1], nest_.run_stride(1) == 0,
          run.at<const float>(b_) + at[2], nest_.run_stride(2) == 0, n, run.at(y_) + at[0]);
      return;
    }
    visit_type(type_, [&]<typename T>(std::type_identity<T>) {
      const T* a = run.at<const T>(a_) + at[1];
      const T* b = run.at<const T>(b_) + at[2];
      for (std::size_t i = 0; i < n; ++i) {
        const auto step = static_cast<std::int64_t>(i);
        put(run, at[0] + step, a[step * nest_.run_stride(1)], b[step * nest_.run_stride(2)]);
      }
    });
  }

  template <typename T>
  void put(const CpuRun& run, std::int64_t at, T a, T b) const noexcept {
    using F = BinaryFunction;
    const bool compares = function_ >= F::equal && function_ <= F::greater_or_equal;
    if constexpr (std::is_same_v<T, bool>) {
      bool y = a == b;
      if (function_ == F::logical_and) y = a && b;
      if (function_ == F::logical_or) y = a || b;
      if (function_ == F::logical_xor) y = a != b;
      run.at<bool>(y_)[at] = y;
    } else if constexpr (kIsFloating<T>) {
      const auto x = static_cast<FloatOf<T>>(a);
      const auto z = static_cast<FloatOf<T>>(b);
      if (compares) {
        run.at<bool>(y_)[at] = compare(function_, x, z);
      } else {
        const double y = apply(function_, static_cast<double>(x), static_cast<double>(z));
        run.at<T>(y_)[at] = static_cast<T>(static_cast<FloatOf<T>>(y));
      }
    } else if (compares) {
      run.at<bool>(y_)[at] = compare(function_, a, b);
    } else {
      run.at<T>(y_)[at] = apply_integer(function_, a, b);
    }
  }

  BinaryFunction function_;
  DataType type_;
  Slot a_;
  Slot b_;
  Slot y_;
  bool vector_;
  LoopNest<3> nest_;
  std::size_t runs_together_ = 1;
  std::size_t cuts_ = 1;
};

class CastStep final : public CpuStep {
 public:
  CastStep(const Node& node, StepMaker& maker)
      : from_(maker.graph().type(node.inputs[0])),
        to_(maker.graph().type(node.results[0])),
        x_(maker.slot(node.inputs[0])),
        y_(maker.slot(node.results[0])) {}

  void run(const CpuRun& run) const noexcept override {
    const auto size = static_cast<std::size_t>(to_.shape.size());
    run.workers.parallel_blocks(
        size, kBlockSize, [&](std::size_t first, std::size_t n, ThreadScratch&) {
          visit_type(from_.type, [&]<typename From>(std::type_identity<From>) {
            visit_type(to_.type, [&]<typename To>(std::type_identity<To>) {
              const From* x = run.at<const From>(x_) + first;
              To* y = run.at<To>(y_) + first;
              for (std::size_t i = 0; i < n; ++i) y[i] = converted<To>(x[i]);
            });
          });
        });
  }

 private:
  ValueType from_;
  ValueType to_;
  Slot x_;
  Slot y_;
};

}  // namespace

std::unique_ptr<Step> make_unary(const Unary& unary, const Node& node, StepMaker& maker) {
  return std::make_unique<UnaryStep>(unary, node, maker);
}
std::unique_ptr<Step> make_glu(const Node& node, StepMaker& maker) {
  return std::make_unique<GluStep>(node, maker);
}
std::unique_ptr<Step> make_binary(const Binary& binary, const Node& node, StepMaker& maker) {
  return std::make_unique<BinaryStep>(binary, node, maker);
}
std::unique_ptr<Step> make_cast(const Node& node, StepMaker& maker) {
  return std::make_unique<CastStep>(node, maker);
}

}  // namespace metalaudio::nn::cpu

#include <metalaudio/nn/cpu/steps/steps.h>
#include <metalaudio/nn/steps/number.h>

namespace metalaudio::nn::cpu {

namespace {

/// Which scale an element has: the only one, that of its index along the axis, or of its block.
class Scales {
 public:
  Scales(const Node& node, std::int64_t axis, std::int64_t block, const StepMaker& maker) {
    const Shape& in = maker.graph().shape(node.inputs[0]);
    const Shape& scale = maker.graph().shape(node.inputs[1]);
    size_ = static_cast<std::size_t>(in.size());
    // One element for all: the axis may not even be there.
    if (block == 0 && scale.size() == 1 && scale.rank() <= 1) return;
    around_ = {in, axis_of(axis, in.rank())};
    if (block == 0) {
      single_inner_ = true;
      block_ = 1;
    } else {
      block_ = static_cast<std::size_t>(block);
    }
    blocks_ = (around_.extent + block_ - 1) / block_;
  }

  std::size_t size() const noexcept { return size_; }
  std::size_t of(std::size_t i) const noexcept {
    if (block_ == 0) return 0;
    const std::size_t along = i / around_.inner % around_.extent;
    if (single_inner_) return along;
    return (i / (around_.inner * around_.extent) * blocks_ + along / block_) * around_.inner +
           i % around_.inner;
  }

 private:
  Around around_;
  std::size_t size_ = 0;
  std::size_t block_ = 0;  ///< 0: one scale for all
  std::size_t blocks_ = 1;
  bool single_inner_ = false;
};

/// Types of x, of the scale and of what is quantized are told apart at run time, block by block.
class QuantizeStep final : public CpuStep {
 public:
  QuantizeStep(const Quantize& quantize, const Node& node, StepMaker& maker)
      : scales_(node, quantize.axis, quantize.block, maker),
        x_type_(maker.graph().type(node.inputs[Quantize::x]).type),
        scale_type_(maker.graph().type(node.inputs[Quantize::scale]).type),
        y_type_(quantize.type),
        x_(maker.slot(node.inputs[Quantize::x])),
        scale_(maker.slot(node.inputs[Quantize::scale])),
        zero_(maker.slot(node.inputs[Quantize::zero_point])),
        y_(maker.slot(node.results[0])) {}

  void run(const CpuRun& run) const noexcept override {
    run.workers.parallel_blocks(
        scales_.size(), together(1), [&](std::size_t first, std::size_t n, ThreadScratch&) {
          visit_type(y_type_, [&]<typename To>(std::type_identity<To>) {
            visit_type(x_type_, [&]<typename T>(std::type_identity<T>) {
              visit_type(scale_type_, [&]<typename S>(std::type_identity<S>) {
                if constexpr (std::is_integral_v<To> && sizeof(To) <= 2 &&
                              !std::is_same_v<To, bool> && kIsFloating<S> &&
                              (kIsFloating<T> || std::is_same_v<T, std::int32_t>)) {
                  for (std::size_t i = first; i < first + n; ++i) one<T, S, To>(run, i);
                }
              });
            });
          });
        });
  }

 private:
  template <typename T, typename S, typename To>
  void one(const CpuRun& run, std::size_t i) const noexcept {
    // float32 is divided in float32, as ONNX does: a tie there is a tie here.
    using F = std::conditional_t<
        kIsFloating<T> && !std::is_same_v<T, double> && !std::is_same_v<S, double>, float, double>;
    const std::size_t s = scales_.of(i);
    const F scaled =
        converted<F>(run.at<const T>(x_)[i]) / converted<F>(run.at<const S>(scale_)[s]);
    const To* zero = run.at<const To>(zero_);
    const double shifted = static_cast<double>(std::nearbyint(scaled)) +
                           (zero == nullptr ? 0.0 : static_cast<double>(zero[s]));
    run.at<To>(y_)[i] = converted<To>(shifted);
  }

  Scales scales_;
  DataType x_type_;
  DataType scale_type_;
  DataType y_type_;
  Slot x_;
  Slot scale_;
  Slot zero_;
  Slot y_;
};

class DequantizeStep final : public CpuStep {
 public:
  DequantizeStep(const Dequantize& quantize, const Node& node, StepMaker& maker)
      : scales_(node, quantize.axis, quantize.block, maker),
        x_type_(maker.graph().type(node.inputs[Dequantize::x]).type),
        y_type_(maker.graph().type(node.results[0]).type),
        x_(maker.slot(node.inputs[Dequantize::x])),
        scale_(maker.slot(node.inputs[Dequantize::scale])),
        zero_(maker.slot(node.inputs[Dequantize::zero_point])),
        y_(maker.slot(node.results[0])) {}

  void run(const CpuRun& run) const noexcept override {
    run.workers.parallel_blocks(
        scales_.size(), together(1), [&](std::size_t first, std::size_t n, ThreadScratch&) {
          visit_type(x_type_, [&]<typename T>(std::type_identity<T>) {
            visit_type(y_type_, [&]<typename To>(std::type_identity<To>) {
              if constexpr (std::is_integral_v<T> && sizeof(T) <= 4 && kIsFloating<To>) {
                for (std::size_t i = first; i < first + n; ++i) one<T, To>(run, i);
              }
            });
          });
        });
  }

 private:
  template <typename T, typename To>
  void one(const CpuRun& run, std::size_t i) const noexcept {
    const std::size_t s = scales_.of(i);
    const T* zero = run.at<const T>(zero_);
    const auto x = static_cast<std::int64_t>(run.at<const T>(x_)[i]) -
                   (zero == nullptr ? 0 : static_cast<std::int64_t>(zero[s]));
    const auto scale = converted<FloatOf<To>>(run.at<const To>(scale_)[s]);
    run.at<To>(y_)[i] = converted<To>(static_cast<FloatOf<To>>(x) * scale);
  }

  Scales scales_;
  DataType x_type_;
  DataType y_type_;
  Slot x_;
  Slot scale_;
  Slot zero_;
  Slot y_;
};

}  // namespace

std::unique_ptr<Step> make_quantize(const Quantize& quantize, const Node& node, StepMaker& maker) {
  return std::make_unique<QuantizeStep>(quantize, node, maker);
}
std::unique_ptr<Step> make_dequantize(const Dequantize& quantize, const Node& node,
                                      StepMaker& maker) {
  return std::make_unique<DequantizeStep>(quantize, node, maker);
}

}  // namespace metalaudio::nn::cpu

#include <metalaudio/nn/cpu/kernel.h>
#include <metalaudio/nn/cpu/row_kernels.h>

namespace metalaudio::nn::cpu {

namespace {

constexpr std::size_t kBlockSize = 16384;

class ActivationKernel final : public Kernel {
 public:
  ActivationKernel(const Step& step, const KernelContext& context)
      : shape_(context.shape(step.output)),
        x_(context.at(step.inputs[0])),
        y_(context.at(step.output)),
        activation_(step.activation) {
    if (activation_ != Activation::glu) return;
    const auto channels = static_cast<std::size_t>(shape_[2]);
    ones_.assign(2 * channels, 1.0F);
    zeros_.assign(2 * channels, 0.0F);
  }

  void run(Workers& workers) noexcept override {
    if (activation_ == Activation::glu) return run_glu(workers);
    const auto size = static_cast<std::size_t>(shape_.size());
    workers.parallel_for(blocks_of(size, kBlockSize), [&](std::size_t block, ThreadScratch&) {
      const std::size_t first = block * kBlockSize;
      activate(x_ + first, std::min(kBlockSize, size - first), activation_, y_ + first);
    });
  }

 private:
  void run_glu(Workers& workers) noexcept {
    const auto rows = static_cast<std::size_t>(shape_[0] * shape_[1]);
    const auto channels = static_cast<std::size_t>(shape_[2]);
    workers.parallel_for(blocks_of(rows), [&](std::size_t block, ThreadScratch&) {
      const std::size_t first = block * kBlockRows;
      affine_glu({x_ + first * 2 * channels, static_cast<std::ptrdiff_t>(2 * channels)},
                 std::min(kBlockRows, rows - first), channels, ones_.data(), zeros_.data(), nullptr,
                 {}, y_ + first * channels, static_cast<std::ptrdiff_t>(channels));
    });
  }

  Shape shape_;
  const float* x_;
  float* y_;
  Activation activation_;
  std::vector<float> ones_;
  std::vector<float> zeros_;
};

/// a + b or a · b, where b may be a constant and may repeat along rows or positions.
class BinaryKernel final : public Kernel {
 public:
  BinaryKernel(const Step& step, const KernelContext& context)
      : shape_(context.shape(step.output)),
        strides_(broadcast_strides(context.shape(step.inputs[1]))),
        a_(context.at(step.inputs[0])),
        b_(context.at(step.inputs[1])),
        y_(context.at(step.output)),
        operation_(step.kind == StepKind::add ? add : multiply) {
    // Where nothing repeats, rows are as good as one long one.
    same_ = context.shape(step.inputs[1]) == shape_;
  }

  void run(Workers& workers) noexcept override {
    const auto size = static_cast<std::size_t>(shape_.size());
    if (same_) {
      workers.parallel_for(blocks_of(size, kBlockSize), [&](std::size_t block, ThreadScratch&) {
        const std::size_t i = block * kBlockSize;
        operation_(a_ + i, b_ + i, std::min(kBlockSize, size - i), y_ + i);
      });
      return;
    }
    const auto channels = static_cast<std::size_t>(shape_[2]);
    workers.parallel_for(static_cast<std::size_t>(shape_[0]), [&](std::size_t row, ThreadScratch&) {
      const auto r = static_cast<std::ptrdiff_t>(row);
      for (std::ptrdiff_t p = 0; p < shape_[1]; ++p) {
        const std::ptrdiff_t i = (r * shape_[1] + p) * shape_[2];
        operation_(a_ + i, b_ + r * strides_.row + p * strides_.position, channels, y_ + i);
      }
    });
  }

 private:
  Shape shape_;
  BroadcastStrides strides_;
  const float* a_;
  const float* b_;
  float* y_;
  void (*operation_)(const float*, const float*, std::size_t, float*);
  bool same_ = false;
};

class SliceKernel final : public Kernel {
 public:
  SliceKernel(const Step& step, const KernelContext& context)
      : in_(context.shape(step.inputs[0])), out_(context.shape(step.output)) {
    const auto& first = std::get<SliceAttributes>(step.attributes);
    x_ = context.at(step.inputs[0]) + (first.row * in_[1] + first.position) * in_[2];
    y_ = context.at(step.output);
  }

  void run(Workers& workers) noexcept override {
    workers.parallel_for(
        static_cast<std::size_t>(out_[0]), [this](std::size_t row, ThreadScratch&) {
          const auto r = static_cast<std::int64_t>(row);
          std::copy_n(x_ + r * in_[1] * in_[2], out_[1] * out_[2], y_ + r * out_[1] * out_[2]);
        });
  }

 private:
  Shape in_;
  Shape out_;
  const float* x_;
  float* y_;
};

}  // namespace

std::unique_ptr<Kernel> make_slice(const Step& step, const KernelContext& context) {
  return std::make_unique<SliceKernel>(step, context);
}

std::unique_ptr<Kernel> make_activation(const Step& step, const KernelContext& context) {
  return std::make_unique<ActivationKernel>(step, context);
}

std::unique_ptr<Kernel> make_binary(const Step& step, const KernelContext& context) {
  return std::make_unique<BinaryKernel>(step, context);
}

}  // namespace metalaudio::nn::cpu

#pragma once

#include <metalaudio/core/tensor_view.h>
#include <metalaudio/dsp/batched_options.h>

#include <cstddef>
#include <memory>

namespace metalaudio::dsp {

class BatchedTransform;

/// Many complex FFTs of one size at once, as BatchedFft; powers of two from 8 to 8192 are kernels of
/// our own.
/// Shapes:   x[..., size, 2] -> out[..., size, 2], float32, that do not overlap.
/// Errors:   as BatchedFft.
/// Threads:  one at a time.
class BatchedComplexFft {
 public:
  explicit BatchedComplexFft(std::size_t size, const BatchedOptions& options = {});
  ~BatchedComplexFft();
  BatchedComplexFft(BatchedComplexFft&&) noexcept;
  BatchedComplexFft& operator=(BatchedComplexFft&&) noexcept;

  std::size_t size() const noexcept { return size_; }
  DeviceType device() const noexcept;

  void forward(const ConstTensorView& x, const TensorView& out);
  void inverse(const ConstTensorView& x, const TensorView& out);

 private:
  std::size_t size_;
  std::shared_ptr<AudioDevice> device_;
  std::unique_ptr<BatchedTransform> transform_;
};

}  // namespace metalaudio::dsp

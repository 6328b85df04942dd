#pragma once

#include <metalaudio/core/tensor_view.h>
#include <metalaudio/dsp/batched_options.h>

#include <cstddef>
#include <memory>

namespace metalaudio::dsp {

class BatchedTransform;

/// Many real FFTs of one size at once, on the CPU or a GPU. forward() is unscaled; inverse() divides
/// by size and takes the imaginary parts of bin 0 and, for even sizes, of the last bin as zero. On a
/// GPU the work is put into the device's stream. The bits of a transform do not depend on the batch
/// on the CPU, nor on a GPU for powers of two from 16 to 16384, which are kernels of our own; cuFFT,
/// loaded when it is first needed, takes the other sizes.
/// Shapes:   x[..., size] <-> spectra[..., bins, 2], float32, bins = size/2 + 1; any axes before,
///           with extents of zero too. Both lie on the device and do not overlap.
/// Errors:   the constructor throws Error{invalid_argument} unless 1 <= size <= 2^27, and
///           Error{backend_unavailable} for a size that needs cuFFT where it is not there. forward
///           and inverse throw Error{invalid_argument} on other shapes, types and devices, and
///           Error{backend_unavailable, out_of_memory}.
/// Threads:  one at a time.
class BatchedFft {
 public:
  explicit BatchedFft(std::size_t size, const BatchedOptions& options = {});
  ~BatchedFft();
  BatchedFft(BatchedFft&&) noexcept;
  BatchedFft& operator=(BatchedFft&&) noexcept;

  std::size_t size() const noexcept { return size_; }
  std::size_t bins() const noexcept { return size_ / 2 + 1; }
  DeviceType device() const noexcept;

  void forward(const ConstTensorView& x, const TensorView& spectra);
  void inverse(const ConstTensorView& spectra, const TensorView& x);

 private:
  std::size_t size_;
  std::shared_ptr<AudioDevice> device_;
  std::unique_ptr<BatchedTransform> transform_;
};

}  // namespace metalaudio::dsp

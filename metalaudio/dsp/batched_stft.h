#pragma once

#include <metalaudio/core/tensor_view.h>
#include <metalaudio/dsp/batched_options.h>
#include <metalaudio/dsp/stft.h>

#include <cstddef>
#include <memory>

namespace metalaudio::dsp {

class BatchedStftEngine;

/// Stft of many channels at once, on the CPU or a GPU, with its conventions, padding and scale. On a
/// GPU framing, window, transform and overlap-add are one kernel each way for fft_sizes that are
/// powers of two from 16 to 16384; for the others cuFFT works between kernels that frame and add.
/// Shapes:   x[channels, samples] <-> spectra[channels, frames(samples), bins, 2], float32, on the
///           device.
/// Errors:   as Stft and BatchedFft.
/// Threads:  one at a time.
class BatchedStft {
 public:
  explicit BatchedStft(const StftOptions& options, const BatchedOptions& batched = {});
  ~BatchedStft();
  BatchedStft(BatchedStft&&) noexcept;
  BatchedStft& operator=(BatchedStft&&) noexcept;

  std::size_t fft_size() const noexcept { return stft_->fft_size(); }
  std::size_t bins() const noexcept { return stft_->bins(); }
  std::size_t hop_samples() const noexcept { return stft_->hop_samples(); }
  /// As Stft::frames().
  std::size_t frames(std::size_t samples) const noexcept { return stft_->frames(samples); }
  DeviceType device() const noexcept;

  void forward(const ConstTensorView& x, const TensorView& spectra);
  /// As torch.istft with the length of x: what lies past the last frame is zero.
  void inverse(const ConstTensorView& spectra, const TensorView& x);

 private:
  std::shared_ptr<const Stft> stft_;
  std::shared_ptr<AudioDevice> device_;
  std::unique_ptr<BatchedStftEngine> engine_;
};

}  // namespace metalaudio::dsp

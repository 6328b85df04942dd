#pragma once

#include <metalaudio/core/realtime/status.h>
#include <metalaudio/core/tensor_view.h>
#include <metalaudio/dsp/batched_options.h>

#include <cstddef>
#include <memory>
#include <span>

namespace metalaudio::dsp {

class BatchedConvolutionEngine;

struct BatchedConvolutionOptions {
  std::size_t channels = 1;
  /// Calls bring a multiple of it. On a GPU responses are cut into partitions of so many samples:
  /// the longer they are, the less work; a power of two from 16 to 8192.
  std::size_t block_samples = 512;
};

/// Convolution of many channels, each with a response of any length, one for all or one for each, on
/// the CPU or a GPU: streams in blocks, without added latency, or whole signals. The states stay on
/// the device from call to call. Samples that are not finite or beyond ±1e30 count as 0.
/// Shapes:   process: in[channels, frames] -> out[channels, frames], frames a multiple of
///           block_samples; convolve: in[channels, samples] -> out[channels, samples +
///           ir_samples() - 1], any samples; float32, on the device, that do not overlap.
/// Errors:   the constructor throws Error{invalid_argument} on responses that are empty, past 2^26
///           samples, all zero or not finite, or neither one nor one for each channel, and on other
///           blocks; process and convolve throw it on other shapes, types and devices. All throw
///           Error{backend_unavailable, out_of_memory}.
/// Threads:  one at a time.
/// Source:   Stockham, "High-speed convolution and correlation", AFIPS 28 (1966).
class BatchedConvolution {
 public:
  BatchedConvolution(std::span<const std::span<const float>> irs,
                     const BatchedConvolutionOptions& options = {},
                     const BatchedOptions& batched = {});
  ~BatchedConvolution();
  BatchedConvolution(BatchedConvolution&&) noexcept;
  BatchedConvolution& operator=(BatchedConvolution&&) noexcept;

  std::size_t channels() const noexcept { return options_.channels; }
  /// Of the longest response.
  std::size_t ir_samples() const noexcept { return ir_samples_; }
  DeviceType device() const noexcept;
  /// None: what goes in comes out at once.
  std::size_t latency_samples() const noexcept { return 0; }

  void process(const ConstTensorView& in, const TensorView& out);
  /// Whole signals: forgets all input before and after.
  void convolve(const ConstTensorView& in, const TensorView& out);
  /// Forgets all input.
  void reset();
  /// The first trouble since the last call: input_replaced. Waits for the device.
  Trouble take_status();

 private:
  BatchedConvolutionOptions options_;
  std::size_t ir_samples_;
  std::shared_ptr<AudioDevice> device_;
  std::unique_ptr<BatchedConvolutionEngine> engine_;
};

}  // namespace metalaudio::dsp

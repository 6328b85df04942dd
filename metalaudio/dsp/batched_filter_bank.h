#pragma once

#include <metalaudio/core/realtime/status.h>
#include <metalaudio/core/tensor_view.h>
#include <metalaudio/dsp/batched_options.h>
#include <metalaudio/dsp/filter_bands.h>

#include <cstddef>
#include <memory>
#include <span>

namespace metalaudio::dsp {

class BatchedFilterEngine;

/// Every one of many channels through every one of many bands, each some biquad sections in series,
/// in double, on the CPU or a GPU; one band is a cascade for many channels. States stay on the
/// device from call to call. On a GPU the recurrences of a channel and a band run in parallel by
/// scan, so blocks of other lengths give other bits: within 1e-7 of the output's peak, or of full
/// scale where that is more, as the CPU's are. Samples that are not finite or beyond ±1e30 count
/// as 0.
/// Shapes:   in[channels, frames] -> out[channels, bands, frames], float32, on the device; any
///           frames. They do not overlap.
/// Errors:   the constructor throws Error{invalid_argument} on no bands or channels, and on sections
///           that are not finite or not stable; process throws it on other shapes, types and
///           devices; all throw Error{backend_unavailable, out_of_memory}.
/// Threads:  one at a time.
class BatchedFilterBank {
 public:
  BatchedFilterBank(std::span<const FilterSections> bands, std::size_t channels,
                    const BatchedOptions& options = {});
  ~BatchedFilterBank();
  BatchedFilterBank(BatchedFilterBank&&) noexcept;
  BatchedFilterBank& operator=(BatchedFilterBank&&) noexcept;

  std::size_t bands() const noexcept { return bands_; }
  std::size_t channels() const noexcept { return channels_; }
  DeviceType device() const noexcept;
  /// None: what goes in comes out at once.
  std::size_t latency_samples() const noexcept { return 0; }

  void process(const ConstTensorView& in, const TensorView& out);
  /// Silence behind.
  void reset();
  /// The first trouble since the last call: input_replaced, or state_cleared where a state had
  /// overflowed. Waits for the device.
  Trouble take_status();

 private:
  std::size_t bands_;
  std::size_t channels_;
  std::shared_ptr<AudioDevice> device_;
  std::unique_ptr<BatchedFilterEngine> engine_;
};

}  // namespace metalaudio::dsp

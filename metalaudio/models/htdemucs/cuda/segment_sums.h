#pragma once

#include <metalaudio/core/buffer.h>
#include <metalaudio/models/htdemucs/cuda/copies.h>
#include <metalaudio/models/htdemucs/cuda/sum_kernels.h>
#include <metalaudio/models/segment_batches.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace metalaudio::models::cuda {

/// Weighted segments added up on a GPU, as SumRule says, with the bits of the CPU. Only sums that are
/// complete come back, a few segments ahead of whoever waits for them.
/// Errors:   the constructor throws Error{out_of_memory, backend_unavailable}; the rest throws
///           Error{backend_unavailable} where the device was lost, and begin()
///           Error{invalid_argument} for places in which sums get longer than a segment.
/// Threads:  one; its device is the current one.
class SegmentSums {
 public:
  /// How many segments after the one that is waited for may be in line.
  static constexpr std::size_t kAhead = 2;

  SegmentSums(const SumRule& rule, std::size_t segment_samples, std::size_t outputs,
              std::shared_ptr<AudioDevice> device, cudaStream_t stream);

  /// Another rule for as many rows and frames; false for others.
  bool set(const SumRule& rule);

  void begin(std::span<const SumPlace> places, ConstAudioView sums);
  /// Puts the batch's next segment in line, of which the stems lie on the device; not more than
  /// kAhead after the one that is waited for.
  void put(const float* stems);
  std::size_t in_line() const noexcept { return in_line_; }
  ConstAudioView wait(std::size_t segment);

 private:
  static constexpr std::size_t kComingBack = kAhead + 1;

  float* sums(std::size_t which) {
    return static_cast<float*>(sums_.handle()) + which * rows_ * frames_;
  }

  std::shared_ptr<AudioDevice> device_;
  cudaStream_t stream_;
  std::size_t outputs_;
  std::size_t rows_;
  std::size_t frames_;  ///< that sums have at most
  SumStep step_;        ///< what all segments have in common
  Buffer row_table_;
  Buffer heights_;
  Buffer sums_;        ///< [2][rows][frames]; from one to the other and back
  PinnedBuffer host_;  ///< [kComingBack][rows][frames]
  std::array<Event, kComingBack> downloaded_;
  std::vector<SumPlace> places_;
  std::array<std::size_t, kComingBack> ready_{};  ///< frames that come back
  std::size_t in_line_ = 0;
  std::size_t current_ = 0;  ///< the sums that hold
  std::int64_t origin_ = 0;  ///< of those
  std::int64_t length_ = 0;
};

}  // namespace metalaudio::models::cuda

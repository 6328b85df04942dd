#pragma once

#include <cstddef>
#include <span>

namespace metalaudio::models {

/// Segments on their way through a network in batches: while one is computed on a GPU, the caller
/// fills another and reads the stems of a third.
/// Shapes:   mix() is [channels][segment_samples] to write, stems()
///           [sources][channels][segment_samples] to read.
/// Errors:   start() and stems() throw Error{backend_unavailable} where the device was lost; what
///           lies in mix() is still there then.
/// Threads:  one; the model that made it runs nothing else meanwhile, and outlives it.
class SegmentBatches {
 public:
  virtual ~SegmentBatches() = default;

  /// How many segments a batch takes, and how many batches there are.
  virtual std::size_t capacity() const noexcept = 0;
  virtual std::size_t batches() const noexcept = 0;

  /// Where a segment of a batch is written, once all stems of the batch before have been read.
  virtual std::span<float> mix(std::size_t batch, std::size_t segment) = 0;
  /// Puts the first `count` segments of a batch in line; may return before they are done.
  virtual void start(std::size_t batch, std::size_t count) = 0;
  /// Waits for a segment of a batch that was started; valid until the next call.
  virtual std::span<const float> stems(std::size_t batch, std::size_t segment) = 0;
};

}  // namespace metalaudio::models

#pragma once

#include <metalaudio/core/audio_view.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace metalaudio::models {

/// How segments of one separation are added up: sum += gain · (weight · sample), in float32 and in
/// this order. A weight is heights[i] / (the heights of all segments that cover that frame, from the
/// earliest one on): heights[i + back · stride] for back from the number of earlier segments that
/// reach there down to as many later ones.
struct SumRule {
  struct Row {
    std::size_t output = 0;  ///< of the network: source · channels + channel
    float gain = 1.0F;
  };
  std::vector<Row> rows;
  std::span<const float> heights;  ///< [frames of a segment that are added at most]
  std::size_t stride = 0;
};

/// Where a segment is added. Frames are those of the mix.
struct SumPlace {
  std::int64_t origin = 0;   ///< the first frame that the sums are wanted from
  std::int64_t first = 0;    ///< where its first sample goes; samples before origin are left out
  std::size_t before = 0;    ///< samples of the segment before that one
  std::size_t frames = 0;    ///< how many are added
  std::int64_t earlier = 0;  ///< segments before it, of those that may reach it
};

/// Segments on their way through a network in batches: while one is computed on a GPU, the caller
/// fills another and reads the stems of a third, or what they add up to.
/// Shapes:   mix() is [channels][segment_samples] to write, stems()
///           [sources][channels][segment_samples] to read.
/// Errors:   start(), stems(), begin_sums() and sums() throw Error{backend_unavailable} where the
///           device was lost; what lies in mix() is still there then.
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

  /// Prepares to add segments up where they are computed, so that only sums come back; false where
  /// stems() has to be asked instead. The rule's heights outlive it.
  virtual bool add_up(const SumRule&) { return false; }
  /// Begins to add up a batch that was started; places has one for each of its segments, and
  /// `sums`[rows][frames] is what was added before it, from the first one's origin on.
  virtual bool begin_sums(std::size_t /*batch*/, std::span<const SumPlace> /*places*/,
                          ConstAudioView /*sums*/) {
    return false;
  }
  /// Waits for the sums once that segment is added, in the batch's order: [rows][frames] from its
  /// origin to that of the next segment, of the last one to their end; valid until the next call. No
  /// rows where they were lost with the device, and stems() has to be asked instead.
  virtual ConstAudioView sums(std::size_t /*batch*/, std::size_t /*segment*/) { return {}; }
};

}  // namespace metalaudio::models

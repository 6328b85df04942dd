#pragma once

#include <metalaudio/core/audio_view.h>
#include <metalaudio/core/thread_pool.h>
#include <metalaudio/models/segment_batches.h>
#include <metalaudio/separation/separation_plan.h>
#include <metalaudio/separation/stem_accumulator.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace metalaudio::separation {

/// What the segments of one member of a bag add up to, from the first frame on that has not been
/// handed out: added here, or by a model where it computes.
/// Shapes:   a row for each channel of each stem that the member counts for.
/// Threads:  one, which shares loops with the pool.
class MemberSums {
 public:
  /// The plan's member outlives it; pool may be null.
  MemberSums(const SeparationPlan& plan, std::size_t member, std::size_t channels,
             ThreadPool* pool);

  /// How a model adds up the segments.
  models::SumRule rule() const;
  /// origin: the first frame of the mix that has not been handed out when it is added.
  models::SumPlace place(const SeparationPlan::Step& step, std::int64_t origin) const;

  /// Brings here what was added, from that frame on.
  ConstAudioView bring_home(std::int64_t origin);
  /// Adds a segment to what was brought here last; length: of a row of stems.
  void add(const models::SumPlace& place, std::int64_t segment, std::span<const float> stems,
           std::size_t length);
  /// From here on these are the sums; they live until the next call.
  void use(std::int64_t origin, ConstAudioView sums);

  /// The row of a channel of one of the plan's stems; none where the member does not count for it.
  std::optional<std::size_t> row(std::size_t stem, std::size_t channel) const;
  /// Sums of a row that are complete.
  std::span<const float> read(std::size_t row, std::int64_t first_frame, std::size_t frames) const;

 private:
  void move_home(std::int64_t origin);

  OverlapWeights weights_;
  std::size_t channels_;
  ThreadPool* pool_;
  std::vector<std::optional<std::size_t>> first_rows_;  // of each of the plan's stems
  std::vector<models::SumRule::Row> rows_;
  StemAccumulator home_;
  std::int64_t home_origin_ = 0;
  std::int64_t home_end_ = 0;  // of the frames that anything was added to
  bool at_home_ = true;        // whether the sums that hold are those
  ConstAudioView sums_;        // that hold
  std::int64_t origin_ = 0;
};

}  // namespace metalaudio::separation

#pragma once

#include <metalaudio/separation/overlap_weights.h>
#include <metalaudio/separation/separation_options.h>
#include <metalaudio/separation/separator.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace metalaudio::separation {

/// What one separation runs: each member that is needed, at each shift, is a lane of segments.
/// All positions are frames of the mix.
struct SeparationPlan {
  struct Lane {
    std::size_t member = 0;
    std::size_t shift = 0;
    std::int64_t first_frame = 0;  ///< of its first segment: 0 or, for a shift, before the mix
    std::int64_t end_frame = 0;
    std::int64_t next_segment = 0;
  };
  /// One segment to run.
  struct Step {
    std::size_t lane = 0;
    std::size_t member = 0;
    std::size_t shift = 0;
    std::int64_t segment = 0;  ///< its number in the lane
    std::int64_t offset = 0;   ///< of its first frame in the lane
    std::int64_t first_frame = 0;
    std::size_t frames = 0;
  };
  struct Member {
    std::vector<float> gains;  ///< for each stem asked for: weight / total weight / shifts
    std::optional<OverlapWeights> weights;  ///< none: it is not run
  };

  std::vector<std::size_t> stems;  ///< indices among the sources, in the order asked for
  std::vector<Member> members;     ///< as in the bag
  std::vector<Lane> lanes;

  std::size_t total_steps() const;
  std::size_t steps_of(std::size_t member) const;
  /// Where the mix ends, once that is known.
  void set_end(std::int64_t end_frame);
  /// The earliest segment that has not been taken, or none; none, too, while the mix is not there up
  /// to its end. Going by time keeps the lanes within one segment of each other.
  std::optional<Step> next(std::int64_t available_frames) const;
  void take(const Step& step) { ++lanes[step.lane].next_segment; }
  /// Every frame before this one is complete once all segments that were taken are.
  std::int64_t complete_until() const;

 private:
  std::int64_t next_start(const Lane& lane) const;
  std::size_t steps_of(const Lane& lane) const;
};

/// The delays of every member and shift, drawn or given; shifts of the first member first.
/// Errors:   throws Error{invalid_argument} for a negative count, a wrong number of given offsets,
///           or one outside [0, max_offset].
std::vector<std::int64_t> shift_offsets(const SeparationOptions& options, std::size_t members,
                                        std::int64_t max_offset);

/// Errors:   throws Error{invalid_argument} as Separator::separate.
SeparationPlan plan_separation(std::span<const BagMember> members,
                               const std::vector<std::string>& sources, std::int64_t frames,
                               const SeparationOptions& options);

}  // namespace metalaudio::separation

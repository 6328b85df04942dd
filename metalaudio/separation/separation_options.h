#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace metalaudio::separation {

/// How Separator applies a model to a mix; the defaults are those of upstream's apply_model.
struct SeparationOptions {
  /// Runs on the mix delayed by different times up to half a second, which are averaged; 0: none.
  int shifts = 1;
  /// Draws the delays, so that the same seed gives the same stems.
  std::uint64_t seed = 0;
  /// Delays in samples instead of drawn ones: one for each shift, or one for each member and shift
  /// (all shifts of the first member come first).
  std::vector<std::int64_t> shift_offsets = {};

  bool split = true;                           ///< false: the whole mix is one segment, or an error
  double overlap = 0.25;                       ///< of neighbouring segments, as a part of a segment
  double transition_power = 1.0;               ///< sharpens the cross-fade between segments
  std::optional<double> segment_seconds = {};  ///< shorter segments than the model was trained for

  /// The stems to compute; none named means all, in the model's order.
  std::vector<std::string> stems = {};
  /// Bring the mix to mean 0 and deviation 1 first, and the stems back, as upstream's programs do
  /// around apply_model.
  bool normalise = true;
};

/// One segment that begins or has ended. Members and shifts advance together in time.
struct SegmentEvent {
  std::size_t member = 0;   ///< of the bag
  std::size_t shift = 0;    ///< of the member
  std::int64_t offset = 0;  ///< of its first frame in the mix as this shift begins it
  bool ended = false;
};

/// How a caller follows a separation, and ends it.
struct SeparationControl {
  /// Called after each segment with how many of them are done.
  std::function<void(std::size_t done, std::size_t total)> progress = {};
  /// Ends the separation with Error{cancelled} before its next segment.
  std::stop_token stop = {};
  /// Called before and after each segment. What it throws ends the separation.
  std::function<void(const SegmentEvent&)> segment = {};
};

}  // namespace metalaudio::separation

#pragma once

#include <metalaudio/audio/audio_source.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/separation/mix_level.h>
#include <metalaudio/separation/separation_plan.h>
#include <metalaudio/separation/separator.h>
#include <metalaudio/separation/stem_accumulator.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace metalaudio::separation {

/// One separation on its way, of a source that may still be growing: its buffers, and what it does
/// with each segment.
/// Threads:  one.
class SegmentRun {
 public:
  static constexpr std::int64_t kUnknownEnd = std::int64_t{1} << 60U;

  /// end_frame: where the mix ends, if that is known yet.
  SegmentRun(std::span<const BagMember> members, const std::vector<std::string>& sources,
             const audio::AudioSource& mix, const SeparationOptions& options,
             std::int64_t end_frame);

  void set_level(const MixLevel& level) { level_ = level; }
  void set_end(std::int64_t end_frame) { plan_.set_end(end_frame); }
  std::size_t total_steps() const { return plan_.total_steps(); }
  std::size_t longest_window() const;
  /// Frames of the mix before this one are not read again.
  std::int64_t first_needed_frame() const;

  /// Runs the next segment and hands out what is complete; false where none is left, or the mix
  /// does not reach to the end of the next one yet.
  /// Errors:   throws Error{cancelled}, and what the model, the sink and the control throw.
  bool advance(const Separator::Sink& on_block, const SeparationControl& control);

 private:
  void separate(const SeparationPlan::Step& step);
  void read_window(std::int64_t first_frame, std::size_t frames, std::size_t length);
  void emit(const Separator::Sink& on_block);
  void prepare_block(std::size_t frames);

  std::span<const BagMember> members_;
  const audio::AudioSource& mix_;
  SeparationPlan plan_;
  StemAccumulator sums_;
  MixLevel level_;
  std::vector<float> segment_;    // [channels][segment]
  std::vector<float> separated_;  // [sources][channels][segment]
  std::vector<AudioBuffer> block_;
};

}  // namespace metalaudio::separation

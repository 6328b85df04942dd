#pragma once

#include <metalaudio/audio/audio_source.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/separation/mix_level.h>
#include <metalaudio/separation/separation_plan.h>
#include <metalaudio/separation/separator.h>
#include <metalaudio/separation/stem_accumulator.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
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

  /// Finishes the next segment and hands out what is complete; false where none is left, or the mix
  /// does not reach to the end of the next one yet. Segments after it may be on their way by then.
  /// Errors:   throws Error{cancelled}, and what the model, the sink and the control throw.
  bool advance(const Separator::Sink& on_block, const SeparationControl& control);

 private:
  /// A segment that is on its way.
  struct Underway {
    SeparationPlan::Step step;
    std::int64_t complete_until = 0;  ///< once it and all before it are added
    std::size_t batch = 0;
    std::size_t place = 0;
  };
  /// The batches of one member, where its model runs segments in batches.
  struct Batches {
    std::unique_ptr<models::SegmentBatches> model;
    std::vector<std::size_t> free;    ///< numbers of batches
    std::vector<std::size_t> left;    ///< by batch: the stems that have not been read
    std::optional<std::size_t> open;  ///< the one that is being filled
    std::size_t filled = 0;           ///< of the open one
  };

  void fill();
  bool place(const SeparationPlan::Step& step);
  void start(Batches& batches);
  std::span<const float> stems_of(const Underway& underway);
  void add(const SeparationPlan::Step& step, std::span<const float> stems);
  std::size_t frames_before(const SeparationPlan::Step& step) const;
  void read_window(const SeparationPlan::Step& step, std::span<float> to);
  void emit(std::int64_t complete_until, const Separator::Sink& on_block);
  void prepare_block(std::size_t frames);

  std::span<const BagMember> members_;
  const audio::AudioSource& mix_;
  SeparationPlan plan_;
  StemAccumulator sums_;
  MixLevel level_;
  std::vector<Batches> batches_;   // by member
  std::deque<Underway> underway_;  // in the plan's order, in which they are added
  // For models that run one segment after the other.
  std::vector<float> segment_;    // [channels][segment]
  std::vector<float> separated_;  // [sources][channels][segment]
  std::vector<AudioBuffer> block_;
};

}  // namespace metalaudio::separation

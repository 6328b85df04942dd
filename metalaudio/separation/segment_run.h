#pragma once

#include <metalaudio/audio/audio_source.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/thread_pool.h>
#include <metalaudio/separation/member_sums.h>
#include <metalaudio/separation/mix_level.h>
#include <metalaudio/separation/separation_plan.h>
#include <metalaudio/separation/separator.h>

#include <array>
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
/// Threads:  one, which shares loops with the pool.
class SegmentRun {
 public:
  static constexpr std::int64_t kUnknownEnd = std::int64_t{1} << 60U;

  /// end_frame: where the mix ends, if that is known yet. The pool may be null.
  SegmentRun(std::span<const BagMember> members, const std::vector<std::string>& sources,
             const audio::AudioSource& mix, const SeparationOptions& options,
             std::int64_t end_frame, ThreadPool* pool);

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
    std::int64_t origin = 0;          ///< handed out up to here when it is added
    std::int64_t complete_until = 0;  ///< once it and all before it are added
    std::size_t batch = 0;
    std::size_t place = 0;
  };
  /// A member of the bag that is run.
  struct Member {
    models::SegmentModel* model = nullptr;
    MemberSums sums;
    // Where its model runs segments in batches; null: one after the other.
    std::unique_ptr<models::SegmentBatches> batches = nullptr;
    bool may_add_up = false;               ///< the model, where it computes
    std::vector<std::size_t> free = {};    ///< numbers of batches
    std::vector<std::size_t> left = {};    ///< by batch: the segments that have not been added
    std::optional<std::size_t> open = {};  ///< the batch that is being filled
    std::size_t filled = 0;                ///< of the open one
    std::vector<Underway> adding = {};     ///< the batch that is being added
    bool adds_up = false;                  ///< the model, that one
  };
  /// A window that is still to be read.
  struct Window {
    SeparationPlan::Step step;
    std::span<float> to;
  };

  void fill();
  bool place(const SeparationPlan::Step& step);
  void start(Member& member);
  void read_windows();
  void read_window(const Window& window) const;
  void add(const Underway& underway);
  void add_batched(Member& member, const Underway& underway);
  void begin_batch(Member& member, const Underway& first);
  void add_here(Member& member, const Underway& underway, std::span<const float> stems);
  void run_alone(Member& member, const Underway& underway);
  void emit(std::int64_t complete_until, const Separator::Sink& on_block);
  void fill_row(std::size_t stem, std::size_t channel, std::span<float> to) const;
  std::vector<AudioBuffer>& block_of(std::size_t frames);

  const audio::AudioSource& mix_;
  ThreadPool* pool_;
  SeparationPlan plan_;
  MixLevel level_;
  std::vector<std::optional<Member>> members_;  // as in the bag
  std::vector<Window> windows_;
  std::deque<Underway> underway_;  // in the plan's order, in which they are added
  std::int64_t placed_until_ = 0;  // complete once all that were placed are added
  std::int64_t given_ = 0;         // handed out up to here
  // For models that run one segment after the other.
  std::vector<float> segment_;                      // [channels][segment]
  std::vector<float> separated_;                    // [sources][channels][segment]
  std::array<std::vector<AudioBuffer>, 2> blocks_;  // of the last two lengths
};

}  // namespace metalaudio::separation

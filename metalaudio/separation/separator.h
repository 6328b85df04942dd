#pragma once

#include <metalaudio/audio/audio_source.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/thread_pool.h>
#include <metalaudio/models/segment_model.h>
#include <metalaudio/separation/separation_options.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace metalaudio::separation {

/// One model of a bag. It may be absent where its weight is 0 for every stem that is asked for, and
/// so need not be loaded.
struct BagMember {
  std::unique_ptr<models::SegmentModel> model;
  std::vector<float> weights;  ///< one for each source; empty: 1 for each
};

/// Which members of a bag have a weight for any of these stems (none named: all stems).
/// weights[member][source]; a member without weights has 1 for each source.
/// Errors:   throws Error{invalid_argument} for a stem that is not among sources.
std::vector<bool> needed_members(const std::vector<std::vector<float>>& weights,
                                 const std::vector<std::string>& sources,
                                 const std::vector<std::string>& stems);

/// Separates audio of any length into stems with one model or a weighted bag of models. Equals
/// demucs.apply.apply_model: shifts, segments with real context around them, triangular cross-fade,
/// centre trim, weighted mean; with the normalisation of demucs.api.Separator around it. All shifts
/// and members advance together, so memory does not grow with the length of the audio.
/// Shapes:   mix[channels][frames] -> stems[asked][channels][frames].
/// Errors:   the constructor and separate throw Error{invalid_argument} for members that do not
///           match, options out of range, or audio of another sample rate or channel count;
///           separate throws Error{invalid_data} for audio that is empty or not finite,
///           Error{cancelled}, and what the source and the sink throw.
/// Threads:  one separate() at a time; its callbacks run on the calling thread, and may use the pool.
class Separator {
 public:
  /// Receives consecutive blocks of every stem asked for, in the order asked for; first_frame of
  /// the first is 0. The buffers are reused after it returns.
  using Sink = std::function<void(std::int64_t first_frame, std::span<const AudioBuffer> stems)>;

  /// The pool, which may be that of the models, shares the work around the network; null: none.
  explicit Separator(std::unique_ptr<models::SegmentModel> model, ThreadPool* pool = nullptr);
  explicit Separator(std::vector<BagMember> members, ThreadPool* pool = nullptr);

  /// Another one, for a caller and a pool of its own, that shares the models' weights; nothing where
  /// a model has no such thing. It may be called while this one separates.
  std::optional<Separator> clone(ThreadPool& pool) const;

  const std::vector<std::string>& sources() const noexcept { return sources_; }
  int sample_rate_hz() const noexcept { return sample_rate_hz_; }
  std::size_t channels() const noexcept { return channels_; }

  /// Makes now what the first separation with these options of about so many frames would make.
  void prepare(std::int64_t frames, const SeparationOptions& options);

  void separate(const audio::AudioSource& mix, const SeparationOptions& options,
                const Sink& on_block, const SeparationControl& control = {});

  /// The same in memory; mix is at sample_rate_hz().
  std::vector<AudioBuffer> separate(const AudioBuffer& mix, const SeparationOptions& options = {},
                                    const SeparationControl& control = {});

 private:
  friend class SeparationStream;

  std::vector<BagMember> members_;
  ThreadPool* pool_;
  std::vector<std::string> sources_;
  int sample_rate_hz_ = 0;
  std::size_t channels_ = 0;
};

}  // namespace metalaudio::separation

#pragma once

#include <metalaudio/core/audio_view.h>
#include <metalaudio/separation/mix_level.h>
#include <metalaudio/separation/separation_options.h>
#include <metalaudio/separation/separator.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>

namespace metalaudio::separation {

/// What a stream cannot find out by itself, and how to end it.
struct StreamOptions {
  /// What measure_level() would say of the whole mix, which a stream has not heard: from an earlier
  /// pass over the file, or a guess (music mixed loud lies near a deviation of 0.2). Needed unless
  /// SeparationOptions::normalise is off.
  std::optional<MixLevel> level = {};
  std::stop_token stop = {};
  /// As SeparationControl's.
  std::function<void(const SegmentEvent&)> segment = {};
};

/// A separation of audio that arrives in blocks of any size, for previews and live use. Its stems
/// equal Separator::separate()'s, sample for sample, for the same level and options.
/// Shapes:   mix[channels][any] in; stems as Separator's sink has them.
/// Errors:   the constructor throws Error{invalid_argument} as Separator::separate, for
///           split = false, and without a level where one is needed. push and finish throw
///           Error{invalid_argument} for other channels or after finish(), Error{invalid_data} for
///           samples that are not finite or no samples at all, Error{cancelled}, and what the sink
///           throws; after that the stream is of no further use.
/// Threads:  one caller, who runs the network within push() and finish(): not an audio thread. The
///           separator runs nothing else meanwhile, and outlives the stream.
class SeparationStream {
 public:
  SeparationStream(Separator& separator, const SeparationOptions& options,
                   const StreamOptions& stream, Separator::Sink on_block);
  ~SeparationStream();
  SeparationStream(SeparationStream&&) noexcept;
  SeparationStream& operator=(SeparationStream&&) noexcept;

  /// Takes the next block, and hands out what it makes complete.
  void push(ConstAudioView mix);
  /// Hands out the rest; the stems are as long as the mix then.
  void finish();

  /// How many frames the stems lag behind the mix at most: less than a segment. The time that the
  /// network takes comes on top.
  std::int64_t latency_samples() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace metalaudio::separation

#pragma once

#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/realtime/replaceable.h>

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <memory>
#include <utility>

namespace metalaudio {

struct SwapOptions {
  std::size_t channels = 1;
  std::size_t crossfade_samples = 1024;  ///< 0: at once
};

/// A processor that a control thread exchanges for another while it runs. The audio thread feeds
/// both and cross-fades, linearly, from the next process() on; then the old one goes back and is
/// destroyed on the control thread, by the next swap() or collect(). A swap during a fade waits for
/// its end; of several, the last counts. Processor has process(ConstAudioView, AudioView), of equal
/// frames, and both have the same latency.
/// Shapes:   in[channels][frames] -> out[channels][frames], not the same memory.
/// Errors:   the constructor throws Error{invalid_argument} on a null processor or no channels, and
///           swap() on a null one.
/// Threads:  swap() and collect() on one control thread, process() and skip_fade() on one audio
///           thread.
/// Realtime: process and skip_fade, if the processor's is.
template <typename Processor>
class Swappable {
 public:
  Swappable(std::unique_ptr<Processor> first, const SwapOptions& options)
      : processors_(checked(std::move(first))),
        fade_samples_(options.crossfade_samples),
        faded_(options.channels, kChunk) {
    if (options.channels == 0) fail(ErrorCode::invalid_argument, "[Swappable] no channels");
  }

  void swap(std::unique_ptr<Processor> next) { processors_.offer(checked(std::move(next))); }
  void collect() noexcept { processors_.collect(); }

  METALAUDIO_REALTIME void process(ConstAudioView in, AudioView out) noexcept {
    assert(in.channels() == faded_.channels() && in.frames() == out.frames());
    for (std::size_t at = 0; at < in.frames();) {
      if (processors_.take()) position_ = 0;
      if (processors_.previous() != nullptr && position_ == fade_samples_) processors_.retire();
      const bool fading = processors_.previous() != nullptr;
      const std::size_t left = in.frames() - at;
      const std::size_t frames =
          fading ? std::min({left, kChunk, fade_samples_ - position_}) : left;
      processors_.current().process(in.part(at, frames), out.part(at, frames));
      if (fading) fade(in.part(at, frames), out.part(at, frames));
      at += frames;
    }
  }
  /// Ends a fade at once, as a reset does.
  METALAUDIO_REALTIME void skip_fade() noexcept { processors_.retire(); }

  /// The one that is heard, or is being faded in; for the audio thread.
  METALAUDIO_REALTIME Processor& current() noexcept { return processors_.current(); }

 private:
  static constexpr std::size_t kChunk = 256;

  static std::unique_ptr<Processor> checked(std::unique_ptr<Processor> processor) {
    if (processor == nullptr) fail(ErrorCode::invalid_argument, "[Swappable] no processor");
    return processor;
  }

  void fade(const ConstAudioView& in, const AudioView& out) noexcept {
    const std::size_t frames = in.frames();
    processors_.previous()->process(in, faded_.view().part(0, frames));
    const float step = 1.0F / static_cast<float>(fade_samples_ + 1);
    for (std::size_t c = 0; c < out.channels(); ++c) {
      const std::span<float> to = out.channel(c);
      const std::span<const float> from = std::as_const(faded_).channel(c);
      for (std::size_t i = 0; i < frames; ++i) {
        const float gain = static_cast<float>(position_ + i + 1) * step;
        to[i] = from[i] + gain * (to[i] - from[i]);
      }
    }
    position_ += frames;
    if (position_ == fade_samples_) processors_.retire();
  }

  Replaceable<Processor> processors_;
  std::size_t fade_samples_;
  std::size_t position_ = 0;  // in the fade
  AudioBuffer faded_;
};

}  // namespace metalaudio

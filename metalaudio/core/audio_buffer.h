#pragma once

#include <metalaudio/core/array.h>
#include <metalaudio/core/audio_view.h>
#include <metalaudio/core/error.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

namespace metalaudio {

/// Planar float32 audio that it owns: samples[channels][frames], full scale is ±1; zero when made.
/// A function that reads or writes audio takes a view, into which this turns by itself.
/// Errors:   the constructors throw Error{out_of_memory}.
/// Threads:  concurrent reads are safe, writes are not.
class AudioBuffer {
 public:
  AudioBuffer() = default;
  AudioBuffer(std::size_t channels, std::size_t frames)
      : samples_(size_of(channels, frames)), channels_(channels), frames_(frames) {}
  explicit AudioBuffer(const ConstAudioView& view);
  AudioBuffer(const AudioBuffer&) = default;
  AudioBuffer& operator=(const AudioBuffer&) = default;
  AudioBuffer(AudioBuffer&& other) noexcept
      : samples_(std::move(other.samples_)),
        channels_(std::exchange(other.channels_, 0)),
        frames_(std::exchange(other.frames_, 0)) {}
  AudioBuffer& operator=(AudioBuffer&& other) noexcept {
    samples_ = std::move(other.samples_);
    channels_ = std::exchange(other.channels_, 0);
    frames_ = std::exchange(other.frames_, 0);
    return *this;
  }
  ~AudioBuffer() = default;

  std::size_t channels() const noexcept { return channels_; }
  std::size_t frames() const noexcept { return frames_; }
  std::span<float> channel(std::size_t index) noexcept { return view().channel(index); }
  std::span<const float> channel(std::size_t index) const noexcept { return view().channel(index); }

  AudioView view() noexcept { return {samples_.data(), channels_, frames_, frames_}; }
  ConstAudioView view() const noexcept { return {samples_.data(), channels_, frames_, frames_}; }
  operator AudioView() noexcept { return view(); }
  operator ConstAudioView() const noexcept { return view(); }

 private:
  static std::size_t size_of(std::size_t channels, std::size_t frames) {
    std::size_t size = 0;
    if (__builtin_mul_overflow(channels, frames, &size)) {
      fail(ErrorCode::out_of_memory, "[AudioBuffer] {} channels of {} frames", channels, frames);
    }
    return size;
  }

  Array<float> samples_;
  std::size_t channels_ = 0;
  std::size_t frames_ = 0;
};

inline AudioBuffer::AudioBuffer(const ConstAudioView& view)
    : AudioBuffer(view.channels(), view.frames()) {
  for (std::size_t c = 0; c < channels_; ++c) {
    const std::span<const float> from = view.channel(c);
    std::copy(from.begin(), from.end(), channel(c).begin());
  }
}

}  // namespace metalaudio

#pragma once

#include <metalaudio/core/audio_buffer.h>

#include <cstddef>
#include <span>

namespace metalaudio::audio {

/// Planar float32 audio that somebody else owns: channel c starts at data + c * stride.
/// Threads:  a value; it dangles when its owner goes.
class AudioView {
 public:
  AudioView(const float* data, std::size_t channels, std::size_t frames, std::size_t stride)
      : data_(data), channels_(channels), frames_(frames), stride_(stride) {}
  AudioView(const AudioBuffer& buffer)  // implicit: every function that takes a view takes a buffer
      : AudioView(buffer.channels() > 0 ? buffer.channel(0).data() : nullptr, buffer.channels(),
                  buffer.frames(), buffer.frames()) {}

  std::size_t channels() const noexcept { return channels_; }
  std::size_t frames() const noexcept { return frames_; }
  std::span<const float> channel(std::size_t index) const noexcept {
    return {data_ + index * stride_, frames_};
  }

  /// Frames [first, first + frames) of the same channels.
  AudioView part(std::size_t first, std::size_t frames) const noexcept {
    return {data_ + first, channels_, frames, stride_};
  }
  AudioView first_channels(std::size_t channels) const noexcept {
    return {data_, channels, frames_, stride_};
  }

 private:
  const float* data_;
  std::size_t channels_;
  std::size_t frames_;
  std::size_t stride_;
};

}  // namespace metalaudio::audio

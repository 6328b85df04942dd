#pragma once

#include <metalaudio/core/tensor.h>

#include <cstddef>
#include <span>

namespace metalaudio {

/// Planar float32 audio that it owns: samples[channels][frames], full scale is ±1; zero when made.
/// Threads:  as Tensor.
class AudioBuffer {
 public:
  AudioBuffer() = default;
  AudioBuffer(std::size_t channels, std::size_t frames)
      : samples_({static_cast<std::int64_t>(channels), static_cast<std::int64_t>(frames)}),
        channels_(channels),
        frames_(frames) {}

  std::size_t channels() const noexcept { return channels_; }
  std::size_t frames() const noexcept { return frames_; }
  std::span<float> channel(std::size_t index) noexcept {
    return {samples_.data() + index * frames_, frames_};
  }
  std::span<const float> channel(std::size_t index) const noexcept {
    return {samples_.data() + index * frames_, frames_};
  }

 private:
  Tensor samples_{Shape{0}};
  std::size_t channels_ = 0;
  std::size_t frames_ = 0;
};

}  // namespace metalaudio

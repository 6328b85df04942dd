#pragma once

#include <metalaudio/dsp/cuda/fft_kernels.h>

namespace metalaudio::dsp::cuda {

/// The samples of one frame, whatever lies outside of its signal.
class FrameSamples {
 public:
  __device__ FrameSamples(const Frames& frames, unsigned row, std::int64_t nfft) : frames_(frames) {
    const std::int64_t channel = row / frames.frames;
    start_ = std::int64_t{row % frames.frames} * frames.hop - frames.pad;
    signal_ = frames.x + channel * frames.samples;
    history_ = frames.history + channel * frames.pad;
    inside_ = start_ >= 0 && start_ + nfft <= frames.samples && frames.replaced == nullptr;
    aligned_ = (reinterpret_cast<std::uintptr_t>(signal_ + start_) & 7U) == 0;
  }

  __device__ float operator[](std::int64_t i) const {
    const std::int64_t at = start_ + i;
    return checked(at >= 0 && at < frames_.samples ? __ldg(signal_ + at) : outside(at));
  }
  /// All of them as pairs where they lie, if they lie together and may be read as such; otherwise
  /// null.
  __device__ const float2* pairs() const {
    return inside_ && aligned_ ? reinterpret_cast<const float2*>(signal_ + start_) : nullptr;
  }

 private:
  __device__ float outside(std::int64_t at) const {
    const std::int64_t last = frames_.samples - 1;
    switch (frames_.outside) {
      case Outside::reflect:
        return __ldg(signal_ + (at < 0 ? -at : 2 * last - at));
      case Outside::replicate:
        return __ldg(signal_ + (at < 0 ? 0 : last));
      case Outside::history:
        return at < 0 ? __ldg(history_ + frames_.pad + at) : 0.0F;
      default:
        return 0;
    }
  }
  __device__ float checked(float v) const {
    if (frames_.replaced == nullptr || fabsf(v) <= 1e30F) return v;
    *frames_.replaced = 1;
    return 0;
  }

  const Frames& frames_;
  std::int64_t start_;
  const float* signal_;
  const float* history_;
  bool inside_;
  bool aligned_;
};

}  // namespace metalaudio::dsp::cuda

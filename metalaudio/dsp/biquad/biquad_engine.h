#pragma once

#include <metalaudio/core/audio_view.h>
#include <metalaudio/dsp/biquad_coefficients.h>

#include <cstddef>
#include <memory>
#include <span>

namespace metalaudio::dsp {

/// The audio of one call: `in` and `out` where it is planar, else interleaved frames.
struct BiquadBlock {
  bool planar = false;
  ConstAudioView in = {};
  AudioView out = {};
  const float* in_frames = nullptr;
  float* out_frames = nullptr;
};

/// What runs a cascade, with its states: made once for a number of channels and sections.
/// Realtime: everything but the making.
class BiquadEngine {
 public:
  virtual ~BiquadEngine() = default;
  /// New coefficients; the states are carried over so that the output goes on smoothly.
  virtual void set(std::span<const BiquadCoefficients> sections) noexcept = 0;
  /// Frames first to first + frames of the block; returns whether every sample was in range.
  virtual bool process(const BiquadBlock& block, std::size_t first,
                       std::size_t frames) noexcept = 0;
  virtual void reset() noexcept = 0;
  /// Zeroes states that have become inaudible; if one is not finite, all, and returns false.
  virtual bool settle() noexcept = 0;
};

/// A section to a lane, in double: for few channels.
std::unique_ptr<BiquadEngine> make_biquad_chain_engine(std::size_t channels, std::size_t sections);
/// A channel to a lane, in double: for many.
std::unique_ptr<BiquadEngine> make_biquad_lane_engine(std::size_t channels, std::size_t sections);
/// The faster of the two.
std::unique_ptr<BiquadEngine> make_biquad_engine(std::size_t channels, std::size_t sections);

}  // namespace metalaudio::dsp

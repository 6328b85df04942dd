#pragma once

#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/audio_view.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace metalaudio::audio {

/// Many channels as two: front left and right as they are, the centre and the left or right ones of
/// the back, the sides and above at -3 dB, what lies in the middle there at -6 dB to both, LFE not
/// at all. The sum is not turned down: it may exceed full scale where all speak at once.
/// Errors:   the constructor throws Error{unsupported}, naming `what`, where the mask is 0 and the
///           number of channels has no usual speakers (3 to 8 have).
/// Threads:  one instance per thread.
/// Source:   ITU-R BS.775-3, annex 4
class Downmix {
 public:
  Downmix(std::string_view what, std::size_t channels, std::uint32_t channel_mask);

  /// Two channels, which live until the next call.
  ConstAudioView apply(ConstAudioView in);

 private:
  struct Gains {
    float left = 0.0f;
    float right = 0.0f;
  };
  static Gains gains_of(unsigned speaker) noexcept;

  std::vector<Gains> gains_;  // of each channel
  AudioBuffer out_;
};

/// The speakers that so many channels usually stand for; 0 for other numbers than 1 to 8.
std::uint32_t usual_channel_mask(std::size_t channels) noexcept;

}  // namespace metalaudio::audio

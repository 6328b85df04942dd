#pragma once

#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/audio_view.h>
#include <metalaudio/core/realtime/marker.h>
#include <metalaudio/dsp/biquad_cascade.h>
#include <metalaudio/dsp/oversampler.h>

#include <array>
#include <cstddef>
#include <vector>

namespace metalaudio::dsp {

/// Loudness as EBU R128 has it; minus infinity where nothing was loud enough to count.
struct Loudness {
  double integrated_lufs;
  double range_lu;  ///< 0 where it is not known
  double true_peak_dbtp;
};

/// Measures a stream of any length, in memory that does not grow: the loudness of a whole programme
/// with its gates, its range, its true peak by oversampling to 192 kHz about, and the loudness now.
/// Loudnesses are kept in steps of 0.01 LU with the exact power of each step, so that only the place
/// of a gate is rounded.
/// Shapes:   in[channels][any]; three channels and more are those that WAVE has by that number, of
///           which LFE does not count, and those behind and beside the listener count 1.5 dB more.
/// Errors:   the constructor throws Error{invalid_argument} unless there are 1 to 32 channels and
///           the rate is 4 kHz or more.
/// Threads:  one.
/// Realtime: process, reset, momentary_lufs, short_term_lufs. What is not finite counts as silence.
/// Source:   ITU-R BS.1770-4; EBU R128, Tech 3341, Tech 3342
class LoudnessMeter {
 public:
  LoudnessMeter(int sample_rate_hz, std::size_t channels);

  METALAUDIO_REALTIME void process(ConstAudioView in) noexcept;
  METALAUDIO_REALTIME void reset() noexcept;

  /// Of the last 400 ms and the last 3 s, whole tenths of seconds; less where less has come.
  METALAUDIO_REALTIME double momentary_lufs() const noexcept;
  METALAUDIO_REALTIME double short_term_lufs() const noexcept;

  /// Of all that has come since reset(), as it would go on with silence; ends the stream.
  Loudness finish();

 private:
  static constexpr std::size_t kBlockFrames = 512;
  static constexpr std::size_t kTenths = 30;  // of 3 s

  /// How often each loudness above the absolute gate was there, and the power of all of them.
  struct Histogram {
    struct Step {
      std::size_t count = 0;
      double power = 0.0;
    };
    std::vector<Step> steps;
    void add(double power) noexcept;
    /// The mean power of those at or above a step.
    Step above(std::size_t first) const noexcept;
    /// The first step at or above a loudness.
    static std::size_t step_of(double lufs) noexcept;
  };

  void measure_block(ConstAudioView in) noexcept;
  void measure_peak(ConstAudioView in) noexcept;
  void end_tenth() noexcept;
  double mean_power(std::size_t tenths) const noexcept;

  std::vector<double> weights_;
  BiquadCascade weighting_;
  Oversampler oversampler_;
  AudioBuffer weighted_;
  std::size_t tenth_frames_;
  std::size_t frames_ = 0;  // of the tenth that has begun
  double power_ = 0.0;      // and its sum of squares
  std::array<double, kTenths> tenths_{};
  std::size_t tenth_count_ = 0;
  Histogram blocks_;
  Histogram spans_;
  float peak_ = 0.0F;
};

}  // namespace metalaudio::dsp

#pragma once

#include <metalaudio/core/realtime/marker.h>

#include <cstddef>
#include <span>
#include <vector>

namespace metalaudio::dsp {

struct LimiterGainOptions {
  float ceiling = 0.891251F;  ///< -1 dB
  double attack_seconds = 0.005;
  double release_seconds = 0.1;
};

/// The gain of a look-ahead limiter, as a curve of its own: from the peak of each frame, of as many
/// sounds as there are, the one gain that keeps all of them below the ceiling. It falls before a
/// peak in a straight line, or from one fall into the next, and comes back exponentially.
/// Shapes:   peaks[any] -> gains[as many], which belong to the frames latency_samples() earlier.
/// Errors:   the constructor throws Error{invalid_argument} unless the rate is 1 Hz or more, the
///           ceiling above 0 and the times within 0 to 10 s.
/// Threads:  one.
/// Realtime: process, reset.
class LimiterGain {
 public:
  LimiterGain(int sample_rate_hz, const LimiterGainOptions& options = {});

  METALAUDIO_REALTIME void process(std::span<const float> peaks, std::span<float> gains) noexcept;
  METALAUDIO_REALTIME void reset() noexcept;
  std::size_t latency_samples() const noexcept { return window_ - 1; }

 private:
  double least_of_window(double wanted) noexcept;

  std::size_t window_;  // of the attack, in frames
  double ceiling_;
  double release_;
  struct Candidate {
    std::size_t frame;
    double gain;
  };
  std::vector<Candidate> candidates_;  // a ring: rising gains, of which the first is the least
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  std::vector<double> held_;  // a ring: what the mean is taken of
  double sum_ = 0.0;
  double gain_ = 1.0;
  std::size_t frame_ = 0;
};

}  // namespace metalaudio::dsp

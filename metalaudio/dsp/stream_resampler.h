#pragma once

#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/realtime/marker.h>
#include <metalaudio/core/realtime/status.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace metalaudio::dsp {

class ResamplerBank;
struct ResamplerBankOptions;
struct ResamplerKernels;
struct ResamplerPoint;

struct StreamResamplerOptions {
  std::size_t channels = 1;
  /// What stays flat, in parts of the lower Nyquist frequency: 20 kHz at 44.1. Less is shorter.
  double passband = 0.907;
  /// The largest set_drift(), as a part of the ratio; 0: the ratio is fixed.
  double largest_drift = 0.0;
  /// Latency to add, in output frames below 1: what makes a sum of latencies whole.
  double extra_delay_samples = 0.0;
};

/// Changes the sample rate of a running signal: linear phase, flat within 120 dB up to the pass
/// band's end, images and aliases 120 dB down. Positions are counted exactly, so that no drift
/// ever adds up; with set_drift() they are multiples of 2^-54 input samples. Output n stands for
/// the input at n · in / out - delay, and is ready with the input sample at or before n · in / out:
/// after N frames in, ceil(N · out / in) have come out, as long as there was room. The output does
/// not depend on how input or output is cut into blocks. To get the tail out, send silence.
/// Shapes:   in[channels][any] -> out[channels][any], not the same memory.
/// Errors:   the constructor throws Error{invalid_argument} on rates that are not positive and
///           finite or further apart than 256 to 1, no channels or more than 256, a pass band
///           outside 0.1 to 0.99, a drift outside 0 to 0.1, a delay outside [0, 1).
/// Threads:  one; status() and take_status() on any.
/// Realtime: all but the constructor.
/// Source:   Smith and Gossett, "A flexible sampling-rate conversion method", ICASSP 1984.
class StreamResampler {
 public:
  StreamResampler(double in_rate_hz, double out_rate_hz,
                  const StreamResamplerOptions& options = {});
  ~StreamResampler();
  StreamResampler(StreamResampler&&) noexcept;
  StreamResampler& operator=(StreamResampler&&) noexcept;

  struct Progress {
    std::size_t consumed = 0;
    std::size_t produced = 0;
  };
  /// Writes outputs until `out` is full or the input used up. Takes all input but what would make
  /// outputs ready that do not fit.
  METALAUDIO_REALTIME Progress process(ConstAudioView in, AudioView out) noexcept;
  /// Forgets all input and starts at output 0; the drift stays.
  METALAUDIO_REALTIME void reset() noexcept;

  /// The input's clock runs by this part faster than its stated rate, so the ratio in / out is
  /// 1 + drift times the nominal one. Glides there within 1024 outputs. Past the largest drift it
  /// is refused, and noted in status().
  METALAUDIO_REALTIME void set_drift(double drift) noexcept;

  /// How many outputs so many more input frames give; while the ratio glides, at most.
  METALAUDIO_REALTIME std::size_t output_frames(std::size_t input_frames) const noexcept;
  /// How many more input frames so many outputs take; while the ratio glides, at most.
  METALAUDIO_REALTIME std::size_t input_frames(std::size_t output_frames) const noexcept;

  /// The delay in output frames, exact up to the rounding of a double; it rests on whole frames of
  /// input, delay_input_samples(), and the extra delay.
  double latency_samples() const noexcept;
  std::size_t delay_input_samples() const noexcept;
  double extra_delay_samples() const noexcept;
  std::size_t channels() const noexcept { return history_.channels(); }

  METALAUDIO_REALTIME Trouble status() const noexcept { return status_.peek(); }
  METALAUDIO_REALTIME Trouble take_status() noexcept { return status_.take(); }

 private:
  /// Positions are whole numbers of 1 / unit input samples.
  struct Ratio {
    std::uint64_t step = 1;  ///< from one output to the next
    std::uint64_t unit = 1;
  };
  static Ratio make_ratio(double in_rate_hz, double out_rate_hz, bool adjustable);
  static ResamplerBankOptions bank_options(const Ratio& ratio,
                                           const StreamResamplerOptions& options);

  std::size_t collect(std::size_t most, ResamplerPoint* points) noexcept;
  void set_step(std::uint64_t step) noexcept;
  void advance() noexcept;
  std::size_t allowed_input(std::size_t room) const noexcept;
  std::size_t take(const ConstAudioView& in, std::size_t first, std::size_t frames) noexcept;

  Ratio ratio_;
  bool interpolated_;
  double phases_;  // of the bank, as a factor
  double largest_drift_;
  std::unique_ptr<const ResamplerBank> bank_;
  const ResamplerKernels* kernels_;
  std::uint64_t extra_delay_ = 0;  // in units
  AudioBuffer history_;
  std::size_t filled_ = 0;      // frames in the history
  std::size_t next_ = 0;        // the newest of them that the next output takes
  std::uint64_t fraction_ = 0;  // and how far behind it that one is due, in units
  std::uint64_t step_ = 1;      // glides to target_step_
  std::uint64_t whole_ = 1;     // of it in input samples
  std::uint64_t rest_ = 0;      // and in units
  std::uint64_t target_step_ = 1;
  std::int64_t glide_ = 0;      // per output
  std::size_t glide_left_ = 0;  // outputs
  std::vector<const float*> from_;
  std::vector<float*> to_;
  RealtimeStatus status_;
};

}  // namespace metalaudio::dsp

#pragma once

#include <metalaudio/core/audio_view.h>
#include <metalaudio/core/realtime/marker.h>
#include <metalaudio/core/realtime/replaceable.h>
#include <metalaudio/core/realtime/status.h>
#include <metalaudio/dsp/convolution_options.h>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace metalaudio::dsp {

class ConvolutionEngine;

/// The routes of a file of responses: one channel serves every channel; as many channels as inputs
/// go one to one; inputs · outputs channels are the whole matrix, a row per input (for true stereo
/// LL, LR, RL, RR).
/// Errors:   throws Error{invalid_argument} on any other number of channels.
std::vector<ConvolutionRoute> convolution_routes(ConstAudioView ir, std::size_t inputs,
                                                 std::size_t outputs);

/// Streaming convolution with impulse responses of any length, without added latency: N inputs, M
/// outputs, and a response on each route between them. The output does not depend on how the input
/// is cut into blocks. Input that is not finite, or beyond ±1e30, is replaced by silence and noted
/// in status().
/// Shapes:   in[inputs][frames] -> out[outputs][frames], any frames.
/// Errors:   the constructor and swap_ir() throw Error{invalid_argument} on responses that are
///           empty, past 2^26 samples, all zero or not finite, and routes that are not there.
/// Threads:  process() and reset() on the audio thread; swap_ir() on one other thread, while it
///           runs; status() and take_status() on any.
/// Realtime: process, reset, status, take_status.
/// Source:   Gardner, "Efficient convolution without input-output delay", JAES 43 (1995).
class Convolution {
 public:
  Convolution(std::span<const ConvolutionRoute> routes, const ConvolutionOptions& options);
  /// One response from one input to one output.
  explicit Convolution(std::span<const float> ir, const ConvolutionOptions& options = {});
  ~Convolution();

  /// None: what goes in comes out at once.
  std::size_t latency_samples() const noexcept { return 0; }

  METALAUDIO_REALTIME void process(ConstAudioView in, AudioView out) noexcept;
  /// The same for one input and one output; x and y may be one array.
  METALAUDIO_REALTIME void process(std::span<const float> x, std::span<float> y) noexcept;
  /// Forgets all input. A change of responses that is under way is complete.
  METALAUDIO_REALTIME void reset() noexcept;

  /// Sends the input to new responses from the next process() on, crossfading, while the old ones
  /// ring out. A change during a change shortens the ringing; of several, the last one counts.
  void swap_ir(std::span<const ConvolutionRoute> routes);
  void swap_ir(std::span<const float> ir);

  /// The first trouble since take_status().
  METALAUDIO_REALTIME Trouble status() const noexcept { return status_.peek(); }
  METALAUDIO_REALTIME Trouble take_status() noexcept { return status_.take(); }

 private:
  std::unique_ptr<ConvolutionEngine> make_engine(std::span<const ConvolutionRoute> routes) const;
  void begin_change() noexcept;
  bool take_input(ConstAudioView in) noexcept;
  void process_change(AudioView out) noexcept;

  ConvolutionOptions options_;
  Replaceable<ConvolutionEngine> engines_;  // the previous one rings out
  std::size_t fade_position_ = 0;           // samples since the change began
  std::size_t release_position_ = 0;        // samples since another change began to wait
  RealtimeStatus status_;
  std::vector<std::vector<float>> input_;  // checked
  std::vector<std::vector<float>> faded_;  // what of it the old responses get
  std::vector<std::vector<float>> rest_;   // what they give
  std::vector<const float*> input_pointers_;
  std::vector<const float*> faded_pointers_;
  std::vector<float*> rest_pointers_;
  std::vector<float*> out_pointers_;
};

}  // namespace metalaudio::dsp

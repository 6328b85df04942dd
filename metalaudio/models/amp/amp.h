#pragma once

#include <metalaudio/core/audio_view.h>
#include <metalaudio/core/realtime/marker.h>
#include <metalaudio/core/realtime/status.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace metalaudio::models {

namespace amp {
class Runner;
}

enum class AmpTanh {
  exact,  ///< 2 ulp
  fast,   ///< a rational function, within 2e-5
};

struct AmpOptions {
  std::size_t channels = 1;  ///< 1 or 2, each with a state of its own
  AmpTanh tanh = AmpTanh::exact;
  double slim = 1.0;  ///< the size of a slimmable model, 0 to 1: the smallest to the whole
  /// Whether it starts as after a long silence; unset: as the format's own player does, which is
  /// yes for .nam and no for RTNeural and GuitarML.
  std::optional<bool> prewarm;
  /// layer1x1_post_film in every gating mode, as the trainer has it; NeuralAmpModelerCore applies
  /// it in the blended one alone, and so does this.
  bool film_in_every_mode = false;
};

/// A neural amplifier: a .nam file (0.5.0 to 0.7), RTNeural's JSON or GuitarML's, one input and one
/// output. Its output does not depend on how the input is cut into blocks. A block that holds a
/// sample that is not finite, or beyond ±1e30, is silent and leaves the state as it was; an output
/// that is not finite is silence, and the state starts anew. Both are noted in status().
/// Shapes:   in[channels][frames] -> out[channels][frames], any frames; they may be the same.
/// Errors:   the constructors throw Error{io} for a file that cannot be read, Error{invalid_data}
///           and Error{unsupported} for what it holds, Error{invalid_argument} for the options.
/// Threads:  process(), reset() and set_control() on one thread; status(), take_status() on any.
/// Realtime: process, reset, set_control, status, take_status.
/// Source:   docs/guides/amps.md lists the formats.
class Amp {
 public:
  explicit Amp(const std::filesystem::path& file, const AmpOptions& options = {});
  /// The same from a file's bytes.
  explicit Amp(std::span<const std::byte> file, const AmpOptions& options = {});
  ~Amp();
  Amp(Amp&&) noexcept;
  Amp& operator=(Amp&&) noexcept;

  METALAUDIO_REALTIME void process(ConstAudioView in, AudioView out) noexcept;
  /// The same for one channel.
  METALAUDIO_REALTIME void process(std::span<const float> x, std::span<float> y) noexcept;
  /// Back to how it was constructed.
  METALAUDIO_REALTIME void reset() noexcept;

  static constexpr std::size_t latency_samples() noexcept { return 0; }
  std::size_t channels() const noexcept;
  /// The rate that it was trained at: 48 kHz where a .nam file says nothing, as its trainer
  /// assumes, none where another does.
  std::optional<double> sample_rate_hz() const noexcept { return sample_rate_hz_; }
  /// Level of its output for the reference input, and what full scale is at its sockets.
  std::optional<double> loudness_db() const noexcept { return loudness_db_; }
  std::optional<double> input_level_dbu() const noexcept { return input_level_dbu_; }
  std::optional<double> output_level_dbu() const noexcept { return output_level_dbu_; }

  /// Inputs beside the sound: a model's knobs. They are 0 until set.
  std::size_t controls() const noexcept { return controls_; }
  METALAUDIO_REALTIME void set_control(std::size_t index, float value) noexcept;

  /// The first trouble since take_status().
  METALAUDIO_REALTIME Trouble status() const noexcept { return status_.peek(); }
  METALAUDIO_REALTIME Trouble take_status() noexcept { return status_.take(); }

 private:
  void process_channel(std::size_t channel, std::span<const float> in,
                       std::span<float> out) noexcept;

  std::vector<std::unique_ptr<amp::Runner>> runners_;  ///< one for each channel
  std::vector<std::vector<float>> control_values_;     ///< a chunk of each
  std::size_t controls_ = 0;
  std::optional<double> sample_rate_hz_;
  std::optional<double> loudness_db_;
  std::optional<double> input_level_dbu_;
  std::optional<double> output_level_dbu_;
  RealtimeStatus status_;
};

}  // namespace metalaudio::models

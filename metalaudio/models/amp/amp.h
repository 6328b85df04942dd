#pragma once

#include <metalaudio/core/audio_view.h>
#include <metalaudio/core/realtime/marker.h>
#include <metalaudio/core/realtime/status.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>

namespace metalaudio::models {

enum class AmpTanh {
  exact,  ///< 2 ulp
  fast,   ///< a rational function, within 2e-5
};

struct AmpOptions {
  std::size_t channels = 1;  ///< 1 or 2, each with a state of its own
  AmpTanh tanh = AmpTanh::exact;
  double slim = 1.0;  ///< the size of a slimmable model, 0 to 1: the smallest to the whole
  /// What it is to run at; unset: the model's own rate. At whole multiples of it, up to 16, the
  /// model's delays are multiplied, exactly and without latency; at others a resampler goes there
  /// and back. A model that states no rate takes any for its own.
  std::optional<double> sample_rate_hz;
  /// 1, 2, 4 or 8: runs the model at so many times the rate, its delays multiplied, so that the
  /// overtones that it makes above the band are cut off instead of folding back.
  std::size_t oversampling = 1;
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
/// that is not finite is silence, and the state starts anew. All is noted in status().
/// Shapes:   in[channels][frames] -> out[channels][frames], any frames; they may be the same.
/// Errors:   the constructors throw Error{io} for a file that cannot be read, Error{invalid_data}
///           and Error{unsupported} for what it holds, Error{invalid_argument} for the options:
///           other channels, a rate that is not one or further than 256 to 1 from the model's.
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

  /// Of resamplers and oversampling; the model itself has none.
  std::size_t latency_samples() const noexcept;
  std::size_t channels() const noexcept;
  /// The rate that it was trained at: 48 kHz where a .nam file says nothing, as its trainer
  /// assumes, none where another does.
  std::optional<double> sample_rate_hz() const noexcept { return sample_rate_hz_; }
  /// Level of its output for the reference input, and what full scale is at its sockets.
  std::optional<double> loudness_db() const noexcept { return loudness_db_; }
  std::optional<double> input_level_dbu() const noexcept { return input_level_dbu_; }
  std::optional<double> output_level_dbu() const noexcept { return output_level_dbu_; }

  /// Inputs beside the sound: a model's knobs. They are 0 until set.
  std::size_t controls() const noexcept;
  METALAUDIO_REALTIME void set_control(std::size_t index, float value) noexcept;

  /// The first trouble since take_status().
  METALAUDIO_REALTIME Trouble status() const noexcept;
  METALAUDIO_REALTIME Trouble take_status() noexcept;

 private:
  struct Impl;

  std::unique_ptr<Impl> impl_;
  std::optional<double> sample_rate_hz_;
  std::optional<double> loudness_db_;
  std::optional<double> input_level_dbu_;
  std::optional<double> output_level_dbu_;
};

}  // namespace metalaudio::models

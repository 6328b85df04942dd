#pragma once

#include <metalaudio/nn/io/state_file.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace metalaudio::models {

/// The arguments of demucs.htdemucs.HTDemucs that matter when it runs, with upstream's names and
/// defaults. What only trains a network is left out.
struct HTDemucsConfig {
  std::vector<std::string> sources;
  std::int64_t audio_channels = 2;
  std::int64_t channels = 48;
  std::int64_t channels_time = 0;  ///< 0: as channels
  double growth = 2;
  std::int64_t nfft = 4096;
  std::int64_t depth = 4;
  bool rewrite = true;
  double freq_emb = 0.2;
  double emb_scale = 10;
  std::int64_t kernel_size = 8;
  std::int64_t time_stride = 2;
  std::int64_t stride = 4;
  std::int64_t context = 1;
  std::int64_t context_enc = 0;
  std::int64_t norm_starts = 4;
  std::int64_t norm_groups = 4;
  std::int64_t dconv_mode = 1;
  std::int64_t dconv_depth = 2;  ///< negative: without dilation
  double dconv_comp = 8;
  std::int64_t bottom_channels = 0;
  std::int64_t t_layers = 5;
  std::string t_emb = "sin";
  double t_hidden_scale = 4;
  std::int64_t t_heads = 8;
  std::int64_t t_max_positions = 10000;
  bool t_norm_in = true;
  std::int64_t t_norm_in_group = 0;
  std::int64_t t_group_norm = 0;
  bool t_norm_first = true;
  std::int64_t t_norm_out = 1;
  double t_max_period = 10000;
  bool t_layer_scale = true;
  bool t_gelu = true;
  double t_weight_pos_embed = 1;
  bool t_cape_mean_normalize = true;
  bool t_cross_first = false;
  std::int64_t samplerate = 44100;
  std::int64_t segment_numerator = 10;
  std::int64_t segment_denominator = 1;

  /// The published models of four and of six stems, the latter with guitar and piano.
  static HTDemucsConfig htdemucs();
  static HTDemucsConfig htdemucs_6s();
  /// The numbers of the Swift framework that this library descends from, in upstream's network:
  /// five levels of 48 to 768 channels, GroupNorm of 8 groups at all but the outermost, six stems,
  /// no DConv. Its skip connections by concatenation and its tanh GELU are not reproduced.
  static HTDemucsConfig original();

  /// As a number of seconds in kwargs["segment"].
  /// Errors:   throws Error{invalid_data} unless it is above 0 and at most 600.
  void set_segment_seconds(double seconds);
  /// The same where it is a shorter one than now: a longer one changes nothing, as upstream's bags
  /// have it.
  void shorten(const std::optional<double>& seconds);
  double segment_seconds() const noexcept {
    return static_cast<double>(segment_numerator) / static_cast<double>(segment_denominator);
  }

  std::int64_t hop_samples() const noexcept { return nfft / 4; }
  /// int(segment · samplerate): the length of every input.
  std::int64_t segment_samples() const noexcept {
    return segment_numerator * samplerate / segment_denominator;
  }
  /// Spectrogram frames of one segment.
  std::int64_t frames() const noexcept {
    return (segment_samples() + hop_samples() - 1) / hop_samples();
  }
};

/// Whether the file says that it is one.
bool is_htdemucs(const nn::StateFile& file);

/// Reads what upstream's serialize_model() has stored beside the weights: klass, args and kwargs,
/// as values or, in a safetensors file, as JSON texts.
/// Errors:   throws Error{invalid_data} on a value of the wrong type or out of any sensible range,
///           Error{unsupported} on another class, weights quantised by diffq, or an option that
///           this library cannot run; both name the argument.
HTDemucsConfig read_htdemucs_config(const nn::StateFile& file);

}  // namespace metalaudio::models

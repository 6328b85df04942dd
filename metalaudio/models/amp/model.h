#pragma once

#include <metalaudio/models/amp/program.h>

#include <cstddef>
#include <optional>
#include <span>

namespace metalaudio::models::amp {

struct ReadOptions {
  bool fast = false;                ///< tanh and sigmoid by a rational function
  double slim = 1.0;                ///< the size of a slimmable model, 0 to 1
  bool film_in_every_mode = false;  ///< layer1x1_post_film as the trainer has it
};

/// What a file says beside its network.
struct Model {
  Program program;
  std::optional<double> sample_rate_hz;
  std::optional<double> loudness_db;
  std::optional<double> input_level_dbu;
  std::optional<double> output_level_dbu;
  bool prewarmed = false;  ///< whether the format's own player starts after silence
  std::size_t prewarm_frames = 0;
};

/// Reads a .nam file, RTNeural's JSON (Keras's or a PyTorch state dictionary) or GuitarML's, told
/// apart by what they hold.
/// Errors:   throws Error{invalid_data, unsupported}.
Model read_model(std::span<const std::byte> bytes, const ReadOptions& options);

}  // namespace metalaudio::models::amp

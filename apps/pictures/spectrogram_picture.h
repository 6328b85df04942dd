#pragma once

#include <metalaudio/audio/audio_source.h>

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace metalaudio::apps {

/// One spectrogram of a picture; its source outlives the call that draws it.
struct SpectrogramPanel {
  std::string title;
  const audio::AudioSource* source = nullptr;
};

/// Errors:   throws Error{invalid_argument} for no panels, or more than a picture can hold.
void check_panel_count(std::size_t panels);

/// Draws spectrograms below each other into one PNG file: time, log frequency, and one scale of
/// colours for all, which spans the 80 dB below the loudest place.
/// Errors:   as check_panel_count, throws Error{invalid_argument} for an empty source, and as
///           write_png; nothing half-written stays.
void draw_spectrograms(std::span<const SpectrogramPanel> panels, const std::filesystem::path& path);

}  // namespace metalaudio::apps

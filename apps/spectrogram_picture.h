#pragma once

#include <metalaudio/audio/audio_source.h>

#include <filesystem>
#include <span>
#include <string>

namespace metalaudio::apps {

/// One spectrogram of a picture; its source outlives the call that draws it.
struct SpectrogramPanel {
  std::string title;
  const audio::AudioSource* source = nullptr;
};

/// Draws spectrograms below each other into one PNG file: time, log frequency, and one scale of
/// colours for all, which spans the 80 dB below the loudest place.
/// Errors:   throws Error{invalid_argument} without panels or for an empty source, Error{io} naming
///           the file and the reason; nothing half-written stays.
void draw_spectrograms(std::span<const SpectrogramPanel> panels, const std::filesystem::path& path);

}  // namespace metalaudio::apps

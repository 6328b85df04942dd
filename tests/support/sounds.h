#pragma once

#include <metalaudio/audio/audio_writer.h>
#include <metalaudio/core/audio_buffer.h>

#include <cstdint>
#include <filesystem>

namespace metalaudio {

/// Noise and tones that the same seed makes again: every channel differs, peaks stay below 0.6.
AudioBuffer make_music(std::size_t channels, double seconds, int sample_rate_hz,
                       std::uint32_t seed = 1);

/// Writes a buffer as 32-bit float WAV, or by the file's ending as FLAC or MP3.
void write_sound(const std::filesystem::path& path, const AudioBuffer& sound, int sample_rate_hz);

/// A whole file.
AudioBuffer read_sound(const std::filesystem::path& path);
int sample_rate_of(const std::filesystem::path& path);

/// 10·log10(|a|² / |a − b|²) over the frames that both have.
double agreement_db(const AudioBuffer& a, const AudioBuffer& b);

/// The largest absolute sample.
float peak_of(const AudioBuffer& sound);

}  // namespace metalaudio

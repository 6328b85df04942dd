#pragma once

#include <metalaudio/audio/audio_writer.h>
#include <CLI/CLI.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace metalaudio::apps {

/// The format that --int24, --float32, --flac, --mp3 and their like choose.
struct OutputFormat {
  bool int24 = false;
  bool float32 = false;
  std::optional<audio::FileType> chosen;  ///< by one of --flac, --mp3 …
  bool alac = false;
  bool stem_m4a = false;                ///< one file of all stems; AAC, or ALAC
  std::optional<int> bitrate_kbps;      ///< of any lossy type
  std::optional<int> mp3_bitrate_kbps;  ///< 320 unless given
  std::optional<int> mp3_preset;        ///< LAME's quality: 2 best … 7 fastest; 2 unless given

  audio::FileType type() const {
    return stem_m4a ? audio::FileType::stem_m4a : chosen.value_or(audio::FileType::wav);
  }
  std::string extension() const { return std::string(audio::extension_of(type())); }
};

/// What it means for a writer; rate, channels and length are the caller's.
audio::AudioWriterOptions writer_options(const OutputFormat& format);

/// A line for each option that was given and has no effect on files of this type.
std::vector<std::string> idle_options(const OutputFormat& format, audio::FileType written);

/// Adds the options to a command; those that choose a type exclude each other, and so do --int24 and
/// --float32.
void add_output_format_options(CLI::App& command, OutputFormat& format);

}  // namespace metalaudio::apps

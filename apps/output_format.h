#pragma once

#include <metalaudio/audio/audio_writer.h>

#include <CLI/CLI.hpp>
#include <string>

namespace metalaudio::apps {

/// The format that --int24, --float32, --flac, --mp3 and their like choose.
struct OutputFormat {
  bool int24 = false;
  bool float32 = false;
  bool flac = false;
  bool mp3 = false;
  int mp3_bitrate_kbps = 320;
  int mp3_preset = 2;  ///< LAME's quality: 2 best … 7 fastest

  std::string extension() const { return mp3 ? "mp3" : flac ? "flac" : "wav"; }
};

/// What it means for a writer; rate, channels and length are the caller's.
audio::AudioWriterOptions writer_options(const OutputFormat& format);

/// Adds the options to a command; those that would have no effect together exclude each other.
void add_output_format_options(CLI::App& command, OutputFormat& format);

}  // namespace metalaudio::apps

#pragma once

#include <metalaudio/audio/audio_reader.h>
#include <metalaudio/separation/output_levels.h>
#include <CLI/CLI.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <vector>

#include "apps/options/output_format.h"

namespace metalaudio::apps {

/// What commands that make one audio file from another have in common.
struct FileProcessingOptions {
  std::filesystem::path in;
  std::filesystem::path out;
  OutputFormat format;
  separation::ClipMode clip_mode = separation::ClipMode::none;
  bool dither = false;
  bool allow_truncated = false;
};

/// IN, -o, --clip-mode, --dither and the output formats.
void add_file_processing_options(
    CLI::App& command, FileProcessingOptions& options,
    const std::string& in = "Audio file of any rate and number of channels");

/// What happens to the samples on the way.
struct FileProcessing {
  std::size_t out_channels = 0;
  std::int64_t lead_frames = 0;  ///< of output before the input's first one, which are left out
  std::int64_t tail_frames = 0;  ///< that sound on after the input's end, lead_frames included
  /// in[channels of the reader][frames] -> out[out_channels][frames], block after block.
  std::function<void(ConstAudioView in, AudioView out)> process;
};

/// Before any work: the inputs are files, the output is none of them, and its name and format go
/// together.
/// Errors:   throws Error{invalid_argument, unsupported}, Error{io} for a folder that is missing.
void check_files(const FileProcessingOptions& options,
                 const std::vector<std::filesystem::path>& more_inputs);

/// Streams the reader through the processing into options.out, with progress on the terminal and a
/// closing line; memory does not grow with the file.
/// Errors:   throws Error{invalid_argument} where the ending of options.out and the format do not
///           go together, Error{cancelled} on a signal, and as audio::AudioReader and StemFiles.
void process_file(audio::AudioReader& reader, const FileProcessing& processing,
                  const FileProcessingOptions& options);

}  // namespace metalaudio::apps

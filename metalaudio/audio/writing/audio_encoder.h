#pragma once

#include <metalaudio/audio/audio_writer.h>
#include <metalaudio/audio/output_file.h>

#include <memory>
#include <span>

namespace metalaudio::audio {

/// What AudioWriter asks of a library that encodes files.
/// Errors:   as AudioWriter.
/// Threads:  one instance per thread.
class AudioEncoder {
 public:
  virtual ~AudioEncoder() = default;
  /// Whole frames of interleaved finite samples.
  virtual void write(std::span<const float> interleaved) = 0;
  /// Writes what is still held back and what the header needs of it.
  virtual void finish() = 0;
};

/// The file outlives the encoder. Options have been checked.
std::unique_ptr<AudioEncoder> make_sndfile_encoder(OutputFile& file,
                                                   const AudioWriterOptions& options);
std::unique_ptr<AudioEncoder> make_mp3_encoder(OutputFile& file, const AudioWriterOptions& options);
/// Ogg, Opus and M4A. Throws Error{unsupported} in a build without FFmpeg, too.
std::unique_ptr<AudioEncoder> make_ffmpeg_encoder(OutputFile& file,
                                                  const AudioWriterOptions& options);

}  // namespace metalaudio::audio

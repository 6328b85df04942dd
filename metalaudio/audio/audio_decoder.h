#pragma once

#include <metalaudio/audio/audio_format.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace metalaudio::audio {

/// What AudioReader asks of a library that decodes files.
/// Errors:   read throws Error{invalid_data} at damage or where the file ends too early.
/// Threads:  one instance per thread.
class AudioDecoder {
 public:
  virtual ~AudioDecoder() = default;
  virtual const AudioFormat& format() const noexcept = 0;
  /// Fills whole frames of interleaved samples; fewer than fit only at the end.
  virtual std::size_t read(std::span<float> interleaved) = 0;
};

/// Each gives null and a reason for a file that its library does not take.
std::unique_ptr<AudioDecoder> open_with_sndfile(const std::filesystem::path& path,
                                                std::string& reason);
std::unique_ptr<AudioDecoder> open_with_ffmpeg(const std::filesystem::path& path,
                                               std::string& reason);

}  // namespace metalaudio::audio

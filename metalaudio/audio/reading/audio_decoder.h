#pragma once

#include <metalaudio/audio/reading/file_section.h>
#include <metalaudio/audio/reading/read_log.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace metalaudio::audio {

/// Samples as they are decoded. Their format may change from one block to the next.
struct DecodedBlock {
  int sample_rate_hz = 0;
  std::size_t channels = 0;
  std::uint32_t channel_mask = 0;  ///< as AudioFormat's, in whose order they are
  std::span<const float> interleaved;

  bool is_like(const DecodedBlock& other) const noexcept {
    return sample_rate_hz == other.sample_rate_hz && channels == other.channels &&
           channel_mask == other.channel_mask;
  }
};

/// What AudioReader asks of a library that decodes files.
/// Errors:   next throws Error{invalid_data} at damage, and as ReadLog where the file ends early.
/// Threads:  one instance per thread.
class AudioDecoder {
 public:
  virtual ~AudioDecoder() = default;
  /// The next samples, at least one frame of them, which live until the next call; false at the
  /// end.
  virtual bool next(DecodedBlock& block) = 0;
  /// How many frames there should be, for progress.
  virtual std::optional<std::int64_t> stated_frames() const noexcept = 0;
};

/// Each gives null and a reason for a file that its library does not take. The log outlives the
/// decoder.
std::unique_ptr<AudioDecoder> open_with_ffmpeg(const FileSection& section, ReadLog& log,
                                               std::string& reason);
std::unique_ptr<AudioDecoder> open_with_sndfile(const FileSection& section, ReadLog& log,
                                                std::string& reason);

/// Whether FFmpeg is built in; without it libsndfile is asked about every file.
bool has_ffmpeg() noexcept;

}  // namespace metalaudio::audio

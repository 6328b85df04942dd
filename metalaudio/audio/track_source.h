#pragma once

#include <metalaudio/audio/audio_format.h>
#include <metalaudio/audio/audio_reader.h>
#include <metalaudio/audio/mono_statistics.h>
#include <metalaudio/audio/temporary_audio.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace metalaudio::audio {

struct TrackOptions {
  int sample_rate_hz = 44100;    ///< 0: the file's own
  std::size_t channels = 2;      ///< 0: the file's own
  bool downmix = false;          ///< to two channels as Downmix does, where the file has more
  bool allow_truncated = false;  ///< a file that ends early is a warning, not an error
  std::size_t memory_limit_bytes = TemporaryAudio::kMemoryLimitBytes;
  /// Called now and then with the part that is done, 0 to 1; 0 while the length is not known. What
  /// it throws ends the constructor.
  std::function<void(double)> progress = nullptr;
};

/// An audio file, decoded once in the constructor into the channels and the rate that a model
/// wants, in memory where it is short and otherwise in a temporary file: ten hours need no more
/// memory than ten minutes. Converts as upstream does: channels before rate, and of more channels
/// than are wanted the first, which are front left and right.
/// Errors:   as AudioReader, convert_channels, Downmix and TemporaryAudio; Error{invalid_data} for
///           a file without a single frame.
/// Threads:  as AudioSource.
class TrackSource final : public AudioSource {
 public:
  explicit TrackSource(const std::filesystem::path& path, const TrackOptions& options = {});

  std::int64_t frames() const noexcept override { return audio_.frames(); }
  std::size_t channels() const noexcept override { return audio_.channels(); }
  int sample_rate_hz() const noexcept override { return audio_.sample_rate_hz(); }
  void read(std::int64_t first_frame, AudioView out) const override {
    audio_.read(first_frame, out);
  }

  /// Of the converted audio, over its whole length.
  const MonoStatistics& statistics() const noexcept { return statistics_; }
  /// What was odd about the file and what was done with its channels, without the file's name.
  const std::vector<std::string>& warnings() const noexcept { return warnings_; }
  /// What the file itself holds; frames is exact, as counted while decoding.
  const AudioFormat& file_format() const noexcept { return file_format_; }
  bool is_in_memory() const noexcept { return audio_.is_in_memory(); }

 private:
  TrackSource(AudioReader reader, const std::filesystem::path& path, const TrackOptions& options);
  void append(ConstAudioView block);

  TemporaryAudio audio_;
  MonoStatistics statistics_;
  AudioFormat file_format_;
  std::vector<std::string> warnings_;
};

}  // namespace metalaudio::audio

#pragma once

#include <metalaudio/audio/audio_source.h>
#include <metalaudio/core/audio_view.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace metalaudio::audio {

/// Audio that grows at its end and is read anywhere: in memory up to a limit, then in a file that
/// has no name and goes with this object or its process, in the first of temporary_folders(beside)
/// that takes it.
/// Errors:   the constructor throws Error{invalid_argument} unless there is a channel and a rate;
///           append and read throw Error{io} with the folder and the reason, as for a full disk.
/// Threads:  reads may run at once; append excludes everything else.
class TemporaryAudio final : public AudioSource {
 public:
  static constexpr std::size_t kMemoryLimitBytes = std::size_t{128} << 20;

  TemporaryAudio(std::size_t channels, int sample_rate_hz,
                 std::size_t memory_limit_bytes = kMemoryLimitBytes, std::string beside = {});
  ~TemporaryAudio() override;
  TemporaryAudio(const TemporaryAudio&) = delete;
  TemporaryAudio& operator=(const TemporaryAudio&) = delete;

  void append(ConstAudioView block);

  std::int64_t frames() const noexcept override { return frames_; }
  std::size_t channels() const noexcept override { return channels_; }
  int sample_rate_hz() const noexcept override { return sample_rate_hz_; }
  void read(std::int64_t first_frame, AudioView out) const override;

  bool is_in_memory() const noexcept { return file_ < 0; }

 private:
  void append_to_memory(ConstAudioView block);
  void append_to_file(ConstAudioView block);
  void move_to_file();
  void write_at_end(std::span<const float> interleaved);
  void read_memory(std::int64_t first_frame, AudioView out) const;
  void read_file(std::int64_t first_frame, AudioView out) const;
  void read_interleaved(std::int64_t first_frame, std::span<float> interleaved) const;

  std::size_t channels_;
  int sample_rate_hz_;
  std::size_t memory_limit_bytes_;
  std::int64_t frames_ = 0;
  std::vector<std::unique_ptr<float[]>> memory_;  // [channels][frames] each; while in memory
  std::vector<float> scratch_;                    // interleaved
  std::string beside_;
  std::string folder_;  ///< of the file
  int file_ = -1;
  std::int64_t file_bytes_ = 0;
};

}  // namespace metalaudio::audio

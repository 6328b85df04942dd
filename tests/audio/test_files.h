#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/audio/audio_reader.h>
#include <metalaudio/audio/audio_writer.h>
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/error.h>

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace metalaudio::audio {

/// A folder that goes with the test.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }
  /// How many files lie in it.
  std::size_t count() const;

 private:
  std::filesystem::path path_;
};

/// Seeded noise in ±amplitude, each channel its own.
AudioBuffer noise(std::size_t channels, std::size_t frames, float amplitude = 0.9f);
/// A tone per channel, a fifth apart, with 10 ms of fade at both ends.
AudioBuffer tones(std::size_t channels, std::size_t frames, int sample_rate_hz,
                  double frequency_hz = 440.0);

void write_file(const std::filesystem::path& path, const AudioBuffer& samples,
                const AudioWriterOptions& options);
void write_bytes(const std::filesystem::path& path, std::span<const std::byte> bytes);
void write_text(const std::filesystem::path& path, const std::string& text);
std::string read_bytes(const std::filesystem::path& path);
/// Cuts the file after this part of it.
void truncate(const std::filesystem::path& path, double part);
/// Encodes with FFmpeg, by the container's and the codec's names, as in ("ipod", "aac").
void encode_with_ffmpeg(const std::filesystem::path& path, const AudioBuffer& samples,
                        int sample_rate_hz, const char* container, const char* codec);

/// What a container says of its music.
struct ContainerTags {
  struct Attachment {
    std::string name, mime_type, bytes;
  };
  std::map<std::string, std::string> texts{};
  std::map<std::string, std::string> track_texts{};  ///< of each track
  std::vector<Attachment> attachments{};
};

/// Puts the first tracks of these files into one container; `chosen` is the one marked default, and
/// all begin so late.
void remux_with_ffmpeg(const std::filesystem::path& path, const char* container,
                       const std::vector<std::filesystem::path>& files, std::size_t chosen,
                       double late_seconds = 0.0, const ContainerTags& tags = {});

/// The whole file, read in blocks of this many frames.
AudioBuffer read_file(const std::filesystem::path& path, std::size_t block_frames = 1000);

/// 10 log10 of the power of `expected` over the power of the difference.
double snr_db(const AudioBuffer& expected, const AudioBuffer& actual);

/// Expects `call` to throw an Error of this code whose one line holds each of the words.
template <typename Call>
void expect_error(ErrorCode code, const std::vector<std::string>& words, Call&& call) {
  try {
    call();
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_EQ(to_string(error.code()), to_string(code)) << message;
    EXPECT_THAT(message, ::testing::Not(::testing::HasSubstr("\n")));
    for (const std::string& word : words) EXPECT_THAT(message, ::testing::HasSubstr(word));
  }
}

}  // namespace metalaudio::audio

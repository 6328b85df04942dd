#include "test_files.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <limits>
#include <random>

namespace metalaudio::audio {
namespace {

namespace fs = std::filesystem;

/// A WAV header for 16-bit samples that promises this many bytes of them, and what follows it.
std::string wav(std::uint16_t channels, std::uint32_t rate, std::uint32_t promised,
                std::size_t sample_bytes) {
  const auto u16 = [](std::uint16_t number) {
    return std::string{static_cast<char>(number & 0xFF), static_cast<char>(number >> 8)};
  };
  const auto u32 = [&](std::uint32_t number) {
    return u16(static_cast<std::uint16_t>(number)) + u16(static_cast<std::uint16_t>(number >> 16));
  };
  const auto frame_bytes = static_cast<std::uint16_t>(channels * 2);
  const std::string format =
      u16(1) + u16(channels) + u32(rate) + u32(rate * frame_bytes) + u16(frame_bytes) + u16(16);
  return "RIFF" + u32(promised + 36) + "WAVEfmt " + u32(16) + format + "data" + u32(promised) +
         std::string(sample_bytes, '\1');
}

class BadFiles : public ::testing::Test {
 protected:
  void expect_unreadable(const fs::path& path, ErrorCode code, const std::string& reason) {
    expect_error(code, {path.string(), reason}, [&] { read_file(path); });
  }
  void expect_unreadable_bytes(const std::string& bytes, ErrorCode code,
                               const std::string& reason) {
    write_text(folder_ / "bad.wav", bytes);
    expect_unreadable(folder_ / "bad.wav", code, reason);
  }

  TemporaryFolder folder_;
};

TEST_F(BadFiles, Missing) {
  expect_unreadable(folder_ / "none.wav", ErrorCode::not_found, "no such file");
}

TEST_F(BadFiles, AFolder) {
  fs::create_directory(folder_ / "folder.wav");
  expect_unreadable(folder_ / "folder.wav", ErrorCode::invalid_data, "folder");
}

TEST_F(BadFiles, APipe) {
  ASSERT_EQ(::mkfifo((folder_ / "pipe.wav").c_str(), 0600), 0);
  expect_unreadable(folder_ / "pipe.wav", ErrorCode::unsupported, "not a regular file");
}

TEST_F(BadFiles, TextUnderASongsName) {
  const std::string page =
      "\xEF\xBB\xBF \n<!DOCTYPE html><html><title>404</title>" + std::string(5000, 'x') + "</html>";
  for (const char* name : {"a.mp3", "a.wav", "a.flac", "a"}) {
    write_text(folder_ / name, page);
    expect_unreadable(folder_ / name, ErrorCode::invalid_data, "a web page, not audio");
  }
  write_text(folder_ / "a.wav",
             "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n");
  expect_unreadable(folder_ / "a.wav", ErrorCode::invalid_data, "a pointer of Git LFS to a file");
  write_text(folder_ / "a.mp3", "#EXTM3U\n/etc/passwd\n");
  expect_unreadable(folder_ / "a.mp3", ErrorCode::invalid_data, "a playlist, not audio");
}

TEST_F(BadFiles, NotAllowed) {
  write_text(folder_ / "secret.wav", wav(1, 44100, 4, 4));
  fs::permissions(folder_ / "secret.wav", fs::perms::none);
  fs::permissions(folder_.path(), fs::perms::all);
  // Root may read everything, so the test reads as nobody.
  const bool root = ::geteuid() == 0;
  if (root) {
    ASSERT_EQ(::seteuid(65534), 0);
  }
  expect_unreadable(folder_ / "secret.wav", ErrorCode::io, "Permission denied");
  if (root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
}

TEST_F(BadFiles, Empty) { expect_unreadable_bytes("", ErrorCode::invalid_data, "empty file"); }

TEST_F(BadFiles, Text) {
  expect_unreadable_bytes("Dear diary,\ntoday I named a text .wav.\n", ErrorCode::invalid_data,
                          "not audio");
}

TEST_F(BadFiles, ChannelsAndRates) {
  expect_unreadable_bytes(wav(0, 44100, 64, 64), ErrorCode::invalid_data, "hannel");
  expect_unreadable_bytes(wav(64, 44100, 1280, 1280), ErrorCode::unsupported, "64 channels");
  expect_unreadable_bytes(wav(1, 1, 64, 64), ErrorCode::unsupported, "sample rate 1 Hz");
  expect_unreadable_bytes(wav(1, 2000000, 64, 64), ErrorCode::unsupported,
                          "sample rate 2000000 Hz");
}

TEST_F(BadFiles, TruncatedWav) {
  expect_unreadable_bytes(wav(1, 44100, 1000, 998), ErrorCode::invalid_data,
                          "truncated: 998 bytes of samples of 1000");
}

TEST_F(BadFiles, HeaderAlone) {
  expect_unreadable_bytes(wav(2, 44100, 1000, 0), ErrorCode::invalid_data, "truncated");
  expect_unreadable_bytes(wav(2, 44100, 1000, 0).substr(0, 30), ErrorCode::invalid_data,
                          "not audio");
}

// Programs that write into a pipe cannot know the length.
TEST_F(BadFiles, UnknownLengthIsNotTruncated) {
  for (const std::uint32_t promised : {0u, 0xFFFFFFFFu, 0x7FFFF000u, 0x80000000u}) {
    write_text(folder_ / "pipe.wav", wav(2, 44100, promised, 4000));
    EXPECT_EQ(read_file(folder_ / "pipe.wav").frames(), 1000u) << promised;
  }
}

TEST_F(BadFiles, SamplesThatAreNotFinite) {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const auto path = folder_ / "nan.wav";
    AudioBuffer samples = noise(2, 5000);
    write_file(path, samples, {.sample_format = SampleFormat::float32});
    std::string bytes = read_bytes(path);
    // The last frame but 567, right channel.
    std::memcpy(bytes.data() + bytes.size() - 568 * 8 + 4, &bad, sizeof bad);
    write_text(path, bytes);
    expect_unreadable(path, ErrorCode::invalid_data, "at 0.100 s in channel 2");
  }
}

TEST_F(BadFiles, TruncatedFlac) {
  const auto path = folder_ / "a.flac";
  write_file(path, noise(2, 44100), {.type = FileType::flac});
  truncate(path, 0.7);
  expect_unreadable(path, ErrorCode::invalid_data, "");
}

TEST_F(BadFiles, TruncatedMp3) {
  const auto path = folder_ / "a.mp3";
  write_file(path, noise(2, 441000), {.type = FileType::mp3});
  truncate(path, 0.7);
  expect_unreadable(path, ErrorCode::invalid_data, "truncated");
}

// Songs that were joined end to end have tags in their middle, and cut ones begin within a frame.
TEST_F(BadFiles, Mp3GoesOnAfterWhatIsNoFrame) {
  const auto path = folder_ / "a.mp3";
  write_file(path, noise(2, 441000), {.type = FileType::mp3});
  const std::string whole = read_bytes(path);
  write_text(path, whole.substr(0, 200000) + "TAG" + std::string(3000, 'x') + whole.substr(200000));
  EXPECT_GE(read_file(path).frames(), 441000u - 3 * 1152);
  write_text(path, whole.substr(1500));
  EXPECT_GE(read_file(path).frames(), 441000u - 3 * 1152);
}

TEST_F(BadFiles, TruncatedM4a) {
  const auto path = folder_ / "a.m4a";
  encode_with_ffmpeg(path, tones(2, 88200, 44100), 44100, "ipod", "aac");
  truncate(path, 0.7);
  expect_unreadable(path, ErrorCode::invalid_data, "not audio");  // its index is at its end
}

TEST_F(BadFiles, TruncatedMatroskaAndWma) {
  encode_with_ffmpeg(folder_ / "a.mka", tones(2, 441000, 44100), 44100, "matroska", "aac");
  encode_with_ffmpeg(folder_ / "a.wma", tones(2, 441000, 44100), 44100, "asf", "wmav2");
  truncate(folder_ / "a.mka", 0.7);
  expect_unreadable(folder_ / "a.mka", ErrorCode::invalid_data, "truncated");
  truncate(folder_ / "a.wma", 0.7);
  expect_unreadable(folder_ / "a.wma", ErrorCode::invalid_data, "truncated: damaged after 6.9");
}

// Any end is possible: it may fail, and it may not crash or claim the whole length.
TEST_F(BadFiles, EveryTruncationEndsInAnErrorOrLess) {
  const AudioBuffer samples = tones(2, 20000, 44100);
  write_file(folder_ / "a.flac", samples, {.type = FileType::flac});
  write_file(folder_ / "a.mp3", samples, {.type = FileType::mp3});
  encode_with_ffmpeg(folder_ / "a.m4a", samples, 44100, "ipod", "aac");
  encode_with_ffmpeg(folder_ / "a.wma", samples, 44100, "asf", "wmav2");
  for (const char* name : {"a.flac", "a.mp3", "a.m4a", "a.wma"}) {
    const std::string whole = read_bytes(folder_ / name);
    for (std::size_t size = 1; size < whole.size(); size += whole.size() / 40) {
      write_text(folder_ / "cut", whole.substr(0, size));
      try {
        EXPECT_LE(read_file(folder_ / "cut").frames(), samples.frames() + 4096);
      } catch (const Error& error) {
        EXPECT_THAT(error.what(), ::testing::HasSubstr("cut")) << name << " " << size;
      }
    }
  }
}

// Damage anywhere may fail or pass for sound, and it may not crash or go on for ever.
TEST_F(BadFiles, FlippedBitsEndInAnErrorOrInFiniteSamples) {
  const AudioBuffer samples = tones(2, 6000, 44100);
  write_file(folder_ / "a.wav", samples, {.sample_format = SampleFormat::float32});
  write_file(folder_ / "a.flac", samples, {.type = FileType::flac});
  write_file(folder_ / "a.mp3", samples, {.type = FileType::mp3, .mp3_bitrate_kbps = 128});
  encode_with_ffmpeg(folder_ / "a.m4a", samples, 44100, "ipod", "aac");
  encode_with_ffmpeg(folder_ / "a.wma", samples, 44100, "asf", "wmav2");
  encode_with_ffmpeg(folder_ / "a.mka", samples, 44100, "matroska", "aac");
  std::mt19937 generator(1);
  for (const char* name : {"a.wav", "a.flac", "a.mp3", "a.m4a", "a.wma", "a.mka"}) {
    const std::string whole = read_bytes(folder_ / name);
    for (int round = 0; round < 60; ++round) {
      std::string damaged = whole;
      // Half of the rounds damage the header alone.
      const std::size_t end =
          round % 2 == 0 ? std::min<std::size_t>(200, whole.size()) : whole.size();
      for (int flips = 0; flips < 4; ++flips)
        damaged[generator() % end] ^= static_cast<char>(1 << generator() % 8);
      write_text(folder_ / "damaged", damaged);
      try {
        EXPECT_LE(read_file(folder_ / "damaged").frames(), 1000000u);
      } catch (const Error& error) {
        EXPECT_THAT(error.what(), ::testing::HasSubstr("damaged")) << name << " " << round;
      }
    }
  }
}

// A play list may not make the reader open other files.
TEST_F(BadFiles, APlayListOpensNothing) {
  const AudioBuffer samples = tones(2, 20000, 44100);
  encode_with_ffmpeg(folder_ / "a.aac", samples, 44100, "adts", "aac");
  const std::string list = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n" +
                           (folder_ / "a.aac").string() + "\n#EXT-X-ENDLIST\n";
  write_text(folder_ / "list.m3u8", list);
  expect_unreadable(folder_ / "list.m3u8", ErrorCode::invalid_data, "not audio");
}

class BadOutput : public BadFiles {};

TEST_F(BadOutput, FolderIsMissing) {
  expect_error(ErrorCode::io, {"none/a.wav", "No such file"},
               [&] { AudioWriter(folder_ / "none/a.wav", {}); });
}

TEST_F(BadOutput, TargetIsAFolderOrADevice) {
  expect_error(ErrorCode::io, {folder_.path().string(), "directory"},
               [&] { AudioWriter(folder_.path(), {}); });
  expect_error(ErrorCode::io, {"/dev/full", "not a regular file"},
               [&] { AudioWriter("/dev/full", {}); });
}

TEST_F(BadOutput, NothingStaysWithoutClose) {
  write_text(folder_ / "old.wav", "old");
  for (const FileType type : {FileType::wav, FileType::flac, FileType::mp3}) {
    AudioWriter writer(folder_ / "old.wav", {.type = type});
    writer.write(noise(2, 50000));
  }
  EXPECT_EQ(read_bytes(folder_ / "old.wav"), "old");
  EXPECT_EQ(folder_.count(), 1u);
}

TEST_F(BadOutput, ALinkStaysALink) {
  write_text(folder_ / "old.wav", "old");
  fs::create_symlink(folder_ / "old.wav", folder_ / "link.wav");
  write_file(folder_ / "link.wav", noise(2, 100), {});
  EXPECT_TRUE(fs::is_symlink(folder_ / "link.wav"));
  EXPECT_EQ(read_file(folder_ / "old.wav").frames(), 100u);
}

/// The disk of this process is full after so many bytes of a file.
class SmallDisk {
 public:
  explicit SmallDisk(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit limit{bytes, old_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~SmallDisk() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, handler_);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

 private:
  rlimit old_{};
  void (*handler_)(int);
};

TEST_F(BadOutput, TheDiskFillsUp) {
  for (const FileType type : {FileType::wav, FileType::flac, FileType::mp3})
    for (const rlim_t bytes : {10, 1000, 20000, 40000}) {
      expect_error(ErrorCode::io, {"full.audio", "File too large"}, [&] {
        const SmallDisk disk(bytes);
        AudioWriter writer(folder_ / "full.audio", {.type = type});
        for (int block = 0; block < 100; ++block) writer.write(noise(2, 1000));
        writer.close();
      });
      EXPECT_EQ(folder_.count(), 0u);
    }
}

TEST_F(BadOutput, SamplesThatAreNotFinite) {
  AudioWriter writer(folder_ / "a.wav", {});
  AudioBuffer samples = noise(2, 5000);
  writer.write(samples);
  samples.channel(1)[4500] = std::numeric_limits<float>::quiet_NaN();
  expect_error(ErrorCode::invalid_data, {"a.wav", "nan at 0.215 s in channel 2"},
               [&] { writer.write(samples); });
}

TEST_F(BadOutput, WhatTheTypeCannotHold) {
  const auto open = [&](AudioWriterOptions options) { AudioWriter(folder_ / "a", options); };
  const auto expect = [&](ErrorCode code, const std::string& reason, AudioWriterOptions options) {
    expect_error(code, {reason}, [&] { open(options); });
  };
  using enum ErrorCode;
  expect(invalid_argument, "no channels", {.channels = 0});
  expect(invalid_argument, "sample rate 0", {.sample_rate_hz = 0});
  expect(unsupported, "3 channels: mp3", {.channels = 3, .type = FileType::mp3});
  expect(unsupported, "9 channels: flac", {.channels = 9, .type = FileType::flac});
  expect(unsupported, "float32", {.type = FileType::flac, .sample_format = SampleFormat::float32});
  expect(invalid_argument, "bit rate 321", {.mp3_bitrate_kbps = 321});
  expect(invalid_argument, "preset 1", {.mp3_preset = 1});
  EXPECT_EQ(folder_.count(), 0u);
}

}  // namespace
}  // namespace metalaudio::audio

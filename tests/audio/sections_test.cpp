#include <metalaudio/audio/track_source.h>
#include <metalaudio/core/error.h>

#include <cmath>
#include <cstring>

#include "test_files.h"

namespace metalaudio::audio {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string u32(std::uint32_t number) {
  std::string bytes(4, '\0');
  std::memcpy(bytes.data(), &number, 4);
  return bytes;
}

/// What a reader gives, and what it says.
struct Reading {
  std::size_t frames = 0;
  float peak = 0.0f;
  AudioFormat format;
  std::vector<std::string> warnings;
  std::vector<std::vector<float>> samples;
};

Reading read(const std::filesystem::path& path, const ReadOptions& options = {}) {
  AudioReader reader(path, options);
  Reading reading;
  reading.format = reader.format();
  reading.samples.resize(reader.format().channels);
  AudioBuffer block(reader.format().channels, 1000);
  while (const std::size_t got = reader.read(block)) {
    reading.frames += got;
    for (std::size_t channel = 0; channel < block.channels(); ++channel)
      for (const float sample : block.channel(channel).first(got)) {
        reading.peak = std::max(reading.peak, std::abs(sample));
        reading.samples[channel].push_back(sample);
      }
  }
  reading.warnings = reader.warnings();
  return reading;
}

/// Zero crossings per second, which are twice a tone's frequency.
double frequency_of(const std::vector<float>& samples, int rate) {
  std::size_t crossings = 0;
  for (std::size_t i = samples.size() / 4 + 1; i < samples.size() * 3 / 4; ++i)
    crossings += (samples[i] < 0.0f) != (samples[i - 1] < 0.0f);
  return static_cast<double>(crossings) * rate / static_cast<double>(samples.size());
}

class Sections : public ::testing::Test {
 protected:
  /// A WAV file of 8000 mono frames at 0.25, its header's 44 bytes first.
  std::string wav(SampleFormat format = SampleFormat::pcm16) {
    AudioBuffer samples(1, 8000);
    for (std::size_t i = 0; i < 8000; ++i) samples.channel(0)[i] = i % 2 == 0 ? 0.25f : -0.25f;
    write_file(folder_ / "plain.wav", samples,
               {.sample_rate_hz = 8000, .channels = 1, .sample_format = format});
    return read_bytes(folder_ / "plain.wav");
  }
  static std::string with_data_bytes(std::string bytes, std::uint32_t promised) {
    const std::size_t place = bytes.find("data") + 4;
    return bytes.replace(place, 4, u32(promised));
  }
  Reading read_text(const std::string& bytes) {
    write_text(folder_ / "a.wav", bytes);
    return read(folder_ / "a.wav");
  }
  /// The tags that programs write, of bytes that are loud if they are taken for samples.
  static std::string tags() {
    return "LIST" + u32(400) + "INFO" + std::string(396, '\x7F') + "id3 " + u32(301) +
           std::string(302, '\x7E');
  }

  TemporaryFolder folder_;
};

TEST_F(Sections, TagsAreNoSamplesWhateverLengthIsStated) {
  const std::string bytes = wav();
  for (const std::uint32_t promised : {16000u, 0u, 0xFFFFFFFFu, 0x7FFFF000u, 0x7FFFFFFFu,
                                       0x80000000u, 0xFFFFFFDBu, 16044u, 16036u, 16008u}) {
    const Reading reading = read_text(with_data_bytes(bytes, promised) + tags());
    EXPECT_EQ(reading.frames, 8000u) << promised;
    EXPECT_LT(reading.peak, 0.26f) << promised;
  }
}

TEST_F(Sections, HowManyBitsAreValidIsARemark) {
  // Extensible, 32-bit integers of which 24 are said to be valid: 1000 frames at a quarter.
  std::string format{"\xFE\xFF\x01\0\x40\x1F\0\0\0\x7D\0\0\x04\0\x20\0\x16\0\x18\0\x04\0\0\0", 24};
  format += std::string{"\x01\0\0\0\0\0\x10\0\x80\0\0\xAA\0\x38\x9B\x71", 16};
  std::string samples;
  for (int i = 0; i < 1000; ++i) samples += u32(0x20000000);
  const Reading reading = read_text("RIFF" + u32(60 + 4000) + "WAVEfmt " + u32(40) + format +
                                    "data" + u32(4000) + samples);
  EXPECT_EQ(reading.frames, 1000U);
  EXPECT_FLOAT_EQ(reading.samples[0][500], 0.25f);
}

TEST_F(Sections, DamagedAndMissingPagesOfAnOggAreTold) {
  encode_with_ffmpeg(folder_ / "a.ogg", tones(2, 441000, 44100, 440.0), 44100, "ogg", "libvorbis");
  const std::string whole = read_bytes(folder_ / "a.ogg");
  EXPECT_THAT(read(folder_ / "a.ogg").warnings, IsEmpty());
  std::string damaged = whole;
  damaged[whole.size() / 2] ^= 0x55;
  write_text(folder_ / "damaged.ogg", damaged);
  EXPECT_THAT(read(folder_ / "damaged.ogg").warnings,
              ::testing::Contains(HasSubstr("damaged pages of the Ogg")));
  const std::size_t page = whole.find("OggS", whole.size() / 2);
  const std::size_t next = whole.find("OggS", page + 1);
  write_text(folder_ / "missing.ogg", whole.substr(0, page) + whole.substr(next));
  EXPECT_THAT(read(folder_ / "missing.ogg").warnings,
              ::testing::Contains("missing pages of the Ogg: 1"));
}

TEST_F(Sections, AListOfOtherFilesOpensNone) {
  wav();
  EXPECT_THAT([&] { read_text("ffconcat version 1.0\nfile plain.wav\n"); },
              ::testing::Throws<Error>());
}

TEST_F(Sections, NoSamplesBeforeTagsAreNoFrame) {
  for (const std::uint32_t promised : {0u, 0xFFFFFFFFu})
    expect_error(ErrorCode::invalid_data, {"a.wav", "not a single frame of audio"},
                 [&] { read_text(with_data_bytes(wav().substr(0, 44), promised) + tags()); });
}

TEST_F(Sections, ALengthThatCountsTheHeaderIsToldNotRefused) {
  for (const std::uint32_t more : {44u, 36u}) {
    const Reading reading = read_text(with_data_bytes(wav(), 16000 + more));
    EXPECT_EQ(reading.frames, 8000u);
    EXPECT_THAT(reading.warnings, ElementsAre(HasSubstr("counts a header")));
  }
}

TEST_F(Sections, BytesThatNobodyReadsAreTold) {
  const Reading reading = read_text(wav() + std::string(100, '\x01'));
  EXPECT_EQ(reading.frames, 8000u);
  EXPECT_THAT(reading.warnings, ElementsAre(HasSubstr("100 bytes")));
  EXPECT_THAT(read_text(wav() + tags()).warnings, IsEmpty());
}

TEST_F(Sections, AnIncompleteFrameAtTheEndIsLeftOff) {
  const Reading reading = read_text(with_data_bytes(wav(SampleFormat::pcm24), 24001) + "\x7F");
  EXPECT_EQ(reading.frames, 8000u);
}

TEST_F(Sections, SeveralChunksOfSamplesAreReadOneAfterTheOther) {
  const std::string bytes = wav();
  EXPECT_EQ(read_text(bytes + bytes.substr(36)).frames, 16000u);
}

TEST_F(Sections, EarlyEndsAreWarningsWhereTheyAreAllowed) {
  const std::string bytes = wav();
  write_text(folder_ / "a.wav", bytes.substr(0, 10044));
  expect_error(ErrorCode::invalid_data, {"truncated: 10000 bytes of samples of 16000"},
               [&] { read(folder_ / "a.wav"); });
  const Reading reading = read(folder_ / "a.wav", {.allow_truncated = true});
  EXPECT_EQ(reading.frames, 5000u);
  EXPECT_THAT(reading.warnings, ElementsAre(HasSubstr("truncated")));

  const AudioBuffer samples = tones(2, 441000, 44100);
  write_file(folder_ / "a.flac", samples, {.type = FileType::flac});
  write_file(folder_ / "a.mp3", samples, {.type = FileType::mp3});
  encode_with_ffmpeg(folder_ / "a.ogg", samples, 44100, "ogg", "libvorbis");
  encode_with_ffmpeg(folder_ / "a.mka", samples, 44100, "matroska", "aac");
  encode_with_ffmpeg(folder_ / "a.wma", samples, 44100, "asf", "wmav2");
  encode_with_ffmpeg(folder_ / "a.avi", samples, 44100, "avi", "ac3");
  for (const char* name : {"a.flac", "a.mp3", "a.ogg", "a.mka", "a.wma", "a.avi"}) {
    truncate(folder_ / name, 0.6);
    expect_error(ErrorCode::invalid_data, {name, "truncated"}, [&] { read(folder_ / name); });
    const Reading cut = read(folder_ / name, {.allow_truncated = true});
    EXPECT_GT(cut.frames, 150000u) << name;
    EXPECT_LT(cut.frames, 400000u) << name;
    EXPECT_THAT(cut.warnings, ElementsAre(HasSubstr("truncated"))) << name;
  }
}

TEST_F(Sections, AllLinksOfAChainAreRead) {
  for (const auto& [codec, rate] : {std::pair{"libvorbis", 44100}, {"libopus", 48000}}) {
    encode_with_ffmpeg(folder_ / "1.ogg", tones(2, 44100, rate, 440.0), rate, "ogg", codec);
    encode_with_ffmpeg(folder_ / "2.ogg", tones(1, 88200, rate, 880.0), rate, "ogg", codec);
    const std::size_t first = read(folder_ / "1.ogg").frames;
    const std::size_t second = read(folder_ / "2.ogg").frames;
    write_text(folder_ / "chain.ogg",
               read_bytes(folder_ / "1.ogg") + read_bytes(folder_ / "2.ogg"));
    const Reading reading = read(folder_ / "chain.ogg");
    EXPECT_EQ(reading.frames, first + second) << codec;
    // One channel went on where two were.
    EXPECT_THAT(reading.warnings, ElementsAre(HasSubstr("1 channel from"))) << codec;
    const std::vector<float> tail(reading.samples[1].begin() + 50000, reading.samples[1].end());
    EXPECT_NEAR(frequency_of(tail, rate), 880.0, 5.0) << codec;
  }
}

TEST_F(Sections, PartsOfAnotherRateAreBroughtToTheFirst) {
  encode_with_ffmpeg(folder_ / "1.ogg", tones(1, 44100, 44100, 440.0), 44100, "ogg", "libvorbis");
  encode_with_ffmpeg(folder_ / "2.ogg", tones(2, 48000, 48000, 880.0), 48000, "ogg", "libvorbis");
  write_text(folder_ / "chain.ogg", read_bytes(folder_ / "1.ogg") + read_bytes(folder_ / "2.ogg"));
  const Reading reading = read(folder_ / "chain.ogg", {.channels_for_mono = 2});
  EXPECT_EQ(reading.format.channels, 2u);
  EXPECT_EQ(reading.format.sample_rate_hz, 44100);
  const std::size_t second = read(folder_ / "2.ogg").frames;
  EXPECT_EQ(reading.frames, read(folder_ / "1.ogg").frames + second * 44100 / 48000);
  const std::vector<float> left(reading.samples[0].begin() + 44100, reading.samples[0].end());
  const std::vector<float> right(reading.samples[1].begin() + 44100, reading.samples[1].end());
  EXPECT_NEAR(frequency_of(left, 44100), 880.0, 5.0);
  EXPECT_NEAR(frequency_of(right, 44100), 1320.0, 5.0);
}

TEST_F(Sections, JoinedMp3sMayChangeRateAndChannels) {
  write_file(folder_ / "1.mp3", tones(1, 44100, 44100),
             {.channels = 1, .type = FileType::mp3, .mp3_bitrate_kbps = 128});
  write_file(folder_ / "2.mp3", tones(2, 48000, 48000),
             {.sample_rate_hz = 48000, .type = FileType::mp3, .mp3_bitrate_kbps = 128});
  write_text(folder_ / "a.mp3", read_bytes(folder_ / "1.mp3") + read_bytes(folder_ / "2.mp3"));
  const Reading reading = read(folder_ / "a.mp3");
  // Each is as long as it is alone.
  EXPECT_EQ(reading.frames, 88200u);
  EXPECT_THAT(reading.warnings, ::testing::Contains(HasSubstr("48000 Hz and 2 channels from")));
}

TEST_F(Sections, JoinedFlacsAndTheirTagsAreReadExactly) {
  const AudioBuffer samples = noise(2, 30000);
  write_file(folder_ / "a.flac", samples, {.type = FileType::flac});
  const std::string flac = read_bytes(folder_ / "a.flac");
  const std::string id3v1 = "TAG" + std::string(125, 'x');
  const std::string ape =
      "APETAGEX" + u32(2000) + u32(32) + u32(0) + u32(0xA0000000) + std::string(8, '\0');
  const std::string ape_footer =
      "APETAGEX" + u32(2000) + u32(132) + u32(1) + u32(0x80000000) + std::string(8, '\0');
  const std::string ape_tag = ape + std::string(100, 'y') + ape_footer;
  const std::string id3v2 = std::string("ID3\x04\0\0\0\0\0\x14", 10) + std::string(20, 'z');
  const std::vector<std::pair<std::string, std::size_t>> cases{
      {flac + id3v1, 30000},
      {flac + ape_tag, 30000},
      {flac + ape_tag + id3v1, 30000},
      {id3v2 + flac, 30000},
      {flac + flac, 60000},
      {flac + id3v1 + id3v2 + flac, 60000},
      {flac + id3v2 + flac + ape_tag, 60000}};
  const Reading plain = read(folder_ / "a.flac");
  for (const auto& [bytes, frames] : cases) {
    write_text(folder_ / "b.flac", bytes);
    const Reading reading = read(folder_ / "b.flac");
    EXPECT_EQ(reading.frames, frames);
    EXPECT_THAT(reading.warnings, IsEmpty());
    EXPECT_TRUE(std::equal(plain.samples[1].begin(), plain.samples[1].end(),
                           reading.samples[1].end() - 30000));
  }
}

TEST_F(Sections, AFlacThatPromisesTooFewSamplesIsReadToItsEnd) {
  write_file(folder_ / "a.flac", noise(2, 30000), {.type = FileType::flac});
  std::string bytes = read_bytes(folder_ / "a.flac");
  bytes[25] = bytes[24] = 0;  // of the 36 bits of the count, above 20000: 0x7530
  bytes[24] = '\x10';
  write_text(folder_ / "a.flac", bytes);
  const Reading reading = read(folder_ / "a.flac");
  EXPECT_EQ(reading.frames, 30000u);
  EXPECT_THAT(reading.warnings, ElementsAre(HasSubstr("there are 30000")));
}

TEST_F(Sections, TheTrackMarkedDefaultIsRead) {
  encode_with_ffmpeg(folder_ / "1.m4a", tones(2, 88200, 44100, 440.0), 44100, "ipod", "aac");
  encode_with_ffmpeg(folder_ / "2.m4a", tones(2, 88200, 44100, 880.0), 44100, "ipod", "aac");
  for (const char* container : {"matroska", "mp4"})
    for (const std::size_t chosen : {0, 1}) {
      remux_with_ffmpeg(folder_ / "two", container, {folder_ / "1.m4a", folder_ / "2.m4a"}, chosen);
      const Reading reading = read(folder_ / "two");
      EXPECT_NEAR(frequency_of(reading.samples[0], 44100), chosen == 0 ? 440.0 : 880.0, 5.0)
          << container;
      EXPECT_THAT(reading.warnings,
                  ElementsAre(HasSubstr("2 sound tracks: number " + std::to_string(chosen + 1))));
    }
}

TEST_F(Sections, ALateBeginningIsNoEarlyEnd) {
  encode_with_ffmpeg(folder_ / "a.m4a", tones(2, 88200, 44100), 44100, "ipod", "aac");
  encode_with_ffmpeg(folder_ / "a.ogg", tones(2, 96000, 48000), 48000, "ogg", "libopus");
  for (const char* container : {"matroska", "mp4"}) {
    remux_with_ffmpeg(folder_ / "late", container, {folder_ / "a.m4a"}, 0, 3.0);
    EXPECT_GE(read(folder_ / "late").frames, 88200u) << container;
  }
  remux_with_ffmpeg(folder_ / "late", "webm", {folder_ / "a.ogg"}, 0, 3.0);
  EXPECT_NEAR(static_cast<double>(read(folder_ / "late").frames), 96000.0, 960.0);
}

/// Each codec orders 5.1 its own way; a reader gives WAVE's: FL FR FC LFE BL BR.
TEST_F(Sections, ChannelsComeInTheOrderOfWave) {
  AudioBuffer samples(6, 48000);
  const std::vector<double> hz{300, 500, 700, 60, 1100, 1300};
  for (std::size_t channel = 0; channel < 6; ++channel)
    for (std::size_t i = 0; i < 48000; ++i)
      samples.channel(channel)[i] = static_cast<float>(
          0.2 * std::sin(2 * M_PI * hz[channel] * static_cast<double>(i) / 48000));
  encode_with_ffmpeg(folder_ / "a.ogg", samples, 48000, "ogg", "libvorbis");
  encode_with_ffmpeg(folder_ / "a.m4a", samples, 48000, "ipod", "aac");
  encode_with_ffmpeg(folder_ / "a.ac3", samples, 48000, "ac3", "ac3");
  for (const FileType type : {FileType::wav, FileType::flac})
    write_file(folder_ / (type == FileType::wav ? "a.wav" : "a.flac"), samples,
               {.sample_rate_hz = 48000, .channels = 6, .type = type});
  for (const char* name : {"a.ogg", "a.m4a", "a.ac3", "a.wav", "a.flac"}) {
    const Reading reading = read(folder_ / name);
    ASSERT_EQ(reading.samples.size(), 6u) << name;
    EXPECT_TRUE(reading.format.channel_mask == 0x3F || reading.format.channel_mask == 0x60F)
        << name << " " << reading.format.channel_mask;
    for (std::size_t channel = 0; channel < 6; ++channel)
      EXPECT_NEAR(frequency_of(reading.samples[channel], 48000), hz[channel], 5.0)
          << name << " " << channel;
  }
}

TEST_F(Sections, TheMaskOfMoreThanTwoChannelsIsWritten) {
  for (const std::uint32_t mask : {0x60Fu, 0x3Fu, 0x707u}) {
    write_file(folder_ / "a.wav", noise(6, 100), {.channels = 6, .channel_mask = mask});
    EXPECT_EQ(read(folder_ / "a.wav").format.channel_mask, mask);
    write_file(folder_ / "a.wav", noise(6, 100),
               {.channels = 6, .channel_mask = mask, .may_be_long = true});
    EXPECT_EQ(read(folder_ / "a.wav").format.channel_mask, mask);
    EXPECT_EQ(read_bytes(folder_ / "a.wav").substr(0, 4), "RIFF");
  }
  expect_error(ErrorCode::invalid_argument, {"mask 0x3f for 5"},
               [&] { AudioWriter(folder_ / "b.wav", {.channels = 5, .channel_mask = 0x3F}); });
}

TEST_F(Sections, MoreChannelsThanTwoAreTakenOrMixed) {
  AudioBuffer samples(6, 1000);
  for (std::size_t channel = 0; channel < 6; ++channel)
    std::ranges::fill(samples.channel(channel), 0.01f * static_cast<float>(1 << channel));
  write_file(folder_ / "a.wav", samples, {.channels = 6, .sample_format = SampleFormat::float32});
  const auto first_frame = [&](bool downmix, std::string& warning) {
    const TrackSource track(folder_ / "a.wav", {.downmix = downmix});
    warning = track.warnings().at(0);
    AudioBuffer frame(2, 1);
    track.read(500, frame);
    return std::pair{frame.channel(0)[0], frame.channel(1)[0]};
  };
  std::string warning;
  EXPECT_EQ(first_frame(false, warning), (std::pair{0.01f, 0.02f}));
  EXPECT_THAT(warning, HasSubstr("6 channels: front left and right"));
  const auto [left, right] = first_frame(true, warning);
  // FL + 0.7071 FC + 0.7071 BL, without LFE.
  EXPECT_NEAR(left, 0.01 + 0.70710678 * (0.04 + 0.16), 1e-6);
  EXPECT_NEAR(right, 0.02 + 0.70710678 * (0.04 + 0.32), 1e-6);
  EXPECT_THAT(warning, HasSubstr("0.707"));
}

TEST_F(Sections, ADownmixAboveFullScaleIsTold) {
  AudioBuffer samples(6, 1000);
  for (std::size_t channel = 0; channel < 6; ++channel)
    std::ranges::fill(samples.channel(channel), 1.0f);
  write_file(folder_ / "a.wav", samples, {.channels = 6, .sample_format = SampleFormat::float32});
  const TrackSource track(folder_ / "a.wav", {.downmix = true});
  // 1 + 2 * 0.7071 is 7.66 dB.
  EXPECT_THAT(track.warnings(), ::testing::Contains(HasSubstr("7.7 dB above full scale")));
}

}  // namespace
}  // namespace metalaudio::audio

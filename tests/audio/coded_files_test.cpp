#include <metalaudio/audio/resampler.h>

#include <tuple>

#include "test_files.h"

namespace metalaudio::audio {
namespace {

struct Codec {
  const char* name;
  FileType type;
  bool lossless;
  double least_db;  ///< at the codecs' usual rates, of tones; ALAC is exact to its 16 bits
};

class CodedFile : public ::testing::TestWithParam<std::tuple<Codec, int, std::size_t>> {};

AudioBuffer at_rate(const AudioBuffer& samples, int from_hz, int to_hz) {
  if (from_hz == to_hz) return AudioBuffer(samples);
  Resampler resampler(from_hz, to_hz, samples.channels());
  std::vector<std::vector<float>> all(samples.channels());
  const auto take = [&](ConstAudioView view) {
    for (std::size_t c = 0; c < all.size(); ++c)
      all[c].insert(all[c].end(), view.channel(c).begin(), view.channel(c).end());
  };
  take(resampler.process(samples));
  take(resampler.flush());
  AudioBuffer result(samples.channels(), all[0].size());
  for (std::size_t c = 0; c < all.size(); ++c) std::ranges::copy(all[c], result.channel(c).begin());
  return result;
}

/// The inner part, moved by so many frames.
AudioBuffer inner(const AudioBuffer& samples, std::ptrdiff_t moved) {
  const auto first = static_cast<std::size_t>(2000 + moved);
  return AudioBuffer(ConstAudioView(samples).part(first, samples.frames() - 4000));
}

/// Encoders begin late and end late; their files say by how much.
TEST_P(CodedFile, GivesItsSamplesBackInTheirPlaces) {
  const auto& [codec, rate, channels] = GetParam();
  const TemporaryFolder folder;
  const auto path = folder / ("a." + std::string(extension_of(codec.type)));
  const auto frames = static_cast<std::size_t>(rate * 1.3) + 7;
  AudioBuffer samples = tones(channels, frames, rate, 400.0);
  // Of six the fourth is LFE, which codecs cut off at 120 Hz and above.
  if (channels == 6) {
    const AudioBuffer low = tones(1, frames, rate, 40.0);
    std::ranges::copy(low.channel(0), samples.channel(3).begin());
  }
  write_file(path, samples,
             {.sample_rate_hz = rate,
              .channels = channels,
              .type = codec.type,
              .rounding = Rounding::nearest,
              .lossless = codec.lossless});

  AudioReader reader(path);
  const int expected_rate = codec.type == FileType::opus ? 48000 : rate;
  EXPECT_EQ(reader.format().sample_rate_hz, expected_rate);
  const AudioBuffer back = read_file(path);
  const AudioBuffer expected = at_rate(samples, rate, expected_rate);
  ASSERT_EQ(back.frames(), expected.frames());
  ASSERT_EQ(back.channels(), channels);
  EXPECT_GE(snr_db(expected, back), codec.least_db);
  for (const std::ptrdiff_t moved : {-1, 1})
    EXPECT_GT(snr_db(inner(expected, 0), inner(back, 0)),
              snr_db(inner(expected, 0), inner(back, moved)) + 0.1);
  EXPECT_THAT(reader.warnings(), ::testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Codecs, CodedFile,
    ::testing::Combine(::testing::Values(Codec{"ogg", FileType::ogg, false, 20.0},
                                         Codec{"opus", FileType::opus, false, 20.0},
                                         Codec{"aac", FileType::m4a, false, 20.0},
                                         Codec{"alac", FileType::m4a, true, 85.0}),
                       ::testing::Values(8000, 22050, 44100, 48000, 96000),
                       ::testing::Values<std::size_t>(1, 2, 6)),
    [](const auto& test) {
      return std::string(std::get<0>(test.param).name) + "_" +
             std::to_string(std::get<1>(test.param)) + "_" +
             std::to_string(std::get<2>(test.param));
    });

TEST(CodedFiles, ALengthOfAnyKindComesBack) {
  const TemporaryFolder folder;
  for (const FileType type : {FileType::ogg, FileType::opus, FileType::m4a})
    for (const std::size_t frames : {1, 100, 1024, 1025, 48000}) {
      const auto path = folder / ("a." + std::string(extension_of(type)));
      write_file(path, tones(2, frames, 48000), {.sample_rate_hz = 48000, .type = type});
      EXPECT_EQ(read_file(path).frames(), frames) << extension_of(type);
    }
}

TEST(CodedFiles, EqualSamplesGiveEqualFiles) {
  const TemporaryFolder folder;
  for (const FileType type : {FileType::ogg, FileType::opus, FileType::m4a}) {
    for (const char* name : {"a", "b"}) write_file(folder / name, noise(2, 20000), {.type = type});
    EXPECT_EQ(read_bytes(folder / "a"), read_bytes(folder / "b")) << extension_of(type);
  }
}

TEST(CodedFiles, TheBitRateIsTheOneAskedFor) {
  const TemporaryFolder folder;
  const auto path = folder / "a";
  const AudioBuffer samples = noise(2, 441000, 0.3f);
  for (const FileType type : {FileType::ogg, FileType::opus, FileType::m4a})
    for (const int bitrate : {96, 192}) {
      write_file(path, samples, {.type = type, .bitrate_kbps = bitrate});
      const double actual = static_cast<double>(read_bytes(path).size()) * 8.0 / 10.0 / 1000.0;
      // Noise is dear, and the rates are means that the codecs aim at.
      EXPECT_NEAR(actual, bitrate, 0.45 * bitrate) << extension_of(type);
    }
}

TEST(CodedFiles, ARateThatTheCodecDoesNotHaveBecomesTheNext) {
  const TemporaryFolder folder;
  for (const auto& [type, rate, expected] :
       {std::tuple{FileType::m4a, 37800, 44100}, std::tuple{FileType::m4a, 192000, 96000},
        std::tuple{FileType::ogg, 37800, 37800}, std::tuple{FileType::ogg, 384000, 192000}}) {
    const auto path = folder / "a";
    write_file(path, tones(2, 50000, rate), {.sample_rate_hz = rate, .type = type});
    AudioReader reader(path);
    EXPECT_EQ(reader.format().sample_rate_hz, expected);
    EXPECT_EQ(read_file(path).frames(),
              static_cast<std::size_t>(50000.0 * expected / static_cast<double>(rate)));
  }
}

TEST(CodedFiles, WhatACodecCannotHoldIsRefused) {
  const TemporaryFolder folder;
  const auto expect = [&](ErrorCode code, const char* words, const AudioWriterOptions& options) {
    expect_error(code, {words}, [&] { AudioWriter(folder / "a", options); });
    EXPECT_EQ(folder.count(), 0U);
  };
  expect(ErrorCode::unsupported, "9 channels", {.channels = 9, .type = FileType::ogg});
  expect(ErrorCode::unsupported, "12 channels", {.channels = 12, .type = FileType::m4a});
  expect(ErrorCode::invalid_argument, "bit rate 7", {.type = FileType::opus, .bitrate_kbps = 7});
  expect(ErrorCode::unsupported, "3000 kbit/s", {.type = FileType::opus, .bitrate_kbps = 3000});
  expect(ErrorCode::unsupported, "float32",
         {.type = FileType::m4a, .sample_format = SampleFormat::float32, .lossless = true});
  expect(ErrorCode::unsupported, "3 stems",
         {.channels = 10, .type = FileType::stem_m4a, .stems = {{"a", ""}, {"b", ""}, {"c", ""}}});
}

}  // namespace
}  // namespace metalaudio::audio

#include "test_files.h"

#include <cmath>
#include <tuple>

namespace metalaudio::audio {
namespace {

struct Case {
  const char* name;
  FileType type;
  SampleFormat format;
  double step;  ///< the largest error: one step of the integers, which are cut, not rounded
};

class RoundTrip : public ::testing::TestWithParam<std::tuple<Case, int, std::size_t>> {};

TEST_P(RoundTrip, GivesTheSamplesBack) {
  const auto& [kind, rate, channels] = GetParam();
  const TemporaryFolder folder;
  const auto path = folder / "a.audio";
  const AudioBuffer samples = noise(channels, 10007, 1.0f);
  write_file(path, samples,
             {.sample_rate_hz = rate,
              .channels = channels,
              .type = kind.type,
              .sample_format = kind.format});

  AudioReader reader(path);
  EXPECT_EQ(reader.format().sample_rate_hz, rate);
  EXPECT_EQ(reader.format().channels, channels);
  EXPECT_EQ(reader.format().frames, 10007);
  const AudioBuffer back = read_file(path);
  ASSERT_EQ(back.frames(), samples.frames());
  double worst = 0.0;
  for (std::size_t channel = 0; channel < channels; ++channel)
    for (std::size_t frame = 0; frame < back.frames(); ++frame)
      worst = std::max(worst, std::abs(double{samples.channel(channel)[frame]} -
                                       double{back.channel(channel)[frame]}));
  EXPECT_LE(worst, kind.step);
}

// Cutting costs less than one step, and full scale is 2^(bits - 1) - 1 written, 2^(bits - 1) read.
INSTANTIATE_TEST_SUITE_P(
    Formats, RoundTrip,
    ::testing::Combine(
        ::testing::Values(Case{"wav16", FileType::wav, SampleFormat::pcm16, 2.0 / (1 << 15)},
                          Case{"wav24", FileType::wav, SampleFormat::pcm24, 2.0 / (1 << 23)},
                          Case{"wavfloat", FileType::wav, SampleFormat::float32, 0.0},
                          Case{"flac16", FileType::flac, SampleFormat::pcm16, 2.0 / (1 << 15)},
                          Case{"flac24", FileType::flac, SampleFormat::pcm24, 2.0 / (1 << 23)}),
        ::testing::Values(8000, 11025, 22050, 44100, 48000, 96000, 192000),
        ::testing::Values<std::size_t>(1, 2, 6)),
    [](const auto& test) {
      return std::string(std::get<0>(test.param).name) + "_" +
             std::to_string(std::get<1>(test.param)) + "_" +
             std::to_string(std::get<2>(test.param));
    });

TEST(RoundTrip, BlocksOfAnySizeReadTheSame) {
  const TemporaryFolder folder;
  const auto path = folder / "a.flac";
  write_file(path, noise(2, 9001), {.type = FileType::flac});
  const AudioBuffer whole = read_file(path, 100000);
  for (const std::size_t block : {1, 7, 4096, 5000})
    EXPECT_GT(snr_db(whole, read_file(path, block)), 250.0) << block;
}

TEST(RoundTrip, RewindStartsAgain) {
  const TemporaryFolder folder;
  const auto path = folder / "a.wav";
  write_file(path, noise(1, 3000), {.channels = 1});
  AudioReader reader(path);
  AudioBuffer first(1, 1000);
  AudioBuffer again(1, 1000);
  reader.read(first);
  reader.rewind();
  reader.read(again);
  EXPECT_GT(snr_db(first, again), 250.0);
}

// LAME's info frame tells decoders what to cut: the length is exact and nothing is shifted.
TEST(RoundTrip, Mp3KeepsTheLengthAndTheTone) {
  const TemporaryFolder folder;
  for (const int rate : {16000, 22050, 44100, 48000})
    for (const std::size_t channels : {1, 2}) {
      const auto path = folder / "a.mp3";
      const AudioBuffer samples = tones(channels, 3 * static_cast<std::size_t>(rate), rate);
      write_file(path, samples,
                 {.sample_rate_hz = rate, .channels = channels, .type = FileType::mp3});
      const AudioBuffer back = read_file(path);
      ASSERT_EQ(back.frames(), samples.frames()) << rate << " " << channels;
      // LAME lowers its input to 0.95 at the low rates, 26 dB; one sample of shift is 24 dB at
      // most.
      EXPECT_GT(snr_db(samples, back), rate < 32000 ? 25.5 : 40.0) << rate << " " << channels;
    }
}

TEST(RoundTrip, Mp3SizeFollowsTheBitRate) {
  const TemporaryFolder folder;
  const AudioBuffer samples = noise(2, 441000);
  for (const int bitrate : {128, 192, 320}) {
    const auto path = folder / "a.mp3";
    write_file(path, samples, {.type = FileType::mp3, .mp3_bitrate_kbps = bitrate});
    const double bits_per_second = static_cast<double>(std::filesystem::file_size(path)) * 8 / 10;
    EXPECT_NEAR(bits_per_second / 1000, bitrate,
                bitrate * 0.02);  // whole frames and the info frame
  }
}

struct Codec {
  const char* ending;
  const char* container;
  const char* codec;
};

class ThroughFfmpeg : public ::testing::TestWithParam<Codec> {};

TEST_P(ThroughFfmpeg, DecodesWhatFfmpegEncodes) {
  const TemporaryFolder folder;
  const auto path = folder / (std::string("a.") + GetParam().ending);
  const AudioBuffer samples = tones(2, 2 * 44100, 44100);
  encode_with_ffmpeg(path, samples, 44100, GetParam().container, GetParam().codec);
  AudioReader reader(path);
  EXPECT_EQ(reader.format().sample_rate_hz, 44100);
  EXPECT_EQ(reader.format().channels, 2u);
  const AudioBuffer back = read_file(path);
  // Not all containers say what the codec adds or drops at both ends: at most a few of its blocks.
  EXPECT_NEAR(static_cast<double>(back.frames()), static_cast<double>(samples.frames()), 3 * 2048);
  double power = 0.0;
  for (const float sample : back.channel(0)) power += double{sample} * sample;
  EXPECT_NEAR(power / static_cast<double>(samples.frames()), 0.125, 0.005);  // 0.5 sin: 0.5^2 / 2
}

INSTANTIATE_TEST_SUITE_P(Codecs, ThroughFfmpeg,
                         ::testing::Values(Codec{"m4a", "ipod", "aac"}, Codec{"mp4", "mp4", "aac"},
                                           Codec{"aac", "adts", "aac"},
                                           Codec{"wma", "asf", "wmav2"},
                                           Codec{"mkv", "matroska", "aac"},
                                           Codec{"ac3", "ac3", "ac3"}),
                         [](const auto& test) { return std::string(test.param.ending); });

// M4A says what to leave out at the front: the tone comes back where it was.
TEST(ThroughFfmpeg, M4aIsNotShifted) {
  const TemporaryFolder folder;
  const auto path = folder / "a.m4a";
  const AudioBuffer samples = tones(2, 2 * 44100, 44100);
  encode_with_ffmpeg(path, samples, 44100, "ipod", "aac");
  // AAC at 256 kbit/s reaches 32 dB with the fades; one sample of shift is 24 dB at most.
  EXPECT_GT(snr_db(samples, read_file(path)), 30.0);
}

}  // namespace
}  // namespace metalaudio::audio

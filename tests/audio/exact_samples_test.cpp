#include "test_files.h"

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace metalaudio::audio {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

AudioBuffer mono(const std::vector<float>& samples) {
  AudioBuffer buffer(1, samples.size());
  std::ranges::copy(samples, buffer.channel(0).begin());
  return buffer;
}

/// The samples of a WAV file, taken from its bytes: the data chunk is the last that we write.
template <typename Sample>
std::vector<Sample> wav_samples(const std::filesystem::path& path, std::size_t count) {
  const std::string bytes = read_bytes(path);
  std::vector<Sample> samples(count);
  const std::size_t size = count * sizeof(Sample);
  std::memcpy(samples.data(), bytes.data() + bytes.size() - size, size);
  return samples;
}

const AudioWriterOptions kMono16{.channels = 1};

// (wav.clamp(-1, 1) * (2**15 - 1)).short() of upstream's audio.py, by hand.
TEST(ExactSamples, SixteenBitsAreCutTowardsZero) {
  const TemporaryFolder folder;
  const auto path = folder / "a.wav";
  write_file(path, mono({0.0f, 0.5f, -0.5f, 1.0f, -1.0f, 1.5f, -9.0f, 0.99999f, 3e-5f, -3e-5f}),
             kMono16);
  EXPECT_THAT(wav_samples<std::int16_t>(path, 10),
              ElementsAre(0, 16383, -16383, 32767, -32767, 32767, -32767, 32766, 0, 0));
}

TEST(ExactSamples, IntegersPassUnchangedWhenRoundedToNearest) {
  const TemporaryFolder folder;
  const auto path = folder / "a.audio";
  for (const FileType type : {FileType::wav, FileType::flac}) {
    AudioBuffer all(1, 65536);
    for (int i = 0; i < 65536; ++i) all.channel(0)[i] = static_cast<float>(i - 32768) / 32768.0f;
    write_file(path, all, {.channels = 1, .type = type, .rounding = Rounding::nearest});
    EXPECT_THAT(read_file(path).channel(0), ElementsAreArray(all.channel(0)));
    AudioBuffer fine(1, 65536);
    for (int i = 0; i < 65536; ++i)
      fine.channel(0)[i] = static_cast<float>((i - 32768) * 256 + i % 256) / 8388608.0f;
    write_file(path, fine,
               {.channels = 1,
                .type = type,
                .sample_format = SampleFormat::pcm24,
                .rounding = Rounding::nearest});
    EXPECT_THAT(read_file(path).channel(0), ElementsAreArray(fine.channel(0)));
  }
}

TEST(ExactSamples, NearestRoundsAndClampsAtBothEnds) {
  const TemporaryFolder folder;
  const auto path = folder / "a.wav";
  const float step = 1.0f / 32768;
  write_file(path, mono({0.4f * step, 0.6f * step, -0.6f * step, 1.0f, -1.0f, 1.5f, -9.0f, 3e30f}),
             {.channels = 1, .rounding = Rounding::nearest});
  EXPECT_THAT(wav_samples<std::int16_t>(path, 8),
              ElementsAre(0, 1, -1, 32767, -32768, 32767, -32768, 32767));
}

// Triangular noise leaves the mean of what lies between two steps, and adds the same power
// everywhere: a quarter of a step squared, with the rounding (Lipshitz, Wannamaker, Vanderkooy
// 1992).
TEST(ExactSamples, DitherKeepsTheMeanAndTheNoiseBetweenSteps) {
  const TemporaryFolder folder;
  const auto path = folder / "a.wav";
  constexpr std::size_t kCount = 200000;
  for (const double level : {0.0, 0.25, 0.5, -0.7}) {
    AudioBuffer constant(1, kCount);
    std::ranges::fill(constant.channel(0), static_cast<float>(level / 32768));
    write_file(path, constant, {.channels = 1, .rounding = Rounding::dithered});
    double sum = 0.0;
    double squares = 0.0;
    for (const std::int16_t sample : wav_samples<std::int16_t>(path, kCount)) {
      EXPECT_LE(std::abs(sample - level), 1.5);
      sum += sample - level;
      squares += (sample - level) * (sample - level);
    }
    // Five deviations of a mean of so many.
    EXPECT_NEAR(sum / kCount, 0.0, 5 * 0.5 / std::sqrt(double{kCount})) << level;
    EXPECT_NEAR(squares / kCount, 0.25, 0.005) << level;
  }
}

TEST(ExactSamples, SixteenBitsReadAsMultiplesOfTheStep) {
  const TemporaryFolder folder;
  const auto path = folder / "a.wav";
  write_file(path, mono({0.0f, 0.5f, -1.0f, 1.0f}), kMono16);
  const AudioBuffer back = read_file(path);
  EXPECT_THAT(back.channel(0),
              ElementsAre(0.0f, 16383.0f / 32768, -32767.0f / 32768, 32767.0f / 32768));
}

TEST(ExactSamples, TwentyFourBitsAreCutTowardsZero) {
  const TemporaryFolder folder;
  for (const FileType type : {FileType::wav, FileType::flac}) {
    const auto path = folder / "a.audio";
    write_file(path, mono({0.5f, -0.5f, 1.0f, -2.0f}),
               {.channels = 1, .type = type, .sample_format = SampleFormat::pcm24});
    // 0.5 (2^23 - 1) = 4194303.5 is a float32, and is cut.
    EXPECT_THAT(read_file(path).channel(0),
                ElementsAre(4194303.0f / 8388608, -4194303.0f / 8388608, 8388607.0f / 8388608,
                            -8388607.0f / 8388608));
  }
}

TEST(ExactSamples, FloatsAreWrittenAsTheyAre) {
  const TemporaryFolder folder;
  const auto path = folder / "a.wav";
  write_file(path, mono({1.5f, -2.25f, 1e-30f}),
             {.channels = 1, .sample_format = SampleFormat::float32});
  EXPECT_THAT(wav_samples<float>(path, 3), ElementsAre(1.5f, -2.25f, 1e-30f));
}

TEST(ExactSamples, EqualSamplesGiveEqualFiles) {
  const TemporaryFolder folder;
  for (const SampleFormat format : {SampleFormat::pcm16, SampleFormat::float32}) {
    const AudioWriterOptions options{.sample_format = format};
    const AudioBuffer samples = noise(2, 5000);
    write_file(folder / "a.wav", samples, options);
    AudioWriter writer(folder / "b.wav", options);
    for (std::size_t first = 0; first < 5000; first += 7)
      writer.write(ConstAudioView(samples).part(first, std::min<std::size_t>(7, 5000 - first)));
    writer.close();
    EXPECT_EQ(read_bytes(folder / "a.wav"), read_bytes(folder / "b.wav"));
  }
}

// A promise of 4.4 GB; the few frames that are written keep their RF64 header.
TEST(ExactSamples, LongFilesAreRf64) {
  const TemporaryFolder folder;
  const auto path = folder / "a.wav";
  const AudioBuffer samples = noise(2, 1000);
  write_file(path, samples, {.expected_frames = std::int64_t{1} << 30});
  EXPECT_EQ(read_bytes(path).substr(0, 4), "RF64");
  EXPECT_GT(snr_db(samples, read_file(path)), 80.0);
}

TEST(FileType, IsKnownByItsEnding) {
  EXPECT_EQ(file_type_of("/a.b/c.WAV"), FileType::wav);
  EXPECT_EQ(file_type_of("c.flac"), FileType::flac);
  EXPECT_EQ(file_type_of("c.d.mp3"), FileType::mp3);
  EXPECT_EQ(file_type_of("wav"), std::nullopt);
  EXPECT_EQ(file_type_of("a.ogg"), FileType::ogg);
  EXPECT_EQ(file_type_of("a.m4a"), FileType::m4a);
  EXPECT_EQ(file_type_of("a.Stem.M4A"), FileType::stem_m4a);
  EXPECT_EQ(file_type_of(".m4a"), std::nullopt);
  EXPECT_EQ(file_type_of("a.aac"), std::nullopt);
  EXPECT_EQ(extension_of(FileType::mp3), "mp3");
}

}  // namespace
}  // namespace metalaudio::audio

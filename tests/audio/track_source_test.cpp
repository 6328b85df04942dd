#include "test_files.h"

#include <metalaudio/audio/resampler.h>
#include <metalaudio/audio/track_source.h>
#include <metalaudio/audio/unnamed_file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

namespace metalaudio::audio {
namespace {

AudioBuffer read_all(const AudioSource& source, std::int64_t first, std::size_t frames) {
  AudioBuffer out(source.channels(), frames);
  source.read(first, out);
  return out;
}

bool equal(const AudioBuffer& a, const AudioBuffer& b) {
  bool same = a.channels() == b.channels();
  for (std::size_t channel = 0; same && channel < a.channels(); ++channel)
    same = std::ranges::equal(a.channel(channel), b.channel(channel));
  return same;
}

TEST(TemporaryAudio, ReadsBackAnywhereFromMemoryAndFromItsFile) {
  // More than one piece of memory; the second limit is reached in the second piece.
  constexpr std::size_t kFrames = 2200000;
  const AudioBuffer samples = noise(3, kFrames);
  for (const std::size_t limit : {std::size_t{0}, std::size_t{20} << 20, std::size_t{32} << 20}) {
    TemporaryAudio audio(3, 44100, limit);
    for (std::size_t first = 0; first < kFrames; first += 170001)
      audio.append(
          ConstAudioView(samples).part(first, std::min<std::size_t>(170001, kFrames - first)));
    EXPECT_EQ(audio.is_in_memory(), limit > kFrames * 12);
    EXPECT_EQ(audio.frames(), static_cast<std::int64_t>(kFrames));
    EXPECT_TRUE(equal(read_all(audio, 0, kFrames), samples));
    const AudioBuffer around = read_all(audio, kFrames - 5000, 10000);
    EXPECT_EQ(around.channel(2)[4999], samples.channel(2)[kFrames - 1]);
    EXPECT_EQ(around.channel(2)[5000], 0.0f);
    EXPECT_EQ(read_all(audio, -7, 10).channel(1)[7], samples.channel(1)[0]);
  }
}

/// As in a container whose file system is read-only but for one folder.
TEST(UnnamedFile, LiesInTheFirstFolderThatTakesIt) {
  const TemporaryFolder folder;
  const std::vector<std::string> folders = {"/nowhere", "/proc", (folder / "").string(), "/tmp"};
  const UnnamedFile file = open_unnamed_file(folders);
  EXPECT_GE(file.file, 0);
  EXPECT_EQ(file.folder, folders[2]);
  ::close(file.file);
  const UnnamedFile none = open_unnamed_file(std::span(folders).first(2));
  EXPECT_EQ(errno, ENOENT);
  EXPECT_EQ(none.file, -1);
  EXPECT_EQ(none.folder, "/nowhere");
}

TEST(UnnamedFile, GoesWhereTmpdirSaysAndNowhereElse) {
  const char* before = std::getenv("TMPDIR");
  const std::string kept = before != nullptr ? before : "";
  ::setenv("TMPDIR", "/nowhere", 1);
  EXPECT_EQ(temporary_folders("stems"), std::vector<std::string>{"/nowhere"});
  ::unsetenv("TMPDIR");
  EXPECT_EQ(temporary_folders("stems"),
            (std::vector<std::string>{"/var/tmp", "/tmp", "stems", "."}));
  if (before != nullptr) ::setenv("TMPDIR", kept.c_str(), 1);
}

TEST(TemporaryAudio, NamesTheFolderThatItCannotUse) {
  const char* before = std::getenv("TMPDIR");
  const std::string kept = before != nullptr ? before : "";
  ::setenv("TMPDIR", "/nowhere", 1);
  expect_error(ErrorCode::io, {"/nowhere", "No such file"},
               [] { TemporaryAudio(1, 44100, 0).append(noise(1, 10)); });
  before != nullptr ? ::setenv("TMPDIR", kept.c_str(), 1) : ::unsetenv("TMPDIR");
}

// torch.std() of 1, 2, 4, 9 about 4 divides by three.
TEST(MonoStatistics, DividesByTheCountLessOne) {
  AudioBuffer samples(2, 4);
  const std::array<float, 4> mono{1, 2, 4, 9};
  for (std::size_t frame = 0; frame < 4; ++frame) {
    samples.channel(0)[frame] = mono[frame] + 0.5f;
    samples.channel(1)[frame] = mono[frame] - 0.5f;
  }
  for (const std::size_t block : {1, 3, 4}) {
    MonoStatistics statistics;
    for (std::size_t first = 0; first < 4; first += block)
      statistics.add(ConstAudioView(samples).part(first, std::min(block, 4 - first)));
    EXPECT_DOUBLE_EQ(statistics.mean(), 4.0);
    EXPECT_DOUBLE_EQ(statistics.deviation(), std::sqrt((9.0 + 4.0 + 0.0 + 25.0) / 3.0));
  }
}

// A sum of squares less the square of the mean would leave nothing of this deviation in floats.
TEST(MonoStatistics, HoldsUnderALargeOffset) {
  AudioBuffer samples(1, 100000);
  for (std::size_t frame = 0; frame < samples.frames(); ++frame)
    samples.channel(0)[frame] = 1000.0f + (frame % 2 == 0 ? 0.125f : -0.125f);
  MonoStatistics statistics;
  for (std::size_t first = 0; first < samples.frames(); first += 1000)
    statistics.add(ConstAudioView(samples).part(first, 1000));
  EXPECT_DOUBLE_EQ(statistics.mean(), 1000.0);
  EXPECT_NEAR(statistics.deviation(), 0.125 * std::sqrt(100000.0 / 99999.0), 1e-12);
}

TEST(MonoStatistics, IsNoughtForLessThanTwoFrames) {
  MonoStatistics statistics;
  EXPECT_EQ(statistics.deviation(), 0.0);
  statistics.add(noise(2, 1));
  EXPECT_EQ(statistics.deviation(), 0.0);
}

TEST(TrackSource, EqualRatesGiveTheFile) {
  const TemporaryFolder folder;
  const AudioBuffer samples = noise(2, 100000);
  write_file(folder / "a.wav", samples, {.sample_format = SampleFormat::float32});
  for (const std::size_t limit : {std::size_t{0}, TemporaryAudio::kMemoryLimitBytes}) {
    const TrackSource track(folder / "a.wav", {.memory_limit_bytes = limit});
    EXPECT_EQ(track.is_in_memory(), limit > 0);
    EXPECT_EQ(track.frames(), 100000);
    EXPECT_TRUE(equal(read_all(track, 0, 100000), samples));
    MonoStatistics expected;
    expected.add(samples);
    EXPECT_NEAR(track.statistics().mean(), expected.mean(), 1e-12);
    EXPECT_NEAR(track.statistics().deviation(), expected.deviation(), 1e-12);
  }
}

TEST(TrackSource, ConvertsChannelsThenTheRate) {
  const TemporaryFolder folder;
  const AudioBuffer samples = noise(1, 48000);
  write_file(folder / "a.wav", samples,
             {.sample_rate_hz = 48000, .channels = 1, .sample_format = SampleFormat::float32});
  std::vector<double> parts;
  const TrackSource track(folder / "a.wav",
                          {.progress = [&](double part) { parts.push_back(part); }});
  EXPECT_EQ(track.frames(), 44100);
  EXPECT_EQ(track.file_format().sample_rate_hz, 48000);
  const AudioBuffer back = read_all(track, 0, 44100);
  EXPECT_TRUE(std::ranges::equal(back.channel(0), back.channel(1)));
  Resampler resampler(48000, 44100, 1);
  const ConstAudioView expected = resampler.process(samples);
  EXPECT_TRUE(std::ranges::equal(expected.channel(0), back.channel(0).first(expected.frames())));
  EXPECT_TRUE(std::ranges::is_sorted(parts));
  EXPECT_EQ(parts.back(), 1.0);
}

TEST(TrackSource, KeepsTheFilesOwnRateAndChannelsWhenAskedTo) {
  const TemporaryFolder folder;
  write_file(folder / "a.wav", noise(3, 1000), {.sample_rate_hz = 96000, .channels = 3});
  const TrackSource track(folder / "a.wav", {.sample_rate_hz = 0, .channels = 0});
  EXPECT_EQ(track.sample_rate_hz(), 96000);
  EXPECT_EQ(track.channels(), 3u);
  EXPECT_EQ(track.frames(), 1000);
}

TEST(TrackSource, NamesTheFileItRefuses) {
  const TemporaryFolder folder;
  write_file(folder / "none.wav", AudioBuffer(2, 0), {});
  expect_error(ErrorCode::invalid_data, {"none.wav", "not a single frame"},
               [&] { TrackSource(folder / "none.wav"); });
  write_file(folder / "two.wav", noise(2, 10), {});
  expect_error(ErrorCode::unsupported, {"two.wav", "2 channels, where 4 or 1 are needed"},
               [&] { TrackSource(folder / "two.wav", {.channels = 4}); });
}

TEST(TrackSource, EndsWithWhatItsProgressThrows) {
  const TemporaryFolder folder;
  write_file(folder / "a.wav", noise(2, 100000), {});
  const auto cancel = [](double) { fail(ErrorCode::cancelled, "[test] enough"); };
  expect_error(ErrorCode::cancelled, {"enough"},
               [&] { TrackSource(folder / "a.wav", {.progress = cancel}); });
}

}  // namespace
}  // namespace metalaudio::audio

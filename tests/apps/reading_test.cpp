#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numbers>
#include <string>
#include <vector>

#include "program.h"
#include "tests/support/sounds.h"
#include "tests/support/test_folder.h"

namespace metalaudio::apps {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kRateHz = 44100;

class Reading : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  std::string content(const std::string& name) const {
    std::ifstream file(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  void write_mp3(const std::string& name, const AudioBuffer& sound, int bitrate_kbps) const {
    audio::AudioWriter writer(folder_ / name, {.sample_rate_hz = kRateHz,
                                               .type = audio::FileType::mp3,
                                               .mp3_bitrate_kbps = bitrate_kbps});
    writer.write(sound);
    writer.close();
  }

  TestFolder folder_;
};

// Without an index a duration is guessed from the first frames' bit rate, here for a fifth of the
// song.
TEST_F(Reading, FilterWritesWhatWasDecodedNotWhatWasGuessed) {
  const AudioBuffer music = make_music(2, 4.0, kRateHz);
  write_mp3("loud.mp3", music, 320);
  write_mp3("quiet.mp3", music, 32);
  // Their first frames say how long they are: 1044 and 104 bytes.
  folder_.write("song.mp3", content("loud.mp3").substr(1044) + content("quiet.mp3").substr(104));
  const ProgramResult result =
      run_program({"filter", path("song.mp3"), "--all-pass", "1000", "-o", path("out.wav")});
  ASSERT_EQ(result.status, 0) << result.err;
  const std::size_t frames = read_sound(path("out.wav")).frames();
  EXPECT_EQ(frames, read_sound(path("song.mp3")).frames());
  EXPECT_NEAR(static_cast<double>(frames), 8.0 * kRateHz, 8 * 1152.0);
}

// A sample at time zero is a whole sinc at another rate, not its second half.
TEST_F(Reading, ConvolveKeepsBothEndsOfAResponseOfAnotherRate) {
  AudioBuffer tone(1, kRateHz);
  for (std::size_t frame = 0; frame < tone.frames(); ++frame)
    tone.channel(0)[frame] =
        0.25F * static_cast<float>(std::sin(2.0 * std::numbers::pi * 3000.0 / kRateHz *
                                            static_cast<double>(frame)));
  write_sound(path("in.wav"), tone, kRateHz);
  for (const int rate : {8000, 48000, 96000})
    for (const std::size_t length : {1, 2000}) {
      AudioBuffer impulse(1, length);
      impulse.channel(0)[0] = 1.0F;
      write_sound(path("ir.wav"), impulse, rate);
      const ProgramResult result = run_program(
          {"convolve", path("in.wav"), path("ir.wav"), "-o", path("out.wav"), "--float32"});
      ASSERT_EQ(result.status, 0) << result.err;
      AudioBuffer middle(1, 20000);
      AudioBuffer expected(1, 20000);
      const AudioBuffer out = read_sound(path("out.wav"));
      ASSERT_GE(out.frames(), tone.frames());
      for (std::size_t i = 0; i < 20000; ++i) {
        middle.channel(0)[i] = out.channel(0)[i + 10000];
        expected.channel(0)[i] = tone.channel(0)[i + 10000];
      }
      // The ripple of soxr's pass band is below 0.001 dB, 80 dB.
      EXPECT_GT(agreement_db(expected, middle), 80.0) << rate << " " << length;
    }
}

TEST_F(Reading, FilesThatEndEarlyAreAWarningWhereTheyAreAllowed) {
  fs::create_directory(folder_ / "ref");
  fs::create_directory(folder_ / "est");
  write_sound(path("ref/a.wav"), make_music(2, 1.0, kRateHz), kRateHz);
  write_sound(path("est/a.wav"), make_music(2, 1.0, kRateHz), kRateHz);
  write_sound(path("ir.wav"), make_music(1, 0.01, kRateHz), kRateHz);
  folder_.write("est/a.wav", content("est/a.wav").substr(0, 200000));
  const std::string cut = path("est/a.wav");
  const std::vector<std::vector<std::string>> commands{
      {"filter", cut, "--all-pass", "1000", "-o", path("o.wav")},
      {"convolve", cut, path("ir.wav"), "-o", path("o.wav")},
      {"spectrogram", cut, "-o", path("o.png")},
      {"evaluate", path("ref"), path("est")}};
  for (std::vector<std::string> command : commands) {
    const ProgramResult refused = run_program(command);
    EXPECT_EQ(refused.status, 1) << command[0];
    EXPECT_THAT(refused.err, HasSubstr("truncated: ")) << command[0];
    command.emplace_back("--allow-truncated");
    const ProgramResult taken = run_program(command);
    EXPECT_EQ(taken.status, 0) << command[0] << taken.err;
    EXPECT_THAT(taken.err, HasSubstr("a.wav: warning: truncated: ")) << command[0];
    EXPECT_THAT(taken.err, Not(HasSubstr("metalaudio: "))) << command[0];
  }
}

}  // namespace
}  // namespace metalaudio::apps

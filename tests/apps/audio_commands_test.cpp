#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <filesystem>
#include <numbers>
#include <string>
#include <vector>

#include "program.h"
#include "tests/support/sounds.h"
#include "tests/support/test_folder.h"

namespace metalaudio::apps {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kRateHz = 44100;

/// The programs' errors are one line on standard error.
void expect_refused(const ProgramResult& result, int status, const std::string& words) {
  EXPECT_EQ(result.status, status) << result.err;
  EXPECT_THAT(result.err, HasSubstr(words));
}

class AudioCommands : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  TestFolder folder_;
};

/// One second of silence but for these samples of each channel.
AudioBuffer impulses(const std::vector<std::vector<std::pair<std::size_t, float>>>& channels,
                     std::size_t frames) {
  AudioBuffer sound(channels.size(), frames);
  for (std::size_t channel = 0; channel < channels.size(); ++channel)
    for (const auto& [frame, value] : channels[channel]) sound.channel(channel)[frame] = value;
  return sound;
}

TEST_F(AudioCommands, ConvolveDelaysAndScalesAsItsResponseSays) {
  const AudioBuffer sound = make_music(2, 1.5, kRateHz);
  write_sound(path("in.wav"), sound, kRateHz);
  write_sound(path("ir.wav"), impulses({{{0, 0.5F}, {30000, 0.25F}}}, 30001), kRateHz);
  const ProgramResult result =
      run_program({"convolve", path("in.wav"), path("ir.wav"), "-o", path("out.wav"), "--float32"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("x real time"));
  const AudioBuffer out = read_sound(path("out.wav"));
  ASSERT_EQ(out.channels(), 2u);
  ASSERT_EQ(out.frames(), sound.frames() + 30000);
  AudioBuffer expected(2, out.frames());
  for (std::size_t channel = 0; channel < 2; ++channel)
    for (std::size_t frame = 0; frame < sound.frames(); ++frame) {
      expected.channel(channel)[frame] += 0.5F * sound.channel(channel)[frame];
      expected.channel(channel)[frame + 30000] += 0.25F * sound.channel(channel)[frame];
    }
  EXPECT_GT(agreement_db(expected, out), 120.0);  // the float32 of two transforms
}

TEST_F(AudioCommands, ConvolveTakesTrueStereoAsARowForEachInput) {
  write_sound(path("in.wav"), impulses({{{0, 0.5F}}, {{10, 0.5F}}}, 1000), kRateHz);
  write_sound(path("ir.wav"), impulses({{{0, 0.1F}}, {{1, 0.2F}}, {{2, 0.3F}}, {{3, 0.4F}}}, 200),
              kRateHz);
  const ProgramResult result =
      run_program({"convolve", path("in.wav"), path("ir.wav"), "-o", path("out.wav"), "--float32"});
  ASSERT_EQ(result.status, 0) << result.err;
  const AudioBuffer out = read_sound(path("out.wav"));
  ASSERT_EQ(out.channels(), 2u);
  EXPECT_NEAR(out.channel(0)[0], 0.05F, 1e-6);   // left to left
  EXPECT_NEAR(out.channel(1)[1], 0.10F, 1e-6);   // left to right
  EXPECT_NEAR(out.channel(0)[12], 0.15F, 1e-6);  // right to left
  EXPECT_NEAR(out.channel(1)[13], 0.20F, 1e-6);  // right to right
}

// A response of another rate is brought to the input's, with its gain at low frequencies.
TEST_F(AudioCommands, ConvolveKeepsTheGainOfAResponseOfAnotherRate) {
  AudioBuffer tone(1, kRateHz);
  for (std::size_t frame = 0; frame < tone.frames(); ++frame)
    tone.channel(0)[frame] =
        0.25F * static_cast<float>(std::sin(0.05 * static_cast<double>(frame)));
  write_sound(path("in.wav"), tone, kRateHz);
  write_sound(path("ir.wav"), impulses({{{500, 1.0F}}}, 2000), 96000);
  const ProgramResult result =
      run_program({"convolve", path("in.wav"), path("ir.wav"), "-o", path("out.wav"), "--float32"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_NEAR(peak_of(read_sound(path("out.wav"))), 0.25, 0.001);
}

/// The level of a file's lower part, in decibels, from its impulse response.
double level_db(const AudioBuffer& h, double frequency_hz) {
  std::complex<double> sum = 0.0;
  for (std::size_t i = 0; i < h.frames(); ++i)
    sum += double{h.channel(0)[i]} * std::polar(1.0, -2.0 * std::numbers::pi * frequency_hz *
                                                         static_cast<double>(i) / kRateHz);
  return 20.0 * std::log10(std::abs(sum));
}

// What the interpolation puts before the response's first sample belongs to it, and the sound stays
// where it is.
TEST_F(AudioCommands, ConvolveKeepsTheFrontOfAResponseOfAnotherRate) {
  write_sound(path("in.wav"), impulses({{{5000, 0.5F}}}, 12000), kRateHz);
  for (const int rate : {8000, 22050, 44101, 48000, 96000, 192000}) {
    for (const std::size_t length : {1U, 3000U}) {
      write_sound(path("ir.wav"), impulses({{{0, 1.0F}}}, length), rate);
      const ProgramResult result = run_program(
          {"convolve", path("in.wav"), path("ir.wav"), "-o", path("out.wav"), "--float32"});
      ASSERT_EQ(result.status, 0) << result.err;
      const AudioBuffer out = read_sound(path("out.wav"));
      // Within what the resampler is flat to, 0.91 of the lower half rate.
      for (const double hz : {20.0, 1000.0, 3500.0})
        EXPECT_NEAR(level_db(out, hz), -6.02, 0.01) << rate << " " << hz;
      const auto samples = out.channel(0);
      const auto largest = std::ranges::max_element(
          samples, [](float a, float b) { return std::abs(a) < std::abs(b); });
      EXPECT_EQ(largest - samples.begin(), 5000) << rate;
      EXPECT_GE(out.frames(), 12000u);
      EXPECT_LE(out.frames(), 12000u + length * kRateHz / rate + 1200u);
    }
  }
}

/// All values of 16 bits, or as many of 24, as a file.
void write_every_step(const std::string& path, int bits) {
  AudioBuffer sound(1, 65536);
  for (int i = 0; i < 65536; ++i)
    sound.channel(0)[static_cast<std::size_t>(i)] =
        bits == 16 ? static_cast<float>(i - 32768) / 32768.0F
                   : static_cast<float>((i - 32768) * 256 + i % 256) / 8388608.0F;
  audio::AudioWriter writer(
      path, {.sample_rate_hz = kRateHz,
             .channels = 1,
             .sample_format = bits == 16 ? audio::SampleFormat::pcm16 : audio::SampleFormat::pcm24,
             .rounding = audio::Rounding::nearest});
  writer.write(sound);
  writer.close();
}

TEST_F(AudioCommands, WhatDoesNothingPassesIntegersUnchanged) {
  write_sound(path("ir.wav"), impulses({{{0, 1.0F}}}, 1), kRateHz);
  for (const int bits : {16, 24}) {
    write_every_step(path("in.wav"), bits);
    const AudioBuffer in = read_sound(path("in.wav"));
    for (const std::string name : {"out.wav", "out.flac"}) {
      std::vector<std::vector<std::string>> commands = {
          {"convolve", path("in.wav"), path("ir.wav"), "-o", path(name)},
          {"filter", path("in.wav"), "--peak", "1000:0", "-o", path(name)}};
      for (auto& arguments : commands) {
        if (bits == 24) arguments.push_back("--int24");
        const ProgramResult result = run_program(arguments);
        ASSERT_EQ(result.status, 0) << result.err;
        const AudioBuffer out = read_sound(path(name));
        EXPECT_TRUE(std::ranges::equal(in.channel(0), out.channel(0))) << arguments[0] << bits;
        arguments.push_back("--dither");
        ASSERT_EQ(run_program(arguments).status, 0);
        const AudioBuffer dithered = read_sound(path(name));
        EXPECT_FALSE(std::ranges::equal(in.channel(0), dithered.channel(0)));
        EXPECT_GT(agreement_db(in, dithered), bits == 16 ? 85.0 : 120.0);
      }
    }
  }
  expect_refused(run_program({"filter", path("in.wav"), "--peak", "1000:0", "-o", path("o.wav"),
                              "--float32", "--dither"}),
                 2, "--dither is for 16 and 24 bits");
}

// Integers of 32 bits, as floats: not silence.
TEST_F(AudioCommands, FilterTakesSamplesOfAnyScale) {
  const AudioBuffer sound = make_music(2, 0.3, kRateHz);
  for (const float scale : {1.0F, 2147483648.0F, 1e25F}) {
    AudioBuffer scaled(2, sound.frames());
    for (std::size_t c = 0; c < 2; ++c)
      for (std::size_t i = 0; i < sound.frames(); ++i)
        scaled.channel(c)[i] = sound.channel(c)[i] * scale;
    write_sound(path("in.wav"), scaled, kRateHz);
    ASSERT_EQ(run_program({"filter", path("in.wav"), "--low-pass", "10000", "-o",
                           path(scale == 1.0F ? "one.wav" : "out.wav"), "--float32"})
                  .status,
              0);
    if (scale == 1.0F) continue;
    AudioBuffer out = read_sound(path("out.wav"));
    for (std::size_t c = 0; c < 2; ++c)
      for (float& sample : out.channel(c)) sample /= scale;
    EXPECT_GT(agreement_db(read_sound(path("one.wav")), out), 130.0) << scale;
  }
  AudioBuffer wild(1, 1000);
  wild.channel(0)[700] = 3e31F;
  write_sound(path("in.wav"), wild, kRateHz);
  write_sound(path("ir.wav"), impulses({{{0, 1.0F}}}, 1), kRateHz);
  expect_refused(run_program({"filter", path("in.wav"), "--low-pass", "900", "-o", path("o.wav")}),
                 1, "in.wav: a sample beyond");
  expect_refused(run_program({"convolve", path("in.wav"), path("ir.wav"), "-o", path("o.wav")}), 1,
                 "in.wav: a sample beyond");
  EXPECT_FALSE(std::filesystem::exists(path("o.wav")));
}

TEST_F(AudioCommands, NothingIsTurnedDownUnlessAsked) {
  write_sound(path("in.wav"), make_music(1, 0.5, kRateHz), kRateHz);
  write_sound(path("ir.wav"), impulses({{{0, 8.0F}}}, 10), kRateHz);
  const auto convolve = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"convolve", path("in.wav"), path("ir.wav"), "-o",
                                       path("out.wav")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProgramResult result = run_program(arguments);
    EXPECT_EQ(result.status, 0) << result.err;
    return result.err;
  };
  EXPECT_THAT(convolve({"--float32"}), Not(HasSubstr("full scale")));
  EXPECT_GT(peak_of(read_sound(path("out.wav"))), 1.5F);
  EXPECT_THAT(convolve({}), HasSubstr("dB over full scale, is cut off"));
  EXPECT_EQ(peak_of(read_sound(path("out.wav"))), 1.0F);
  EXPECT_THAT(convolve({"--clip-mode", "rescale"}), Not(HasSubstr("full scale")));
  EXPECT_NEAR(peak_of(read_sound(path("out.wav"))), 1 / 1.01, 1e-4);
}

TEST_F(AudioCommands, ConvolveNamesABadResponse) {
  write_sound(path("in.wav"), make_music(2, 0.2, kRateHz), kRateHz);
  write_sound(path("zero.wav"), AudioBuffer(1, 100), kRateHz);
  write_sound(path("three.wav"), make_music(3, 0.1, kRateHz), kRateHz);
  expect_refused(run_program({"convolve", path("in.wav"), path("zero.wav"), "-o", path("o.wav")}),
                 2, "zero.wav: ");
  expect_refused(run_program({"convolve", path("in.wav"), path("three.wav"), "-o", path("o.wav")}),
                 1, "three.wav: 3 channels of response for 2 of input");
  expect_refused(run_program({"convolve", path("in.wav"), path("none.wav"), "-o", path("o.wav")}),
                 1, "none.wav: no such file");
  EXPECT_FALSE(std::filesystem::exists(path("o.wav")));
}

/// A tone's level through `metalaudio filter`, in decibels.
double filtered_db(const std::string& folder, const std::vector<std::string>& filters,
                   double frequency_hz) {
  AudioBuffer tone(1, kRateHz);
  const double step = 2.0 * std::numbers::pi * frequency_hz / kRateHz;
  for (std::size_t frame = 0; frame < tone.frames(); ++frame)
    tone.channel(0)[frame] = 0.1F * static_cast<float>(std::sin(step * static_cast<double>(frame)));
  write_sound(folder + "/in.wav", tone, kRateHz);
  std::vector<std::string> arguments{"filter", folder + "/in.wav", "-o", folder + "/out.wav",
                                     "--float32"};
  arguments.insert(arguments.end(), filters.begin(), filters.end());
  const ProgramResult result = run_program(arguments);
  EXPECT_EQ(result.status, 0) << result.err;
  const AudioBuffer out = read_sound(folder + "/out.wav");
  double before = 0.0;
  double after = 0.0;
  for (std::size_t frame = tone.frames() / 2; frame < tone.frames(); ++frame) {
    before += double{tone.channel(0)[frame]} * tone.channel(0)[frame];
    after += double{out.channel(0)[frame]} * out.channel(0)[frame];
  }
  return 10.0 * std::log10(after / before);
}

// The levels follow from the filters' definitions: Butterworth is -3.01 dB at its frequency,
// Linkwitz-Riley twice that, a resonance of Q has that gain at its own, an
// order falls by 6 dB per octave beyond, a shelf or a peak has its gain.
TEST_F(AudioCommands, FilterHasTheLevelsOfItsDesign) {
  const std::string folder = folder_.path().string();
  EXPECT_NEAR(filtered_db(folder, {"--low-pass", "1000"}, 1000.0), -3.01, 0.02);
  EXPECT_NEAR(filtered_db(folder, {"--low-pass", "500:4"}, 2000.0), -48.2, 0.5);
  EXPECT_NEAR(filtered_db(folder, {"--high-pass", "1000:4"}, 100.0), -80.0, 0.5);
  EXPECT_NEAR(filtered_db(folder, {"--band-pass", "500:2000:3"}, 2000.0), -3.01, 0.05);
  EXPECT_NEAR(filtered_db(folder, {"--linkwitz-riley-low", "1000"}, 1000.0), -6.02, 0.02);
  EXPECT_NEAR(filtered_db(folder, {"--linkwitz-riley-high", "1000:8"}, 1000.0), -6.02, 0.02);
  EXPECT_NEAR(filtered_db(folder, {"--resonant-low-pass", "1000:2"}, 1000.0), 6.02, 0.02);
  EXPECT_NEAR(filtered_db(folder, {"--resonant-high-pass", "1000:0.5"}, 1000.0), -6.02, 0.02);
  EXPECT_NEAR(filtered_db(folder, {"--resonant-band-pass", "1000:5"}, 1000.0), 0.0, 0.02);
  EXPECT_NEAR(filtered_db(folder, {"--all-pass", "1000"}, 1000.0), 0.0, 0.02);
  EXPECT_LT(filtered_db(folder, {"--notch", "1000"}, 1000.0), -60.0);
  EXPECT_NEAR(filtered_db(folder, {"--peak", "1000:6"}, 1000.0), 6.0, 0.02);
  EXPECT_NEAR(filtered_db(folder, {"--peak=1000:-6:4", "--peak", "1000:2"}, 1000.0), -4.0, 0.02);
  EXPECT_NEAR(filtered_db(folder, {"--low-shelf", "1000:-9"}, 50.0), -9.0, 0.1);
  EXPECT_NEAR(filtered_db(folder, {"--high-shelf", "1000:3"}, 15000.0), 3.0, 0.1);
}

TEST_F(AudioCommands, FilterRefusesWhatIsNoFilter) {
  write_sound(path("in.wav"), make_music(2, 0.2, kRateHz), kRateHz);
  const auto filter = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"filter", path("in.wav"), "-o", path("o.wav")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(arguments);
  };
  expect_refused(filter({}), 2, "no filter was given");
  expect_refused(filter({"--low-pass", "loud"}), 2, "--low-pass loud: expected HZ[:ORDER]");
  expect_refused(filter({"--low-pass", "1000:2:3"}), 2, "expected HZ[:ORDER]");
  expect_refused(filter({"--low-pass", "1000:1.5"}), 2, "order 1.5");
  expect_refused(filter({"--linkwitz-riley-low", "1000:3"}), 2, "order");
  expect_refused(filter({"--resonant-low-pass", "1000"}), 2, "expected HZ:Q");
  expect_refused(filter({"--low-pass", "30000"}), 2, "30000");
  expect_refused(filter({"--peak", "1000"}), 2, "expected HZ:DB[:Q]");
  EXPECT_FALSE(std::filesystem::exists(path("o.wav")));
}

TEST_F(AudioCommands, TheNameOrAnOptionChoosesTheFormat) {
  write_sound(path("in.wav"), make_music(2, 0.2, kRateHz), kRateHz);
  const auto filter = [&](const std::string& out, const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"filter", path("in.wav"), "--low-pass",
                                       "5000",   "-o",           path(out)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(arguments);
  };
  EXPECT_EQ(filter("o.flac", {"--int24"}).status, 0);
  EXPECT_EQ(filter("o.mp3", {}).status, 0);
  EXPECT_EQ(filter("plain", {"--flac"}).status, 0);
  for (const char* name : {"o.flac", "o.mp3", "plain"})
    EXPECT_EQ(read_sound(path(name)).channels(), 2u) << name;
  expect_refused(filter("o.wav", {"--mp3"}), 2, "o.wav");
  expect_refused(filter("o.flac", {"--float32"}), 2, "o.flac");
  expect_refused(filter("none/o.wav", {}), 1, "none");
}

TEST_F(AudioCommands, NothingHalfWrittenStaysWhenTheDiskIsFull) {
  write_sound(path("in.wav"), make_music(2, 2.0, kRateHz), kRateHz);
  const ProgramResult result =
      run_program({"filter", path("in.wav"), "--low-pass", "5000", "-o", path("o.wav")},
                  {.folder = {}, .environment = {}, .largest_file_bytes = 100000});
  expect_refused(result, 1, "o.wav");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1);
}

TEST_F(AudioCommands, SpectrogramDrawsAFileThatIsNamed) {
  write_sound(path("in.flac"), make_music(2, 0.3, kRateHz), kRateHz);
  const ProgramResult result = run_program({"spectrogram", path("in.flac"), "-o", path("o.png")});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_GT(std::filesystem::file_size(path("o.png")), 10000u);
  expect_refused(run_program({"spectrogram", path("none.wav"), "-o", path("p.png")}), 1,
                 "none.wav: no such file");
  EXPECT_FALSE(std::filesystem::exists(path("p.png")));
}

}  // namespace
}  // namespace metalaudio::apps

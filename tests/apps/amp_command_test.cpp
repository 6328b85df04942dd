#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "program.h"
#include "tests/support/sounds.h"
#include "tests/support/test_folder.h"

namespace metalaudio::apps {
namespace {

using ::testing::HasSubstr;

class AmpCommand : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  /// An amp that is a factor.
  std::string write_model(double gain, int rate_hz, const nlohmann::json& metadata) const {
    const nlohmann::json file{{"version", "0.7.0"},
                              {"architecture", "Linear"},
                              {"config", {{"receptive_field", 1}, {"bias", false}}},
                              {"weights", {gain}},
                              {"sample_rate", rate_hz},
                              {"metadata", metadata}};
    std::ofstream(path("amp.nam")) << file.dump();
    return path("amp.nam");
  }

  std::string write_tone(int rate_hz, std::size_t channels = 1) const {
    write_sound(path("in.wav"), tone(rate_hz, channels, 1.0F), rate_hz);
    return path("in.wav");
  }

  /// Half a second that fades in and out, so that a resampler has nothing to add at its ends.
  static AudioBuffer tone(int rate_hz, std::size_t channels, float gain) {
    AudioBuffer sound(channels, static_cast<std::size_t>(rate_hz) / 2);
    for (std::size_t c = 0; c < channels; ++c)
      for (std::size_t t = 0; t < sound.frames(); ++t) {
        const double seconds = static_cast<double>(t) / rate_hz;
        const double fade = std::pow(std::sin(3.14159265358979 * seconds / 0.5), 2.0);
        sound.channel(c)[t] =
            gain * 0.3F *
            static_cast<float>(fade *
                               std::sin(2765.0 * (1.0 + 0.5 * static_cast<double>(c)) * seconds));
      }
    return sound;
  }

  ProgramResult amp(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "amp");
    arguments.insert(arguments.end(), {"-o", path("out.wav"), "--float32"});
    return run_program(arguments);
  }

  TestFolder folder_;
};

TEST_F(AmpCommand, PlaysFilesOfAnyRateThroughAModelOfAnother) {
  for (const int rate_hz : {44100, 48000, 96000}) {
    const ProgramResult result = amp({write_model(0.5, 48000, {}), write_tone(rate_hz, 2)});
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_THAT(result.err, HasSubstr("x real time"));
    EXPECT_EQ(sample_rate_of(path("out.wav")), rate_hz);
    const AudioBuffer out = read_sound(path("out.wav"));
    const AudioBuffer expected = tone(rate_hz, 2, 0.5F);
    ASSERT_EQ(out.frames(), expected.frames());
    // There and back within 120 dB each; without it the bits are the same.
    EXPECT_GT(agreement_db(expected, out), 100.0) << rate_hz;
  }
}

TEST_F(AmpCommand, OversamplingKeepsTheSoundWhereItIs) {
  for (const int rate_hz : {44100, 48000, 96000}) {
    for (const char* times : {"1", "2", "4", "8"}) {
      const ProgramResult result =
          amp({write_model(0.5, 48000, {}), write_tone(rate_hz, 2), "--oversample", times});
      ASSERT_EQ(result.status, 0) << result.err;
      const AudioBuffer out = read_sound(path("out.wav"));
      ASSERT_EQ(out.frames(), tone(rate_hz, 2, 0.5F).frames());
      EXPECT_GT(agreement_db(tone(rate_hz, 2, 0.5F), out), 95.0) << rate_hz << " " << times;
    }
  }
  for (const char* times : {"0", "3", "16", "two"})
    EXPECT_EQ(amp({write_model(0.5, 48000, {}), write_tone(48000), "--oversample", times}).status,
              2);
}

TEST_F(AmpCommand, AnInstalledAmpIsTakenByItsName) {
  std::filesystem::create_directories(path("models"));
  std::filesystem::rename(write_model(0.5, 48000, {}), path("models/half.nam"));
  ProgramSetting setting;
  setting.environment = {{"METALAUDIO_MODEL_DIR", path("models")}};
  ProgramResult result =
      run_program({"amp", "half", write_tone(48000), "-o", path("out.wav"), "--float32"}, setting);
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_GT(agreement_db(tone(48000, 1, 0.5F), read_sound(path("out.wav"))), 120.0);
  result = run_program({"amp", "whole", write_tone(48000), "-o", path("out.wav")}, setting);
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("no amp of this name"));
  EXPECT_THAT(result.err, HasSubstr("half"));
}

TEST_F(AmpCommand, LevelsFollowTheModelsMetadata) {
  const std::string model =
      write_model(0.5, 48000, {{"input_level_dbu", 12.0}, {"loudness", -30.0}});
  ASSERT_EQ(amp({model, write_tone(48000), "--input-level", "6", "--normalize"}).status, 0);
  const auto gain = static_cast<float>(0.5 * std::pow(10.0, (-6.0 + 12.0) / 20.0));
  EXPECT_GT(agreement_db(tone(48000, 1, gain), read_sound(path("out.wav"))), 120.0);

  const std::string silent = write_model(0.5, 48000, {});
  ProgramResult result = amp({silent, write_tone(48000), "--normalize"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("--normalize needs its loudness"));
  result = amp({silent, write_tone(48000), "--input-level", "6"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("--input-level needs its input level"));
}

TEST_F(AmpCommand, LevelsThatAreNoneAreRefusedByTheirOption) {
  const std::string model =
      write_model(0.5, 48000, {{"input_level_dbu", 1e9}, {"loudness", -3000.0}});
  for (const char* level : {"nan", "inf", "101", "loud"}) {
    const ProgramResult result = amp({model, write_tone(48000), "--input-level", level});
    EXPECT_EQ(result.status, 2) << level;
    EXPECT_THAT(result.err, HasSubstr("--input-level")) << level;
  }
  ProgramResult result = amp({model, write_tone(48000), "--input-level", "6"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("amp.nam: --input-level would turn"));
  result = amp({model, write_tone(48000), "--normalize"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("amp.nam: --normalize would turn"));
  EXPECT_EQ(amp({model, write_tone(48000)}).status, 0);
}

TEST_F(AmpCommand, KnobsThatStayAtZeroAreTold) {
  const nlohmann::json file{{"in_shape", {nullptr, nullptr, 3}},
                            {"layers",
                             {{{"type", "dense"},
                               {"shape", {nullptr, nullptr, 1}},
                               {"weights", {{{1.0}, {1.0}, {1.0}}, {0.0}}}}}}};
  std::ofstream(path("knobs.json")) << file.dump();
  ProgramResult result = amp({path("knobs.json"), write_tone(48000)});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("knobs.json: its 2 knobs stay at 0"));
  result = amp({write_model(1.0, 48000, {}), write_tone(48000)});
  EXPECT_THAT(result.err, ::testing::Not(HasSubstr("knob")));
}

TEST_F(AmpCommand, ACabinetOfAnotherRateKeepsTheSoundWhereItIs) {
  AudioBuffer response(1, 400);
  response.channel(0)[0] = 0.5F;
  write_sound(path("ir.wav"), response, 96000);
  ASSERT_EQ(amp({write_model(1.0, 44100, {}), write_tone(48000), "--ir", path("ir.wav")}).status,
            0);
  // A response of 96 kHz at 48 kHz is an impulse without what lies above: flat to 91 % of 24 kHz.
  EXPECT_GT(agreement_db(tone(48000, 1, 0.5F), read_sound(path("out.wav"))), 80.0);
}

TEST_F(AmpCommand, WhatCannotBeIsRefused) {
  const std::string model = write_model(1.0, 48000, {});
  ProgramResult result = amp({model, write_tone(48000, 6)});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("6 channels"));
  std::ofstream(path("bad.nam")) << "{}";
  result = amp({path("bad.nam"), write_tone(48000)});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("bad.nam"));
  result = run_program({"amp", model, write_tone(48000), "-o", path("in.wav")});
  EXPECT_EQ(result.status, 2);
}

}  // namespace
}  // namespace metalaudio::apps

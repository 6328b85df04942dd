#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/dsp/loudness_meter.h>
#include <nlohmann/json.hpp>

#include "separate_setting.h"
#include "tests/support/sounds.h"

namespace metalaudio::apps {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kRateHz = 8000;

dsp::Loudness loudness_of(const AudioBuffer& sound) {
  dsp::LoudnessMeter meter(kRateHz, sound.channels());
  meter.process(sound);
  return meter.finish();
}

class StemLoudness : public ::testing::Test {
 protected:
  StemLoudness() { write_sound(setting_ / "song.wav", make_music(2, 5.0, kRateHz), kRateHz); }

  AudioBuffer stem(const std::string& name) const {
    return read_sound(setting_ / ("separated/tiny/song/" + name + ".wav"));
  }

  SeparateSetting setting_;
};

TEST_F(StemLoudness, IsToldOfTheMixAndOfEachStemAsItIsWritten) {
  const ProgramResult result = setting_.separate({"song.wav", "--loudness", "--json", "--float32"});
  ASSERT_EQ(result.status, 0) << result.err;
  const nlohmann::json line = nlohmann::json::parse(result.out);
  const auto expect = [](const nlohmann::json& told, const AudioBuffer& sound) {
    const dsp::Loudness expected = loudness_of(sound);
    EXPECT_NEAR(told.at("integrated_lufs").get<double>(), expected.integrated_lufs, 1e-4);
    EXPECT_NEAR(told.at("range_lu").get<double>(), expected.range_lu, 1e-4);
    EXPECT_NEAR(told.at("true_peak_dbtp").get<double>(), expected.true_peak_dbtp, 1e-4);
  };
  expect(line.at("loudness").at("mix"), read_sound(setting_ / "song.wav"));
  for (const std::string name : {"drums", "bass", "other", "vocals"})
    expect(line.at("loudness").at("stems").at(name), stem(name));
  EXPECT_THAT(result.err, HasSubstr("song.wav: mix -"));
  EXPECT_THAT(result.err, HasSubstr("song.wav: vocals -"));
  EXPECT_THAT(setting_.separate({"song.wav", "--overwrite", "--json"}).out,
              Not(HasSubstr("loudness")));
}

TEST_F(StemLoudness, OfSilenceIsNoNumber) {
  write_sound(setting_ / "song.wav", AudioBuffer(2, 16000), kRateHz);
  const ProgramResult result =
      setting_.separate({"song.wav", "--loudness", "--json", "--normalize", "-14"});
  ASSERT_EQ(result.status, 0) << result.err;
  const nlohmann::json line = nlohmann::json::parse(result.out);
  EXPECT_TRUE(line.at("loudness").at("mix").at("integrated_lufs").is_null());
  EXPECT_THAT(result.err, HasSubstr("mix -inf LUFS"));
  EXPECT_THAT(result.err, HasSubstr("warning: too quiet or too short for a loudness"));
}

TEST_F(StemLoudness, NormalizingBringsTheMixThereAndTheStemsWithIt) {
  ASSERT_EQ(
      setting_.separate({"song.wav", "--exact-sum", "--clip-mode", "none", "--float32"}).status, 0);
  const AudioBuffer plain = stem("bass");
  const ProgramResult result = setting_.separate(
      {"song.wav", "--exact-sum", "--float32", "--overwrite", "--normalize", "-30", "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("the mix to -30.0 LUFS (--normalize)"));
  AudioBuffer sum(2, plain.frames());
  for (const std::string name : {"drums", "bass", "other", "vocals"}) {
    const AudioBuffer one = stem(name);
    for (std::size_t c = 0; c < 2; ++c)
      for (std::size_t i = 0; i < sum.frames(); ++i) sum.channel(c)[i] += one.channel(c)[i];
  }
  // The sum is the mix, within what floats lose in it.
  EXPECT_NEAR(loudness_of(sum).integrated_lufs, -30.0, 0.01);
  const double gain = nlohmann::json::parse(result.out).at("gains").at("bass").get<double>();
  const AudioBuffer quiet = stem("bass");
  for (std::size_t i = 0; i < quiet.frames(); ++i)
    ASSERT_NEAR(quiet.channel(0)[i], gain * plain.channel(0)[i], 1e-6);
}

TEST_F(StemLoudness, NormalizingLimitsWhatWouldBeTooLoud) {
  for (const char* target : {"-6", "0"}) {
    const ProgramResult result = setting_.separate(
        {"song.wav", "--exact-sum", "--float32", "--overwrite", "--normalize", target});
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_THAT(result.err, HasSubstr(", limited by "));
    AudioBuffer sum(2, 40000);
    for (const std::string name : {"drums", "bass", "other", "vocals"}) {
      const AudioBuffer one = stem(name);
      EXPECT_LE(loudness_of(one).true_peak_dbtp, -1.0) << name;
      for (std::size_t c = 0; c < 2; ++c)
        for (std::size_t i = 0; i < sum.frames(); ++i) sum.channel(c)[i] += one.channel(c)[i];
    }
    EXPECT_LE(loudness_of(sum).true_peak_dbtp, -1.0);
    EXPECT_GT(loudness_of(sum).true_peak_dbtp, -2.0);
  }
}

TEST_F(StemLoudness, ALoudnessThatIsNoneIsRefused) {
  for (const char* target : {"1", "-71", "nan", "loud"})
    EXPECT_EQ(setting_.separate({"song.wav", "--normalize", target}).status, 2) << target;
}

}  // namespace
}  // namespace metalaudio::apps

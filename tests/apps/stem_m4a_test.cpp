#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/audio/tags.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cstdio>
#include <string_view>

#include "separate_setting.h"
#include "tests/support/sounds.h"
#include "tests/support/test_folder.h"

namespace metalaudio::apps {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int kRateHz = 8000;

std::size_t big_endian(std::string_view bytes) {
  std::size_t value = 0;
  for (const char byte : bytes.substr(0, 4)) value = value << 8U | static_cast<unsigned char>(byte);
  return value;
}

/// What is in a box of an MP4 file, by the names of those around it.
std::string_view box(std::string_view boxes, const std::vector<std::string>& path) {
  for (const std::string& name : path) {
    std::string_view found;
    while (boxes.size() >= 8 && found.empty()) {
      const std::size_t bytes = big_endian(boxes);
      if (bytes < 8 || bytes > boxes.size()) return {};
      if (boxes.substr(4, 4) == name) found = boxes.substr(8, bytes - 8);
      boxes.remove_prefix(bytes);
    }
    boxes = found;
  }
  return boxes;
}

std::string output_of(const std::string& command) {
  std::string text;
  std::array<char, 4096> part{};
  FILE* pipe = ::popen(command.c_str(), "r");
  while (pipe != nullptr && std::fgets(part.data(), part.size(), pipe) != nullptr)
    text += part.data();
  if (pipe != nullptr) ::pclose(pipe);
  return text;
}

nlohmann::json probe(const fs::path& path) {
  return nlohmann::json::parse(
      output_of("ffprobe -v error -show_streams -show_format -of json " + path.string()));
}

/// One of its tracks, decoded by FFmpeg, without what its last packet has behind the sound.
AudioBuffer track(const fs::path& path, int index, const fs::path& to) {
  output_of("ffmpeg -v error -y -i " + path.string() + " -map 0:a:" + std::to_string(index) +
            " -c:a pcm_f32le " + to.string());
  return read_sound(to);
}

class StemM4a : public ::testing::Test {
 protected:
  StemM4a() {
    audio::AudioWriterOptions options;
    options.sample_rate_hz = kRateHz;
    options.type = audio::FileType::flac;
    options.tags.texts = {{"TITLE", {"Lied"}}};
    options.tags.pictures = {{"\xFF\xD8\xFF\xE0 cover", "image/jpeg"}};
    audio::AudioWriter writer(setting_ / "song.flac", options);
    writer.write(make_music(2, 1.3, kRateHz));
    writer.close();
  }

  SeparateSetting setting_;
};

TEST_F(StemM4a, HoldsTheMixAndFourStemsOfWhichTheMixAloneIsOn) {
  const ProgramResult result = setting_.separate({"song.flac", "--stem-m4a"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(setting_.files_below("separated"), ElementsAre("tiny/song.stem.m4a"));
  const fs::path file = setting_ / "separated/tiny/song.stem.m4a";
  const nlohmann::json seen = probe(file);
  std::vector<nlohmann::json> tracks;
  for (const nlohmann::json& stream : seen.at("streams"))
    if (stream.at("codec_type") == "audio") tracks.push_back(stream);
  ASSERT_EQ(tracks.size(), 5U);
  for (std::size_t i = 0; i < tracks.size(); ++i) {
    EXPECT_EQ(tracks[i].at("codec_name"), "aac");
    EXPECT_EQ(tracks[i].at("channels"), 2);
    EXPECT_EQ(tracks[i].at("disposition").at("default"), i == 0 ? 1 : 0) << i;
  }
  EXPECT_EQ(seen.at("format").at("tags").at("title"), "Lied");
  EXPECT_THAT(seen.at("format").at("tags").at("major_brand").get<std::string>(), HasSubstr("M4A"));

  const std::string bytes = read_text(file);
  const nlohmann::json box_content = nlohmann::json::parse(box(bytes, {"moov", "udta", "stem"}));
  EXPECT_EQ(box_content.at("version"), 1);
  EXPECT_EQ(box_content.at("mastering_dsp").at("compressor").at("enabled"), false);
  EXPECT_EQ(box_content.at("mastering_dsp").at("limiter").at("enabled"), false);
  std::vector<std::string> names;
  for (const nlohmann::json& stem : box_content.at("stems")) {
    names.push_back(stem.at("name"));
    EXPECT_EQ(stem.at("color").get<std::string>().front(), '#');
  }
  EXPECT_THAT(names, ElementsAre("Drums", "Bass", "Other", "Vox"));
}

TEST_F(StemM4a, ItsTracksAreTheStemsOfOneGain) {
  ASSERT_EQ(setting_.separate({"song.flac", "--sum-safe"}).status, 0);
  ASSERT_EQ(setting_.separate({"song.flac", "--stem-m4a", "--alac"}).status, 0);
  const fs::path file = setting_ / "separated/tiny/song.stem.m4a";
  const std::vector<std::string> stems{"drums", "bass", "other", "vocals"};
  const AudioBuffer mix = track(file, 0, setting_ / "track.wav");
  ASSERT_EQ(mix.frames(), 10400U);
  const AudioBuffer song = read_sound(setting_ / "song.flac");
  const float gain = peak_of(mix) / peak_of(song);
  for (std::size_t i = 0; i < stems.size(); ++i) {
    AudioBuffer one = track(file, static_cast<int>(i) + 1, setting_ / "track.wav");
    AudioBuffer plain = read_sound(setting_ / ("separated/tiny/song/" + stems[i] + ".wav"));
    ASSERT_EQ(one.frames(), 10400U);
    const float scale = peak_of(plain) / peak_of(one);
    for (std::size_t c = 0; c < 2; ++c)
      for (float& sample : one.channel(c)) sample *= scale;
    // Both are cut to 16 bits, of stems that may be quiet.
    EXPECT_GT(agreement_db(plain, one), 35.0) << stems[i];
  }
  EXPECT_LE(gain, 1.001F);
}

TEST_F(StemM4a, NeedsItsEndingAndNothingElse) {
  const auto expect = [&](const std::vector<std::string>& arguments, const char* reason,
                          int status) {
    const ProgramResult result = setting_.separate(arguments);
    EXPECT_EQ(result.status, status) << result.err;
    EXPECT_THAT(result.err, HasSubstr(reason));
  };
  expect({"song.flac", "--stem-m4a", "--flac"}, "excludes", 2);
  expect({"song.flac", "--stem-m4a", "--stems", "bass"}, "excludes", 2);
  expect({"song.flac", "--stem-m4a", "--filename", "{track}.m4a"}, "must end in .stem.m4a", 1);
  expect({"song.flac", "--filename", "{track}{stem}.stem.m4a"}, "see --stem-m4a", 1);
  expect({"song.flac", "--stem-m4a", "--filename", "dj/{track}.{ext}"},
         "stems in separated/tiny/dj/song.stem.m4a", 0);
}

}  // namespace
}  // namespace metalaudio::apps

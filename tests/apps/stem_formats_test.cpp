#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/audio/tags.h>

#include "separate_setting.h"
#include "tests/support/sounds.h"

namespace metalaudio::apps {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr int kRateHz = 8000;
const std::string kJpeg = "\xFF\xD8\xFF\xE0 and the rest";

audio::Tags tags_of(const fs::path& path) {
  std::vector<std::string> warnings;
  return audio::read_tags(path, warnings);
}

/// A song of 1.3 s with tags and a cover.
class StemFormats : public ::testing::Test {
 protected:
  StemFormats() {
    audio::Tags tags;
    tags.texts = {{"TITLE", {"Lied"}}, {"ARTIST", {"Ярослав"}}, {"TRACKNUMBER", {"3/9"}}};
    tags.pictures = {{kJpeg, "image/jpeg"}};
    write_song("song.flac", tags);
  }

  void write_song(const std::string& name, const audio::Tags& tags) const {
    audio::AudioWriterOptions options;
    options.sample_rate_hz = kRateHz;
    options.type = *audio::file_type_of(name);
    options.tags = tags;
    audio::AudioWriter writer(setting_ / name, options);
    writer.write(make_music(2, 1.3, kRateHz));
    writer.close();
  }

  ProgramResult separate(std::vector<std::string> more) const {
    more.insert(more.begin(), {"song.flac", "--overwrite"});
    return setting_.separate(more);
  }

  SeparateSetting setting_;
};

TEST_F(StemFormats, EachCarriesTheTagsAndTheCoverOfItsTrack) {
  for (const std::string type : {"wav", "flac", "mp3", "ogg", "opus", "m4a", "alac"}) {
    std::vector<std::string> arguments{"-o", type};
    if (type != "wav") arguments.push_back("--" + type);
    const ProgramResult result = separate(arguments);
    ASSERT_EQ(result.status, 0) << result.err;
    const std::string ending = type == "alac" ? "m4a" : type;
    for (const std::string stem : {"drums", "vocals"}) {
      const audio::Tags tags = tags_of(setting_ / (type + "/tiny/song/" + stem + "." + ending));
      EXPECT_THAT(tags.texts.at("TITLE"), ElementsAre("Lied")) << type;
      EXPECT_THAT(tags.texts.at("ARTIST"), ElementsAre("Ярослав")) << type;
      EXPECT_THAT(tags.texts.at("TRACKNUMBER"), ElementsAre("3/9")) << type;
      EXPECT_THAT(tags.texts.at("SUBTITLE"), ElementsAre(stem)) << type;
      ASSERT_EQ(tags.pictures.size(), 1U) << type;
      EXPECT_EQ(tags.pictures[0].bytes, kJpeg) << type;
    }
  }
}

TEST_F(StemFormats, CarryNoTagsWhereThereAreNoneOrNoneAreWanted) {
  ASSERT_EQ(separate({"--no-tags"}).status, 0);
  EXPECT_TRUE(tags_of(setting_ / "separated/tiny/song/bass.wav").empty());
  write_song("song.flac", {});
  ASSERT_EQ(separate({}).status, 0);
  EXPECT_TRUE(tags_of(setting_ / "separated/tiny/song/bass.wav").empty());
}

TEST_F(StemFormats, OtherTagsAreOtherStems) {
  ASSERT_EQ(separate({}).status, 0);
  const ProgramResult same = setting_.separate({"song.flac", "--skip-existing"});
  EXPECT_THAT(same.err, HasSubstr("left: "));
  const ProgramResult other = setting_.separate({"song.flac", "--skip-existing", "--no-tags"});
  EXPECT_THAT(other.err, Not(HasSubstr("left: "))) << other.err;
}

TEST_F(StemFormats, ACoverThatIsNoneIsAWarning) {
  audio::Tags tags;
  tags.texts = {{"TITLE", {"Lied"}}};
  tags.pictures = {{"no picture", "image/jpeg"}};
  write_song("song.flac", tags);
  const ProgramResult result = separate({"--json"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("song.flac: warning: a cover that is no picture (10 bytes)"));
  EXPECT_THAT(result.out, HasSubstr("a cover that is no picture"));
  EXPECT_EQ(tags_of(setting_ / "separated/tiny/song/bass.wav").texts.at("TITLE").front(), "Lied");
}

TEST_F(StemFormats, LossyStemsAreAsLongAsTheTrackAndInPlace) {
  for (const std::string type : {"ogg", "m4a"}) {
    ASSERT_EQ(separate({"--float32", "--clip-mode", "none"}).status, 0);
    const ProgramResult result = separate({"--" + type, "--clip-mode", "none"});
    ASSERT_EQ(result.status, 0) << result.err;
    const AudioBuffer exact = read_sound(setting_ / "separated/tiny/song/bass.wav");
    const AudioBuffer lossy = read_sound(setting_ / ("separated/tiny/song/bass." + type));
    EXPECT_EQ(lossy.frames(), exact.frames());
    EXPECT_GT(agreement_db(exact, lossy), 10.0) << type;
  }
  ASSERT_EQ(separate({"--opus"}).status, 0);
  EXPECT_EQ(sample_rate_of(setting_ / "separated/tiny/song/bass.opus"), 48000);
  EXPECT_EQ(read_sound(setting_ / "separated/tiny/song/bass.opus").frames(), 62400U);
}

TEST_F(StemFormats, TheEndingOfTheNameCountsAndWhatHasNoEffectIsTold) {
  const ProgramResult result = separate(
      {"--filename", "{track} {stem}.opus", "--bitrate", "64", "--int24", "--mp3-preset", "3"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(setting_.files_below("separated"), ::testing::Contains("tiny/song bass.opus"));
  EXPECT_THAT(result.err, HasSubstr("Note: --int24 has no effect on Opus\n"));
  EXPECT_THAT(result.err, HasSubstr("Note: --mp3-preset has no effect on Opus\n"));
  EXPECT_THAT(result.err, Not(HasSubstr("--bitrate has no effect")));
  const ProgramResult wav = separate({"--bitrate", "64"});
  EXPECT_THAT(wav.err, HasSubstr("Note: --bitrate has no effect on WAV\n"));
  const ProgramResult two = separate({"--opus", "--ogg"});
  EXPECT_EQ(two.status, 2);
  EXPECT_THAT(two.err, HasSubstr("--ogg excludes --opus"));
}

TEST_F(StemFormats, AFullDiskLeavesNothing) {
  audio::Tags tags;
  tags.texts = {{"TITLE", {"Lied"}}};
  tags.pictures = {{kJpeg + std::string(300000, 'x'), "image/jpeg"}};
  write_song("song.flac", tags);
  for (const std::string type : {"flac", "mp3", "ogg", "opus", "m4a"}) {
    ProgramSetting setting = setting_.setting();
    // The sound has room, the cover has not.
    setting.largest_file_bytes = 200000;
    const ProgramResult result = run_program(
        setting_.arguments({"song.flac", "--overwrite", "-o", "full", "--" + type}), setting);
    EXPECT_EQ(result.status, 1) << type;
    EXPECT_THAT(result.err, HasSubstr("File too large")) << type;
    EXPECT_THAT(setting_.files_below("full"), IsEmpty()) << type;
  }
}

TEST_F(StemFormats, FilesOfOtherCommandsKeepTheirTagsToo) {
  ProgramSetting setting = setting_.setting();
  for (const std::string type : {"mp3", "ogg", "m4a", "wav"}) {
    const ProgramResult result =
        run_program({"filter", "song.flac", "--high-pass", "80", "-o", "out." + type}, setting);
    ASSERT_EQ(result.status, 0) << result.err;
    const audio::Tags tags = tags_of(setting_ / ("out." + type));
    EXPECT_THAT(tags.texts.at("TITLE"), ElementsAre("Lied"));
    EXPECT_FALSE(tags.texts.contains("SUBTITLE"));
    EXPECT_EQ(tags.pictures.size(), 1U);
  }
  const ProgramResult result =
      run_program({"filter", "song.flac", "--high-pass", "80", "-o", "a.stem.m4a"}, setting);
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("comes from `metalaudio separate`"));
}

}  // namespace
}  // namespace metalaudio::apps

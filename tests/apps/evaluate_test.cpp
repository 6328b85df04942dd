#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <fstream>

#include "program.h"
#include "tests/support/sounds.h"
#include "tests/support/test_folder.h"

namespace metalaudio::apps {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kRateHz = 8000;

AudioBuffer scaled(AudioBuffer sound, float gain) {
  for (std::size_t c = 0; c < sound.channels(); ++c)
    for (float& sample : sound.channel(c)) sample *= gain;
  return sound;
}

/// Two stems of which the estimates are off by a tenth and by a half: 20 dB and 6.02 dB.
void write_track(const TestFolder& folder, const std::string& track) {
  const AudioBuffer bass = make_music(2, 1.5, kRateHz, 1);
  const AudioBuffer drums = make_music(2, 1.5, kRateHz, 2);
  write_sound(folder / ("ref/" + track + "/bass.wav"), bass, kRateHz);
  write_sound(folder / ("ref/" + track + "/drums.wav"), drums, kRateHz);
  write_sound(folder / ("est/" + track + "/bass.wav"), scaled(bass, 0.9F), kRateHz);
  write_sound(folder / ("est/" + track + "/drums.wav"), scaled(drums, 0.5F), kRateHz);
}

nlohmann::json read_json(const std::filesystem::path& path) {
  std::ifstream stream(path);
  return nlohmann::json::parse(stream);
}

TEST(Evaluate, MeasuresKnownErrors) {
  const TestFolder folder;
  write_track(folder, "one");
  const ProgramResult result =
      run_program({"evaluate", folder / "ref/one", folder / "est/one", "--json",
                   folder / "scores.json", "--picture", folder / "table.png"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.err, IsEmpty());
  EXPECT_THAT(result.out, HasSubstr("20.00"));
  EXPECT_THAT(result.out, HasSubstr("6.02"));
  const nlohmann::json scores = read_json(folder / "scores.json");
  const nlohmann::json& track = scores.at("tracks").at(0);
  EXPECT_EQ(track.at("track"), "one");
  // 0.9 and 0.5 are rounded to float32, and so are the products.
  EXPECT_NEAR(track.at("stems").at("bass").at("sdr_db"), 20.0, 1e-5);
  EXPECT_NEAR(track.at("stems").at("drums").at("sdr_db"), 10.0 * std::log10(4.0), 1e-5);
  EXPECT_NEAR(scores.at("summary").at("mean").at("mean_db"), 13.0103, 1e-4);
  EXPECT_GT(std::filesystem::file_size(folder / "table.png"), 1000U);
}

TEST(Evaluate, TheMixIsTheSumUnlessThereIsAFile) {
  const TestFolder folder;
  write_track(folder, "one");
  run_program({"evaluate", folder / "ref", folder / "est", "--json", folder / "sum.json"});
  const nlohmann::json sum = read_json(folder / "sum.json");
  // The error of the mix as an estimate of one stem is the other stem.
  const AudioBuffer bass = read_sound(folder / "ref/one/bass.wav");
  const nlohmann::json& stem = sum.at("tracks").at(0).at("stems").at("bass");
  EXPECT_NEAR(stem.at("mix_sdr_db"), 0.0, 3.0) << "both stems are about as loud";
  EXPECT_NEAR(stem.at("improvement_db").get<double>(),
              stem.at("sdr_db").get<double>() - stem.at("mix_sdr_db").get<double>(), 1e-9);

  write_sound(folder / "ref/one/mix.wav", scaled(bass, 2.0F), kRateHz);
  run_program({"evaluate", folder / "ref", folder / "est", "--json", folder / "file.json"});
  const nlohmann::json file = read_json(folder / "file.json");
  EXPECT_NEAR(file.at("tracks").at(0).at("stems").at("bass").at("mix_sdr_db"), 0.0, 1e-6);
}

TEST(Evaluate, ABadTrackAmongMany) {
  const TestFolder folder;
  write_track(folder, "one");
  write_track(folder, "two");
  folder.write("est/two/bass.wav", "not audio");
  const ProgramResult result = run_program({"evaluate", folder / "ref", folder / "est"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("metalaudio: "));
  EXPECT_THAT(result.err, HasSubstr("est/two/bass.wav"));
  EXPECT_THAT(result.out, HasSubstr("one"));
}

TEST(Evaluate, RefusesStemsOfAnotherRate) {
  const TestFolder folder;
  write_track(folder, "one");
  write_sound(folder / "est/one/bass.wav", make_music(2, 1.0, 16000), 16000);
  const ProgramResult result = run_program({"evaluate", folder / "ref", folder / "est"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("16000 Hz"));
}

TEST(Evaluate, SaysWhichRatiosTheMeansLeaveOut) {
  const TestFolder folder;
  write_track(folder, "one");
  write_track(folder, "two");
  std::filesystem::copy_file(folder / "ref/two/bass.wav", folder / "est/two/bass.wav",
                             std::filesystem::copy_options::overwrite_existing);
  write_sound(folder / "ref/two/drums.wav", AudioBuffer(2, 12000), kRateHz);
  const ProgramResult result =
      run_program({"evaluate", folder / "ref", folder / "est", "--json", folder / "s.json"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("Without any error, left out of mean and median: bass of two"));
  EXPECT_THAT(result.out, HasSubstr("Silent reference, left out of mean and median: drums of two"));
  const nlohmann::json scores = read_json(folder / "s.json");
  const nlohmann::json& stems = scores.at("tracks").at(1).at("stems");
  EXPECT_TRUE(stems.at("bass").at("sdr_db").is_null());
  EXPECT_TRUE(stems.at("bass").at("perfect"));
  EXPECT_TRUE(stems.at("drums").at("sdr_db").is_null());
  EXPECT_FALSE(stems.at("drums").at("perfect"));
  EXPECT_EQ(scores.at("summary").at("bass").at("perfect"), 1);
  EXPECT_EQ(scores.at("summary").at("drums").at("undefined"), 1);
  EXPECT_NEAR(scores.at("summary").at("bass").at("mean_db"), 20.0, 1e-5);
}

TEST(Evaluate, OneBadEntryDoesNotSpoilTheOthers) {
  const TestFolder folder;
  for (const char* track : {"good", "stem", "hidden"}) write_track(folder, track);
  namespace fs = std::filesystem;
  folder.write("ref/hidden/._bass.wav", "no audio");
  folder.write("ref/.cache/bass.wav", "no audio");
  fs::create_symlink("nowhere.wav", folder / "ref/stem/vocals.wav");
  fs::create_symlink("loop", folder / "ref/loop");
  fs::create_symlink("loop.wav", folder / "ref/loop.wav");
  const ProgramResult result = run_program({"evaluate", folder / "ref", folder / "est"});
  EXPECT_EQ(result.status, 1);
  for (const char* name : {"good", "hidden"}) EXPECT_THAT(result.out, HasSubstr(name));
  for (const char* name : {"ref/stem/vocals.wav: a link to nothing", "loop: Too many levels",
                           "ref/loop.wav: Too many levels"})
    EXPECT_THAT(result.err, HasSubstr(name));
}

TEST(Evaluate, NamesAreShownWhateverTheyHold) {
  const TestFolder folder;
  write_track(folder, "\xFF\x1b[31m\nred");
  const ProgramResult result = run_program({"evaluate", folder / "ref", folder / "est", "--json",
                                            folder / "s.json", "--picture", folder / "s.png"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("\xEF\xBF\xBD [31m red"));
  EXPECT_EQ(read_json(folder / "s.json").at("tracks").at(0).at("track"),
            "\xEF\xBF\xBD\x1b[31m\nred");
}

TEST(Evaluate, NamesAFolderThatIsMissing) {
  const ProgramResult result = run_program({"evaluate", "/nowhere", "/nowhere"});
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.err, "metalaudio: /nowhere: No such file or directory\n");
}

}  // namespace
}  // namespace metalaudio::apps

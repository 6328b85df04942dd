#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/nn/cpu_backend.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <sstream>

#include "separate_setting.h"
#include "tests/support/sounds.h"

namespace metalaudio::apps {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

constexpr int kRateHz = 8000;

void add(const AudioBuffer& from, float weight, AudioBuffer& to) {
  for (std::size_t c = 0; c < to.channels(); ++c)
    for (std::size_t i = 0; i < to.frames(); ++i) to.channel(c)[i] += weight * from.channel(c)[i];
}

/// Every test starts with a song of 1.3 s: more than two segments of the tiny model.
class Separate : public ::testing::Test {
 protected:
  Separate() { write_sound(setting_ / "song.wav", make_music(2, 1.3, kRateHz), kRateHz); }

  /// Runs in 32-bit float without any change of level, unless told otherwise.
  void run_plain(std::vector<std::string> more) {
    more.insert(more.begin(), {"song.wav", "--float32", "--clip-mode", "none", "--overwrite"});
    const ProgramResult result = setting_.separate(more);
    ASSERT_EQ(result.status, 0) << result.err;
  }

  AudioBuffer stem(const std::string& name, const std::string& folder = "separated") const {
    return read_sound(setting_ / (folder + "/tiny/song/" + name + ".wav"));
  }

  static nlohmann::json parse_line(const std::string& text) {
    EXPECT_EQ(text.find('\n'), text.size() - 1) << "one line for each track: " << text;
    return nlohmann::json::parse(text);
  }

  SeparateSetting setting_;
};

TEST_F(Separate, WritesEveryStemWhereUpstreamDoes) {
  const ProgramResult result = setting_.separate({"song.wav"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(setting_.files_below("separated"),
              ElementsAre("tiny/song/bass.wav", "tiny/song/drums.wav", "tiny/song/other.wav",
                          "tiny/song/vocals.wav"));
  EXPECT_THAT(result.out, IsEmpty()) << "standard output is for results";
  EXPECT_THAT(result.err, HasSubstr("Model tiny: drums, bass, other, vocals"));
  EXPECT_THAT(result.err, HasSubstr("song.wav: 0:01 of audio"));
  EXPECT_THAT(result.err, HasSubstr(" x real time"));
  EXPECT_THAT(result.err, HasSubstr("peak memory "));
  EXPECT_EQ(stem("bass").frames(), 10400U);
  EXPECT_EQ(sample_rate_of(setting_ / "separated/tiny/song/bass.wav"), kRateHz);
}

TEST_F(Separate, SaysWhatItMultipliesWithWhereItIsToldToBeVerbose) {
  const ProgramResult result =
      setting_.separate({"song.wav", "-v", "-d", "cpu", "-j", "1", "--precision", "bf16"});
  EXPECT_THAT(result.err, HasSubstr(fmt::format(", {}, 1 track at a time",
                                                nn::cpu_arithmetic(nn::Precision::bf16))));
}

TEST_F(Separate, TheSameSeedGivesTheSameStems) {
  run_plain({"-o", "a"});
  run_plain({"-o", "b", "--seed", "0"});
  run_plain({"-o", "c", "--seed", "1"});
  EXPECT_GT(agreement_db(stem("bass", "a"), stem("bass", "b")), 200.0);
  EXPECT_LT(agreement_db(stem("bass", "a"), stem("bass", "c")), 100.0);
}

TEST_F(Separate, EachWayOfApplyingTheModelCounts) {
  run_plain({"-o", "plain", "--shifts", "0"});
  const AudioBuffer plain = stem("bass", "plain");
  const std::vector<std::vector<std::string>> ways = {
      {"--shifts", "1"},
      {"--shifts", "2", "--shift-offsets", "0,4000"},
      {"--overlap", "0.5"},
      {"--segment", "0.25"},
      {"--mode", "time-only"}};
  for (std::vector<std::string> way : ways) {
    SCOPED_TRACE(way[0]);
    if (way[0] != "--shifts") way.insert(way.end(), {"--shifts", "0"});
    way.insert(way.end(), {"-o", "other"});
    run_plain(way);
    EXPECT_LT(agreement_db(plain, stem("bass", "other")), 100.0);
  }
}

TEST_F(Separate, ReducedPrecisionIsCloseAndNotTheSame) {
  run_plain({"-o", "exact", "--precision", "fp32"});
  run_plain({"-o", "reduced", "--precision", "bf16"});
  const double agreement = agreement_db(stem("bass", "exact"), stem("bass", "reduced"));
  // bfloat16 has 8 bits of mantissa: products are off by up to 2^-9 of their factors.
  EXPECT_GT(agreement, 20.0);
  EXPECT_LT(agreement, 100.0);
}

TEST_F(Separate, NoSplitTakesWhatFitsInOneSegment) {
  write_sound(setting_ / "short.wav", make_music(2, 0.4, kRateHz), kRateHz);
  EXPECT_EQ(setting_.separate({"short.wav", "--no-split", "--shifts", "0"}).status, 0);
  const ProgramResult result = setting_.separate({"song.wav", "--no-split"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("metalaudio: song.wav: "));
}

TEST_F(Separate, ASegmentLongerThanTrainedIsRefused) {
  const ProgramResult result = setting_.separate({"song.wav", "--segment", "1"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("--segment 1: the model tiny was trained with 0.5 s"));
}

TEST_F(Separate, WritesOnlyTheStemsNamed) {
  run_plain({"-o", "all"});
  run_plain({"-o", "some", "--stems", "vocals,bass"});
  EXPECT_THAT(setting_.files_below("some"),
              ElementsAre("tiny/song/bass.wav", "tiny/song/vocals.wav"));
  EXPECT_GT(agreement_db(stem("bass", "all"), stem("bass", "some")), 120.0);
}

TEST_F(Separate, TwoStemsByAddingBySubtractingAndAlone) {
  run_plain({"-o", "all"});
  run_plain({"-o", "add", "--two-stems", "vocals"});
  run_plain({"-o", "minus", "--two-stems", "vocals", "--other-method", "minus"});
  run_plain({"-o", "none", "--two-stems", "vocals", "--other-method", "none"});
  EXPECT_THAT(setting_.files_below("none"), ElementsAre("tiny/song/vocals.wav"));
  AudioBuffer sum = stem("drums", "all");
  add(stem("bass", "all"), 1.0F, sum);
  add(stem("other", "all"), 1.0F, sum);
  AudioBuffer rest = read_sound(setting_ / "song.wav");
  add(stem("vocals", "all"), -1.0F, rest);
  // Sums of a few float32 samples, in another order.
  EXPECT_GT(agreement_db(sum, stem("no_vocals", "add")), 120.0);
  EXPECT_GT(agreement_db(rest, stem("minus_vocals", "minus")), 120.0);
}

TEST_F(Separate, ABagRunsOnlyTheMembersThatItNeeds) {
  // A member that must not be loaded may as well be broken.
  setting_.write("models/two.safetensors", "broken");
  const ProgramResult one =
      setting_.separate({"song.wav", "-n", "bag", "--stems", "vocals", "--json"});
  ASSERT_EQ(one.status, 0) << one.err;
  const ProgramResult all = setting_.separate({"song.wav", "-n", "bag", "-o", "all"});
  EXPECT_EQ(all.status, 1);
  EXPECT_THAT(all.err, HasSubstr("two.safetensors"));
}

TEST_F(Separate, WritesTheFormatsOfUpstream) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> formats = {
      {{"--int24"}, "wav"},
      {{"--flac"}, "flac"},
      {{"--flac", "--int24"}, "flac"},
      {{"--mp3", "--mp3-bitrate", "128", "--mp3-preset", "7"}, "mp3"}};
  run_plain({"-o", "reference", "--stems", "bass"});
  for (const auto& [options, extension] : formats) {
    std::vector<std::string> arguments = {"song.wav", "-o",      "out", "--clip-mode",
                                          "none",     "--stems", "bass"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    ASSERT_EQ(setting_.separate(arguments).status, 0) << options[0];
    const AudioBuffer written = read_sound(setting_ / ("out/tiny/song/bass." + extension));
    // 16 bits of samples that peak near 1 leave 90 dB; MP3 has a delay of its own.
    const double least_db = extension == "mp3" ? -20.0 : 60.0;
    EXPECT_GT(agreement_db(stem("bass", "reference"), written), least_db) << options[0];
    fs::remove_all(setting_ / "out");
  }
}

TEST_F(Separate, NamesFilesByThePattern) {
  const ProgramResult result =
      setting_.separate({"song.wav", "-o", "out", "--filename", "{stem}/{track}-{trackext}.{ext}"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(setting_.files_below("out"),
              ElementsAre("tiny/bass/song-wav.wav", "tiny/drums/song-wav.wav",
                          "tiny/other/song-wav.wav", "tiny/vocals/song-wav.wav"));
}

TEST_F(Separate, KeepsTheRateAndTheLengthOfTheInput) {
  write_sound(setting_ / "fast.wav", make_music(2, 0.7, 48000), 48000);
  ASSERT_EQ(setting_.separate({"fast.wav", "--keep-rate", "--stems", "bass"}).status, 0);
  const fs::path bass = setting_ / "separated/tiny/fast/bass.wav";
  EXPECT_EQ(sample_rate_of(bass), 48000);
  EXPECT_EQ(read_sound(bass).frames(), 33600U);
  ASSERT_EQ(setting_.separate({"fast.wav", "--stems", "bass", "--overwrite"}).status, 0);
  EXPECT_EQ(sample_rate_of(bass), kRateHz);
}

TEST_F(Separate, TakesAnyNumberOfChannels) {
  for (const std::size_t channels : {1U, 6U}) {
    write_sound(setting_ / "many.wav", make_music(channels, 0.6, kRateHz), kRateHz);
    ASSERT_EQ(setting_.separate({"many.wav", "--stems", "bass", "--overwrite"}).status, 0)
        << channels;
    EXPECT_EQ(read_sound(setting_ / "separated/tiny/many/bass.wav").channels(), 2U);
  }
}

TEST_F(Separate, ReadsFlacAndMp3) {
  const AudioBuffer music = make_music(2, 0.8, 44100);
  write_sound(setting_ / "a.flac", music, 44100);
  write_sound(setting_ / "b.mp3", music, 44100);
  const ProgramResult result = setting_.separate({"a.flac", "b.mp3", "--stems", "bass"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(setting_.files_below("separated"), ElementsAre("tiny/a/bass.wav", "tiny/b/bass.wav"));
}

TEST_F(Separate, SumSafeTurnsAllStemsDownAlike) {
  AudioBuffer loud = make_music(2, 1.0, kRateHz);
  for (std::size_t c = 0; c < 2; ++c)
    for (float& sample : loud.channel(c)) sample *= 100.0F;
  write_sound(setting_ / "loud.wav", loud, kRateHz);
  const ProgramResult safe = setting_.separate({"loud.wav", "--sum-safe", "--json"});
  ASSERT_EQ(safe.status, 0) << safe.err;
  const nlohmann::json gains = parse_line(safe.out).at("gains");
  EXPECT_LT(gains.at("bass"), 1.0);
  for (const auto& gain : gains) EXPECT_EQ(gain, gains.at("bass"));
  const nlohmann::json own =
      parse_line(setting_.separate({"loud.wav", "--json", "--overwrite"}).out).at("gains");
  EXPECT_NE(own.at("bass"), own.at("drums"));
}

TEST_F(Separate, AnExactSumIsTheMix) {
  // Of one hop, of fewer samples than one, and of many blocks.
  for (const double seconds : {0.05, 0.128, 1.3, 9.7}) {
    SCOPED_TRACE(seconds);
    write_sound(setting_ / "song.wav", make_music(2, seconds, kRateHz), kRateHz);
    const AudioBuffer mix = read_sound(setting_ / "song.wav");
    const auto sum = [&](const std::string& folder) {
      AudioBuffer all = stem("drums", folder);
      for (const char* name : {"bass", "other", "vocals"}) add(stem(name, folder), 1.0F, all);
      return all;
    };
    run_plain({"-o", "plain"});
    run_plain({"-o", "exact", "--exact-sum"});
    EXPECT_LT(agreement_db(mix, sum("plain")), 60.0);
    // A transform of 4096 points and back in float32, and the sum of four stems.
    EXPECT_GT(agreement_db(mix, sum("exact")), 110.0);
    run_plain({"-o", "one", "--exact-sum", "--stems", "bass"});
    EXPECT_GT(agreement_db(stem("bass", "exact"), stem("bass", "one")), 120.0);
  }
}

TEST_F(Separate, JsonSaysWhatWasDone) {
  const ProgramResult result = setting_.separate({"song.wav", "--json", "--picture", "p/song.png"});
  ASSERT_EQ(result.status, 0) << result.err;
  const nlohmann::json line = parse_line(result.out);
  EXPECT_EQ(line.at("status"), "done");
  EXPECT_EQ(line.at("model"), "tiny");
  EXPECT_DOUBLE_EQ(line.at("audio_seconds"), 1.3);
  EXPECT_GT(line.at("times_real_time"), 0.0);
  EXPECT_GT(line.at("peak_memory_bytes"), 1000000);
  EXPECT_TRUE(fs::exists(setting_ / line.at("stems").at("vocals").get<std::string>()));
  EXPECT_GT(fs::file_size(setting_ / "p/song.png"), 10000U);
}

TEST_F(Separate, LooksThroughFoldersAndSeparatesSeveralAtATime) {
  for (const char* name : {"album/b/2.wav", "album/a.wav", "album/b/1.flac"})
    write_sound(setting_ / name, make_music(2, 0.6, kRateHz), kRateHz);
  const ProgramResult result =
      setting_.separate({"album", "-j", "2", "--threads", "2", "--stems", "bass"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(setting_.files_below("separated"),
              ElementsAre("tiny/a/bass.wav", "tiny/b/1/bass.wav", "tiny/b/2/bass.wav"));
  EXPECT_THAT(result.err, HasSubstr("3 of 3 tracks"));
}

TEST_F(Separate, ListsTheModels) {
  const ProgramResult result = setting_.separate({"--list-models"});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.out, HasSubstr("bag\n"));
  EXPECT_THAT(result.out, HasSubstr("tiny\n"));
}

TEST_F(Separate, UsesTheModelThatShipsWhereNoOtherIs) {
  fs::copy_file(setting_ / "models/tiny.safetensors", setting_ / "models/demo_6s.safetensors");
  const ProgramResult result =
      run_program({"separate", "--repo", "models", "song.wav"}, setting_.setting());
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("Model demo_6s (htdemucs is not installed"));
  EXPECT_THAT(setting_.files_below("separated"), Not(IsEmpty()));
}

TEST_F(Separate, OutputsNeverOverwriteEachOther) {
  write_sound(setting_ / "song.flac", make_music(2, 0.6, kRateHz), kRateHz);
  const ProgramResult result = setting_.separate({"song.wav", "song.flac"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("song.flac: separated/tiny/song/drums.wav would overwrite that "
                                    "of song.wav; see --filename"));
}

TEST_F(Separate, TurningDownIsTold) {
  AudioBuffer loud = make_music(2, 1.0, kRateHz);
  for (std::size_t c = 0; c < 2; ++c)
    for (float& sample : loud.channel(c)) sample *= 100.0F;
  write_sound(setting_ / "loud.wav", loud, kRateHz);
  const ProgramResult own = setting_.separate({"loud.wav"});
  for (const char* stem : {"drums", "bass", "other", "vocals"})
    EXPECT_THAT(own.err, HasSubstr("loud.wav: " + std::string(stem) + " turned down by "));
  EXPECT_THAT(setting_.separate({"loud.wav", "--sum-safe", "--overwrite"}).err,
              HasSubstr("loud.wav: all stems turned down by "));
  EXPECT_THAT(setting_.separate({"loud.wav", "--clip-mode", "clamp", "--overwrite"}).err,
              Not(HasSubstr("turned down")));
}

TEST_F(Separate, TheEndingOfAStemsNameChoosesItsType) {
  const auto first_bytes = [&](const std::string& name) {
    std::ifstream file(setting_ / name, std::ios::binary);
    std::string bytes(4, ' ');
    file.read(bytes.data(), 4);
    return bytes;
  };
  const auto run = [&](const std::vector<std::string>& more) {
    std::vector<std::string> all = {"song.wav", "--stems", "bass"};
    all.insert(all.end(), more.begin(), more.end());
    const ProgramResult result = setting_.separate(all);
    EXPECT_EQ(result.status, 0) << result.err;
    return result.err;
  };
  run({"--filename", "{stem}.flac"});
  EXPECT_EQ(first_bytes("separated/tiny/bass.flac"), "fLaC");
  EXPECT_THAT(run({"--filename", "{stem}.FLAC", "--float32", "--mp3"}),
              HasSubstr("Note: --float32 has no effect on FLAC: 16 bits are written"));
  EXPECT_EQ(first_bytes("separated/tiny/bass.FLAC"), "fLaC");
  run({"--filename", "{stem}.mp3", "--mp3-bitrate", "128", "--int24"});
  EXPECT_EQ(first_bytes("separated/tiny/bass.mp3").substr(0, 1), "\xFF");
  run({"--filename", "{stem}.wav", "--flac"});
  EXPECT_EQ(first_bytes("separated/tiny/bass.wav"), "RIFF");
  run({"--filename", "{stem}-2.{trackext}", "--flac"});
  EXPECT_EQ(first_bytes("separated/tiny/bass-2.wav"), "RIFF");
}

TEST_F(Separate, NoTrackLeavesItsFolder) {
  for (const char* name : {"...wav", "..wav", ".wav", "a..wav", "new\nline.wav", "\xFF.wav"})
    fs::copy_file(setting_ / "song.wav", setting_ / name);
  const ProgramResult result =
      setting_.separate({"...wav", "..wav", ".wav", "a..wav", "new\nline.wav", "\xFF.wav",
                         "--stems", "bass", "--json"});
  EXPECT_EQ(result.status, 1) << "\"..wav\" and \".wav\" are both \"_\"";
  EXPECT_THAT(setting_.files_below("separated"),
              UnorderedElementsAre("tiny/__/bass.wav", "tiny/_/bass.wav", "tiny/a./bass.wav",
                                   "tiny/new\nline/bass.wav", "tiny/\xFF/bass.wav"));
  EXPECT_THAT(result.err, HasSubstr("new line.wav: "));
  EXPECT_THAT(result.err, HasSubstr("\xEF\xBF\xBD.wav: "));
  std::istringstream lines(result.out);
  for (std::string line; std::getline(lines, line);)
    EXPECT_TRUE(nlohmann::json::accept(line)) << line;
}

TEST_F(Separate, NamesOfFoldersKeepAlbumsApart) {
  for (const char* album : {"one", "two"}) {
    fs::create_directory(setting_ / album);
    fs::copy_file(setting_ / "song.wav", setting_ / (std::string(album) + "/song.wav"));
  }
  const ProgramResult result = setting_.separate({"one/song.wav", "two/song.wav", "--stems", "bass",
                                                  "--filename", "{folder}/{track}/{stem}.{ext}"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(setting_.files_below("separated"),
              ElementsAre("tiny/one/song/bass.wav", "tiny/two/song/bass.wav"));
}

TEST_F(Separate, ChunksAreNoShorterThanMakesSense) {
  // The tiny model was trained with half a second.
  EXPECT_EQ(setting_.separate({"song.wav", "--segment", "0.1"}).status, 0);
  const ProgramResult result = setting_.separate({"song.wav", "--segment", "0.04"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("at least a tenth"));
}

TEST_F(Separate, OneBadEntryDoesNotSpoilAFolder) {
  fs::create_directory(setting_ / "album");
  fs::copy_file(setting_ / "song.wav", setting_ / "album/song.wav");
  fs::create_directory_symlink("..", setting_ / "album/loop");
  fs::create_symlink("none.wav", setting_ / "album/broken.wav");
  fs::create_directory(setting_ / "empty");
  const ProgramResult result =
      setting_.separate({"empty", "album", "--stems", "bass", "-o", "out", "--json"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(setting_.files_below("out"), Contains("tiny/song/bass.wav"));
  for (const char* name : {"metalaudio: empty: ", "metalaudio: album/broken.wav: "})
    EXPECT_THAT(result.err, HasSubstr(name));
  EXPECT_THAT(result.out, HasSubstr("\"status\":\"failed\""));
}

}  // namespace
}  // namespace metalaudio::apps

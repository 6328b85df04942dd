#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/core/error.h>

#include <iterator>
#include <map>
#include <sstream>

#include "apps/options/arguments.h"
#include "apps/options/separate_options.h"

namespace metalaudio::apps {
namespace {

SeparateOptions parse_words(const std::vector<std::string>& arguments) {
  CLI::App command;
  SeparateOptions options;
  add_separate_options(command, options);
  parse_arguments(command, arguments);
  check_separate_options(options);
  return options;
}

SeparateOptions parse(const std::string& arguments) {
  std::istringstream words(arguments);
  return parse_words({std::istream_iterator<std::string>(words), {}});
}

TEST(SeparateOptions, DefaultsAreUpstreams) {
  const SeparateOptions options = parse("song.mp3");
  EXPECT_EQ(options.out, "separated");
  EXPECT_EQ(options.filename, "{track}/{stem}.{ext}");
  EXPECT_EQ(options.shifts, 1);
  EXPECT_DOUBLE_EQ(options.overlap, 0.25);
  EXPECT_TRUE(options.split);
  EXPECT_FALSE(options.segment_seconds.has_value());
  EXPECT_EQ(options.stems.method(), separation::OtherMethod::add);
  EXPECT_EQ(options.clip_mode, separation::ClipMode::rescale);
  EXPECT_EQ(options.format.extension(), "wav");
  EXPECT_EQ(writer_options(options.format).mp3_bitrate_kbps, 320);
  EXPECT_EQ(writer_options(options.format).mp3_preset, 2);
  EXPECT_EQ(options.seed, 0U);
  EXPECT_TRUE(options.model.empty());
}

TEST(SeparateOptions, AListDoesNotSwallowTheTrackBehindIt) {
  const SeparateOptions options =
      parse("--stems vocals,drums --shift-offsets 5,7 --shifts 2 song.mp3");
  EXPECT_EQ(options.stems.stems, (std::vector<std::string>{"vocals", "drums"}));
  EXPECT_EQ(options.shift_offsets, (std::vector<std::int64_t>{5, 7}));
  ASSERT_EQ(options.inputs.size(), 1U);
}

TEST(SeparateOptions, EveryOptionReachesItsValue) {
  const SeparateOptions options = parse(
      "a.mp3 b -n mymodel --repo models -o out --filename {stem}.{ext} -d cpu --shifts 2 "
      "--shift-offsets 5,7 --overlap 0.5 --segment 4 --stems vocals,drums --clip-mode clamp "
      "--keep-rate --precision bf16 --threads 3 --mode time-only --json --picture p.png -j 2 "
      "--mp3 --mp3-bitrate 128 --mp3-preset 7");
  EXPECT_EQ(options.inputs, (std::vector<std::filesystem::path>{"a.mp3", "b"}));
  EXPECT_EQ(options.model, "mymodel");
  EXPECT_EQ(options.repo, "models");
  EXPECT_EQ(options.out, "out");
  EXPECT_EQ(options.filename, "{stem}.{ext}");
  EXPECT_EQ(options.device, "cpu");
  EXPECT_EQ(options.shifts, 2);
  EXPECT_EQ(options.shift_offsets, (std::vector<std::int64_t>{5, 7}));
  EXPECT_DOUBLE_EQ(options.overlap, 0.5);
  EXPECT_DOUBLE_EQ(options.segment_seconds.value(), 4.0);
  EXPECT_EQ(options.stems.stems, (std::vector<std::string>{"vocals", "drums"}));
  EXPECT_EQ(options.clip_mode, separation::ClipMode::clamp);
  EXPECT_TRUE(options.keep_rate);
  EXPECT_EQ(options.precision, models::Precision::bf16);
  EXPECT_EQ(options.threads, 3U);
  EXPECT_EQ(options.mode, models::Mode::time_only);
  EXPECT_TRUE(options.json);
  EXPECT_EQ(options.picture, "p.png");
  EXPECT_EQ(options.jobs, 2U);
  EXPECT_EQ(options.format.extension(), "mp3");
  EXPECT_EQ(options.format.mp3_bitrate_kbps, 128);
  EXPECT_EQ(options.format.mp3_preset, 7);
  EXPECT_EQ(parse("a --two-stems vocals --other-method minus").stems.other_method,
            separation::OtherMethod::minus);
  EXPECT_FALSE(parse("a --no-split").split);
  EXPECT_EQ(parse("a --seed 7").seed, 7U);
  EXPECT_TRUE(parse("a --sum-safe --int24").format.int24);
}

TEST(SeparateOptions, RefusesWhatContradictsItself) {
  for (const char* arguments :
       {"a --stems vocals --two-stems vocals", "a --flac --mp3", "a --int24 --float32",
        "a --no-split --segment 4", "a --shift-offsets 3 --seed 4", "a --overlap 1",
        "a --shifts -1", "a --segment 0", "a --clip-mode tanh", "a --mp3 --mp3-bitrate 7",
        "a -n b -s c", "a --stems vocals,,drums", "a --stems ,"})
    EXPECT_THROW(parse(arguments), CLI::ParseError) << arguments;
  for (const char* arguments :
       {"", "a --sum-safe --clip-mode clamp", "a --exact-sum --clip-mode clamp",
        "a --filename {track}.{ext}", "a --device tpu", "a -d cuda:", "a -d cuda:-1",
        "a -d cuda:0,", "a -d cuda0", "a -d cuda:0;1", "a -d cpu,cuda", "a -d mps",
        "a --filename {title}/{stem}.{ext}", "a --shifts 0 --shift-offsets 3", "a --unknown",
        "a --filename {stem}.aac", "a --filename {stem}", "a --filename {stem}."})
    EXPECT_THROW(parse(arguments), Error) << arguments;
}

TEST(SeparateOptions, ShardsComeFromTheEnvironmentToo) {
  using Variables = std::map<std::string, std::string>;
  const auto shard = [](const char* text, const Variables& variables) {
    const Shard got = parse_shard(text, [&](const char* name) -> const char* {
      const auto found = variables.find(name);
      return found == variables.end() ? nullptr : found->second.c_str();
    });
    return std::to_string(got.index) + "/" + std::to_string(got.count);
  };
  const auto array = [](const char* id, const char* count, const char* min, const char* max) {
    return Variables{{"SLURM_ARRAY_TASK_ID", id},
                     {"SLURM_ARRAY_TASK_COUNT", count},
                     {"SLURM_ARRAY_TASK_MIN", min},
                     {"SLURM_ARRAY_TASK_MAX", max}};
  };
  EXPECT_EQ(shard("2/8", array("1", "4", "0", "3")), "2/8");
  EXPECT_EQ(shard("auto", array("0", "4", "0", "3")), "0/4");
  EXPECT_EQ(shard("auto", array("4", "4", "1", "4")), "3/4");
  EXPECT_EQ(shard("auto", array("9", "3", "1", "9")), "2/3");
  EXPECT_EQ(shard("auto", array("3", "1", "3", "3")), "0/1");
  EXPECT_EQ(shard("auto/8", array("3", "1", "3", "3")), "3/8");
  EXPECT_EQ(shard("auto", {{"SLURM_ARRAY_TASK_ID", "1"}, {"SLURM_ARRAY_TASK_COUNT", "2"}}), "1/2");
  EXPECT_EQ(shard("auto/8", {{"JOB_COMPLETION_INDEX", "7"}}), "7/8");
  EXPECT_THROW(shard("auto", {{"JOB_COMPLETION_INDEX", "7"}}), CLI::ValidationError);
  EXPECT_THROW(shard("auto/7", {{"JOB_COMPLETION_INDEX", "7"}}), CLI::ValidationError);
  EXPECT_THROW(shard("auto/7", {{"JOB_COMPLETION_INDEX", "x"}}), CLI::ValidationError);
  EXPECT_THROW(shard("auto", array("2", "3", "1", "9")), CLI::ValidationError) << "1,2,9";
  EXPECT_THROW(shard("auto", array("9", "3", "1", "4")), CLI::ValidationError);
}

/// The arguments that demucs 4.1 takes though they do nothing.
TEST(SeparateOptions, TakesWhatUpstreamTakesAndSaysWhatHasNoEffect) {
  const auto notes = [](const char* arguments) { return idle_options(parse(arguments)); };
  using ::testing::ElementsAre;
  EXPECT_THAT(notes("a --mp3 --int24"), ElementsAre("--int24 has no effect on MP3"));
  EXPECT_THAT(notes("a --mp3 --float32"), ElementsAre("--float32 has no effect on MP3"));
  EXPECT_THAT(notes("a --flac --float32"),
              ElementsAre("--float32 has no effect on FLAC: 16 bits are written"));
  EXPECT_THAT(notes("a --mp3-bitrate 128"), ElementsAre("--mp3-bitrate has no effect on WAV"));
  EXPECT_THAT(notes("a --flac --mp3-preset 4"), ElementsAre("--mp3-preset has no effect on FLAC"));
  EXPECT_THAT(notes("a --other-method minus"),
              ElementsAre("--other-method has no effect without --two-stems"));
  EXPECT_THAT(notes("a -v"), ElementsAre());
  EXPECT_THAT(notes("a --events"), ElementsAre("--events has no effect without --json"));
  EXPECT_THAT(notes("a --filename {stem}.mp3 --mp3-bitrate 128"), ElementsAre());
  EXPECT_THAT(notes("a --mp3 --filename {stem}.wav --mp3-preset 3"),
              ElementsAre("--mp3-preset has no effect on WAV"));
  EXPECT_EQ(parse("a -s 955717e8").model, "955717e8");
}

TEST(SeparateOptions, ShortenedNamesMeanUpstreams) {
  // Each fits one option of demucs 4.1, and some fit one of ours besides.
  const SeparateOptions options = parse(
      "a --na x --re models --ou out --fi {stem}.{ext} --dev cpu --sh 2 --ov 0.5 --se 4 --t vocals "
      "--ot minus --i --c clamp --fla --mp3-b 128 --mp3-p 3 --j 2 --verb");
  EXPECT_EQ(options.model, "x");
  EXPECT_EQ(options.repo, "models");
  EXPECT_EQ(options.out, "out");
  EXPECT_EQ(options.filename, "{stem}.{ext}");
  EXPECT_EQ(options.shifts, 2);
  EXPECT_DOUBLE_EQ(options.overlap, 0.5);
  EXPECT_DOUBLE_EQ(options.segment_seconds.value(), 4.0);
  EXPECT_EQ(options.stems.two_stems, "vocals");
  EXPECT_EQ(options.stems.other_method, separation::OtherMethod::minus);
  EXPECT_TRUE(options.format.int24);
  EXPECT_EQ(options.clip_mode, separation::ClipMode::clamp);
  EXPECT_TRUE(options.format.chosen == audio::FileType::flac);
  EXPECT_EQ(options.format.mp3_bitrate_kbps, 128);
  EXPECT_EQ(options.format.mp3_preset, 3);
  EXPECT_EQ(options.jobs, 2U);
  EXPECT_TRUE(options.verbose);
  EXPECT_FALSE(options.json);
  EXPECT_THROW(parse("a --o x"), Error) << "out, overlap, other-method";
  EXPECT_EQ(parse("a --mo time-only").mode, models::Mode::time_only);
}

TEST(SeparateOptions, NumbersAreNumbersAndFinite) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> options = {
      {"--shifts", {"-1", "1001", "1.5"}},
      {"--seed", {"-1", "1.5", "99999999999999999999"}},
      {"--shift-offsets", {"-1", "1.5", "1,x"}},
      {"--overlap", {"-0.1", "1"}},
      {"--segment", {"-1", "0"}},
      {"--threads", {"-1", "9999"}},
      {"--jobs", {"-1", "1.5"}},
      {"--mp3-bitrate", {"7", "321"}},
      {"--mp3-preset", {"1", "8"}}};
  for (const auto& [option, own] : options) {
    std::vector<std::string> bad = {"",   "nan", "inf",  "-inf", "1e999", "0x4",  "4x",
                                    " 4", "4 ",  "4,5x", "--",   "++4",   "four", "1'000"};
    bad.insert(bad.end(), own.begin(), own.end());
    for (const std::string& text : bad) {
      try {
        parse_words({"a", option + "=" + text});
        ADD_FAILURE() << option << " took \"" << text << "\"";
      } catch (const CLI::ParseError& error) {
        const std::string message = error.what();
        EXPECT_TRUE(message.starts_with(option)) << message;
        EXPECT_LT(message.size(), 120U) << message;
      }
    }
  }
  for (const char* option : {"-n", "-s", "--repo", "--two-stems", "--picture"})
    EXPECT_THROW(parse_words({"a", option, ""}), CLI::ParseError) << option;
  EXPECT_EQ(parse("a --shifts +2").shifts, 2);  // as Python's int()
  EXPECT_DOUBLE_EQ(parse("a --segment 5e-1").segment_seconds.value(), 0.5);
}

TEST(SeparateOptions, OneStemNeedsNoStemInItsName) {
  EXPECT_EQ(parse("a --stems vocals --filename {track}.{ext}").filename, "{track}.{ext}");
}

}  // namespace
}  // namespace metalaudio::apps

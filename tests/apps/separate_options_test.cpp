#include <apps/separate_options.h>
#include <gtest/gtest.h>
#include <metalaudio/core/error.h>

namespace metalaudio::apps {
namespace {

SeparateOptions parse(const std::string& arguments) {
  CLI::App command;
  SeparateOptions options;
  add_separate_options(command, options);
  command.parse(arguments);
  check_separate_options(options);
  return options;
}

TEST(SeparateOptions, DefaultsAreUpstreams) {
  const SeparateOptions options = parse("song.mp3");
  EXPECT_EQ(options.out, "separated");
  EXPECT_EQ(options.filename, "{track}/{stem}.{ext}");
  EXPECT_EQ(options.shifts, 1);
  EXPECT_DOUBLE_EQ(options.overlap, 0.25);
  EXPECT_TRUE(options.split);
  EXPECT_FALSE(options.segment_seconds.has_value());
  EXPECT_EQ(options.stems.other_method, OtherMethod::add);
  EXPECT_EQ(options.clip_mode, ClipMode::rescale);
  EXPECT_EQ(options.format.extension(), "wav");
  EXPECT_EQ(options.format.mp3_bitrate_kbps, 320);
  EXPECT_EQ(options.format.mp3_preset, 2);
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
  EXPECT_EQ(options.clip_mode, ClipMode::clamp);
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
            OtherMethod::minus);
  EXPECT_FALSE(parse("a --no-split").split);
  EXPECT_EQ(parse("a --seed 7").seed, 7U);
  EXPECT_TRUE(parse("a --sum-safe --int24").format.int24);
}

TEST(SeparateOptions, RefusesWhatWouldHaveNoEffect) {
  for (const char* arguments :
       {"a --stems vocals --two-stems vocals", "a --flac --mp3", "a --int24 --float32",
        "a --mp3-bitrate 128", "a --float32 --flac", "a --int24 --mp3", "a --no-split --segment 4",
        "a --other-method minus", "a --shift-offsets 3 --seed 4", "a --overlap 1", "a --shifts -1",
        "a --segment 0", "a --clip-mode tanh", "a --device tpu", "a --mp3 --mp3-bitrate 7",
        "a --unknown"})
    EXPECT_THROW(parse(arguments), CLI::ParseError) << arguments;
  for (const char* arguments :
       {"", "a --sum-safe --clip-mode clamp", "a --filename {track}.{ext}",
        "a --filename {title}/{stem}.{ext}", "a --shifts 0 --shift-offsets 3"})
    EXPECT_THROW(parse(arguments), Error) << arguments;
}

TEST(SeparateOptions, OneStemNeedsNoStemInItsName) {
  EXPECT_EQ(parse("a --stems vocals --filename {track}.{ext}").filename, "{track}.{ext}");
}

}  // namespace
}  // namespace metalaudio::apps

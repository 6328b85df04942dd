#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/dsp/loudness_meter.h>
#include <metalaudio/separation/stem_files.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "tests/support/sounds.h"
#include "tests/support/test_folder.h"

namespace metalaudio::separation {
namespace {

namespace fs = std::filesystem;
using ::testing::Each;

constexpr int kRateHz = 44100;
const std::vector<std::string> kSources = {"drums", "vocals"};

/// Runs two sources and their sum through StemFiles, in blocks of uneven size.
class StemFilesTest : public ::testing::Test {
 protected:
  std::vector<float> run(const StemPlan& plan, const StemFileOptions& options) {
    for (const fs::path& path : paths(plan)) fs::remove(path);
    StemFiles files(plan, paths(plan), options);
    AudioBuffer mix(2, drums_.frames());
    for (std::size_t c = 0; c < 2; ++c)
      for (std::size_t i = 0; i < mix.frames(); ++i)
        mix.channel(c)[i] = drums_.channel(c)[i] + vocals_.channel(c)[i];
    std::size_t size = 1;
    for (std::size_t first = 0; first < mix.frames(); first += size, size = size * 3 % 10007) {
      const std::size_t frames = std::min(size, mix.frames() - first);
      const std::array<ConstAudioView, 2> sources = {ConstAudioView(drums_).part(first, frames),
                                                     ConstAudioView(vocals_).part(first, frames)};
      files.write(ConstAudioView(mix).part(first, frames), sources);
    }
    files.finish([](double) {});
    for (const fs::path& path : paths(plan)) EXPECT_FALSE(fs::exists(path)) << path;
    files.commit();
    return files.gains();
  }

  /// Runs them into one file.
  void run_together(StemFileOptions options, const std::string& name) {
    options.together = true;
    StemFiles files(plan_stems({}, kSources), {folder_ / name}, options);
    const std::array<ConstAudioView, 2> sources = {drums_, vocals_};
    files.write(AudioBuffer(2, drums_.frames()), sources);
    files.finish([](double) {});
    EXPECT_FALSE(fs::exists(folder_ / name));
    files.commit();
  }

  std::vector<fs::path> paths(const StemPlan& plan) const {
    std::vector<fs::path> result;
    for (const StemOutput& output : plan.outputs)
      result.push_back(folder_ / (output.name + ".wav"));
    return result;
  }

  AudioBuffer written(const std::string& stem) const {
    return read_sound(folder_ / (stem + ".wav"));
  }

  static StemFileOptions options(ClipMode mode) {
    StemFileOptions result;
    result.writer.sample_format = audio::SampleFormat::float32;
    result.clip_mode = mode;
    return result;
  }

  void make_louder(float gain) {
    for (std::size_t c = 0; c < 2; ++c)
      for (float& sample : vocals_.channel(c)) sample *= gain;
  }

  TestFolder folder_;
  AudioBuffer drums_ = make_music(2, 1.3, kRateHz, 1);
  AudioBuffer vocals_ = make_music(2, 1.3, kRateHz, 2);
};

TEST_F(StemFilesTest, QuietStemsPassUnchanged) {
  const StemPlan plan = plan_stems({}, kSources);
  EXPECT_THAT(run(plan, options(ClipMode::rescale)), Each(1.0F));
  EXPECT_EQ(written("drums").frames(), drums_.frames());
  EXPECT_EQ(peak_of(written("drums")), peak_of(drums_));
  EXPECT_GT(agreement_db(drums_, written("drums")), 200.0);
}

TEST_F(StemFilesTest, RescaleTurnsALoudStemDownAlone) {
  make_louder(4.0F);
  run(plan_stems({}, kSources), options(ClipMode::rescale));
  EXPECT_FLOAT_EQ(peak_of(written("vocals")), 1.0F / 1.01F);
  EXPECT_EQ(peak_of(written("drums")), peak_of(drums_));
}

TEST_F(StemFilesTest, ACommonGainKeepsTheSum) {
  make_louder(4.0F);
  StemFileOptions settings = options(ClipMode::rescale);
  settings.common_gain = true;
  const std::vector<float> gains = run(plan_stems({}, kSources), settings);
  EXPECT_EQ(gains[0], gains[1]);
  EXPECT_LT(gains[0], 1.0F);
  EXPECT_FLOAT_EQ(peak_of(written("drums")), peak_of(drums_) * gains[0]);
}

/// What was written before the first loud sample is written again, on a pool as without.
TEST_F(StemFilesTest, AStemThatIsLoudAtItsEndIsTurnedDownFromItsBeginning) {
  for (std::size_t c = 0; c < 2; ++c) vocals_.channel(c).back() = 2.0F;
  ThreadPool pool(2);
  for (const bool common : {false, true}) {
    StemFileOptions settings = options(ClipMode::rescale);
    settings.common_gain = common;
    run(plan_stems({}, kSources), settings);
    const AudioBuffer expected[] = {written("drums"), written("vocals")};
    settings.pool = &pool;
    const std::vector<float> gains = run(plan_stems({}, kSources), settings);
    EXPECT_EQ(gains[0], common ? gains[1] : 1.0F);
    const AudioBuffer* const sources[] = {&drums_, &vocals_};
    for (std::size_t i = 0; i < 2; ++i) {
      const AudioBuffer found = written(kSources[i]);
      ASSERT_EQ(found.frames(), sources[i]->frames());
      for (std::size_t c = 0; c < 2; ++c) {
        EXPECT_TRUE(std::ranges::equal(found.channel(c), expected[i].channel(c)));
        for (std::size_t k = 0; k < found.frames(); ++k)
          ASSERT_EQ(found.channel(c)[k], sources[i]->channel(c)[k] * gains[i]) << k;
      }
    }
  }
}

TEST_F(StemFilesTest, WhatFailsOnAPoolIsTold) {
  ThreadPool pool(2);
  StemFileOptions settings = options(ClipMode::rescale);
  settings.pool = &pool;
  vocals_.channel(1)[100] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(run(plan_stems({}, kSources), settings), Error);
}

TEST_F(StemFilesTest, OneGainCurveKeepsAllStemsAndTheirSumBelowMinusOneDecibel) {
  make_louder(2.0F);
  ThreadPool pool(2);
  for (ThreadPool* const with : {static_cast<ThreadPool*>(nullptr), &pool}) {
    StemFileOptions settings = options(ClipMode::rescale);
    settings.normalize_gain = 3.0F;
    settings.measure_loudness = true;
    settings.pool = with;
    run(plan_stems({}, kSources), settings);
    const AudioBuffer out[] = {written("drums"), written("vocals")};
    AudioBuffer sum(2, drums_.frames());
    for (std::size_t c = 0; c < 2; ++c)
      for (std::size_t i = 0; i < sum.frames(); ++i) {
        const float drums = drums_.channel(c)[i];
        const float vocals = vocals_.channel(c)[i];
        sum.channel(c)[i] = out[0].channel(c)[i] + out[1].channel(c)[i];
        // One factor for both, within a float's rounding of each product.
        ASSERT_NEAR(out[0].channel(c)[i] * vocals, out[1].channel(c)[i] * drums,
                    4e-7F * std::abs(out[0].channel(c)[i] * vocals) + 1e-12F)
            << i;
      }
    for (const AudioBuffer* sound : {&out[0], &out[1], static_cast<const AudioBuffer*>(&sum)}) {
      dsp::LoudnessMeter meter(kRateHz, 2);
      meter.process(*sound);
      EXPECT_LE(meter.finish().true_peak_dbtp, -1.0);
    }
    EXPECT_GT(peak_of(sum), 0.75F) << "limited, not turned down";
  }
}

/// As in a stem file: the mix and its stems would add up to twice the mix.
TEST_F(StemFilesTest, AMixBesideItsStemsIsNoPartOfTheSum) {
  StemPlan plan = plan_stems({}, kSources);
  plan.outputs.insert(plan.outputs.begin(), {"mix", 1.0F, {0.0F, 0.0F}});
  StemFileOptions settings = options(ClipMode::rescale);
  AudioBuffer mix(drums_.channels(), drums_.frames());
  for (std::size_t c = 0; c < 2; ++c)
    for (std::size_t i = 0; i < mix.frames(); ++i)
      mix.channel(c)[i] = drums_.channel(c)[i] + vocals_.channel(c)[i];
  settings.normalize_gain = 0.7F / peak_of(mix);
  StemFiles files(plan, paths(plan), settings);
  const std::array<ConstAudioView, 2> sources = {drums_, vocals_};
  files.write(mix, sources);
  files.finish([](double) {});
  EXPECT_EQ(files.limiter_gain(), 1.0F);
}

TEST_F(StemFilesTest, WhatNeedsNoLimitIsMultipliedAlone) {
  StemFileOptions settings = options(ClipMode::rescale);
  settings.normalize_gain = 0.5F;
  EXPECT_THAT(run(plan_stems({}, kSources), settings), Each(0.5F));
  EXPECT_EQ(peak_of(written("drums")), peak_of(drums_) * 0.5F);
  EXPECT_EQ(written("drums").frames(), drums_.frames());
}

TEST_F(StemFilesTest, TheLoudnessIsThatOfTheFiles) {
  make_louder(4.0F);
  for (const auto gain : {std::optional<float>(), std::optional<float>(2.0F)}) {
    StemFileOptions settings = options(ClipMode::rescale);
    settings.measure_loudness = true;
    settings.normalize_gain = gain;
    const StemPlan plan = plan_stems({}, kSources);
    StemFiles files(plan, paths(plan), settings);
    const std::array<ConstAudioView, 2> sources = {drums_, vocals_};
    files.write(AudioBuffer(2, drums_.frames()), sources);
    files.finish([](double) {});
    files.commit();
    for (std::size_t i = 0; i < 2; ++i) {
      dsp::LoudnessMeter meter(kRateHz, 2);
      meter.process(written(kSources[i]));
      const dsp::Loudness expected = meter.finish();
      // Blocks are cut in other places, and sums of squares rounded there.
      EXPECT_NEAR(files.loudness()[i].integrated_lufs, expected.integrated_lufs, 1e-6);
      EXPECT_EQ(files.loudness()[i].true_peak_dbtp, expected.true_peak_dbtp);
    }
  }
}

TEST_F(StemFilesTest, TogetherEachOutputHasChannelsOfItsOwn) {
  run_together(options(ClipMode::none), "all.wav");
  const AudioBuffer all = read_sound(folder_ / "all.wav");
  ASSERT_EQ(all.channels(), 4U);
  for (std::size_t c = 0; c < 2; ++c) {
    EXPECT_TRUE(std::ranges::equal(all.channel(c), drums_.channel(c)));
    EXPECT_TRUE(std::ranges::equal(all.channel(2 + c), vocals_.channel(c)));
  }
}

TEST_F(StemFilesTest, TogetherTheyAreTurnedDownAlikeOrLimited) {
  make_louder(4.0F);
  run_together(options(ClipMode::rescale), "all.wav");
  AudioBuffer all = read_sound(folder_ / "all.wav");
  EXPECT_FLOAT_EQ(peak_of(all), 1.0F / 1.01F);
  EXPECT_FLOAT_EQ(all.channel(0)[5000] * vocals_.channel(0)[5000],
                  all.channel(2)[5000] * drums_.channel(0)[5000]);
  run_together(options(ClipMode::clamp), "clamped.wav");
  EXPECT_EQ(peak_of(read_sound(folder_ / "clamped.wav")), 0.99F);
}

TEST_F(StemFilesTest, TogetherTheyFitOrAreRefused) {
  EXPECT_THROW(run_together(options(ClipMode::none), "all.mp3"), Error);
  EXPECT_FALSE(fs::exists(folder_ / "all.mp3"));
  EXPECT_THROW(StemFiles(plan_stems({}, kSources), {folder_ / "one.wav"}, {}), Error);
}

TEST_F(StemFilesTest, ClampLimitsSamplesAndNoneLeavesThem) {
  make_louder(4.0F);
  run(plan_stems({}, kSources), options(ClipMode::clamp));
  EXPECT_EQ(peak_of(written("vocals")), 0.99F);
  run(plan_stems({}, kSources), options(ClipMode::none));
  EXPECT_EQ(peak_of(written("vocals")), peak_of(vocals_));
}

TEST_F(StemFilesTest, MinusAndAddGiveTheSameRemainderOfAnExactModel) {
  run(plan_stems({{}, "vocals", OtherMethod::minus}, kSources), options(ClipMode::none));
  run(plan_stems({{}, "vocals", OtherMethod::add}, kSources), options(ClipMode::none));
  EXPECT_GT(agreement_db(drums_, written("no_vocals")), 200.0);
  // mix − vocals rounds to float32 twice: about 2^-24 of samples near 1, -140 dB.
  EXPECT_GT(agreement_db(drums_, written("minus_vocals")), 120.0);
}

TEST_F(StemFilesTest, OtherRatesGiveTheLengthAskedFor) {
  for (const int rate : {48000, 22050, 96000}) {
    for (const std::int64_t excess : {-3, 0, 3}) {
      StemFileOptions settings = options(ClipMode::rescale);
      settings.writer.sample_rate_hz = rate;
      const std::int64_t length =
          static_cast<std::int64_t>(drums_.frames()) * rate / kRateHz + excess;
      settings.writer.expected_frames = length;
      settings.length_frames = length;
      run(plan_stems({}, kSources), settings);
      EXPECT_EQ(written("drums").frames(), static_cast<std::size_t>(length));
      EXPECT_EQ(sample_rate_of(folder_ / "drums.wav"), rate);
    }
  }
}

TEST_F(StemFilesTest, WithoutCommitNothingStays) {
  const StemPlan plan = plan_stems({}, kSources);
  {
    StemFiles files(plan, paths(plan), options(ClipMode::none));
    const std::array<ConstAudioView, 2> sources = {drums_, vocals_};
    files.write(drums_, sources);
    files.finish([](double) {});
  }
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_F(StemFilesTest, AnUnwritablePlaceShowsAtOnce) {
  const StemPlan plan = plan_stems({}, kSources);
  const fs::path nowhere = folder_ / "missing/a.wav";
  EXPECT_THROW(StemFiles(plan, {nowhere, nowhere}, options(ClipMode::none)), Error);
}

}  // namespace
}  // namespace metalaudio::separation

#include <gtest/gtest.h>
#include <metalaudio/audio/memory_source.h>
#include <metalaudio/core/error.h>
#include <metalaudio/separation/separation_stream.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "linear_model.h"

namespace metalaudio::separation {
namespace {

AudioBuffer noise(std::size_t frames) {
  AudioBuffer mix(2, frames);
  std::mt19937 random(5);
  std::normal_distribution<float> normal(0.1F, 0.7F);
  for (std::size_t c = 0; c < 2; ++c)
    for (float& sample : mix.channel(c)) sample = normal(random);
  return mix;
}

/// Two members whose segments are 400 and 170 frames long.
Separator two_members() {
  std::vector<BagMember> members;
  members.push_back({std::make_unique<LinearModel>(400), {1.0F, 0.25F}});
  members.push_back({std::make_unique<LinearModel>(170), {0.5F, 1.0F}});
  return Separator(std::move(members));
}

/// Every frame that a stream hands out, appended; and how far it lags behind.
struct Collected {
  std::vector<std::vector<float>> rows;
  std::int64_t frames = 0;

  void operator()(std::int64_t first, std::span<const AudioBuffer> stems) {
    EXPECT_EQ(first, frames);
    rows.resize(stems.size() * 2);
    for (std::size_t stem = 0; stem < stems.size(); ++stem)
      for (std::size_t c = 0; c < 2; ++c) {
        const auto samples = stems[stem].channel(c);
        rows[2 * stem + c].insert(rows[2 * stem + c].end(), samples.begin(), samples.end());
      }
    frames += static_cast<std::int64_t>(stems[0].frames());
  }
};

void expect_equal(const Collected& streamed, const std::vector<AudioBuffer>& whole) {
  ASSERT_EQ(streamed.rows.size(), whole.size() * 2);
  for (std::size_t stem = 0; stem < whole.size(); ++stem)
    for (std::size_t c = 0; c < 2; ++c)
      EXPECT_TRUE(std::ranges::equal(streamed.rows[2 * stem + c], whole[stem].channel(c)))
          << "stem " << stem << ", channel " << c;
}

/// Pushes blocks of uneven size; the largest lag is kept.
std::int64_t push_all(SeparationStream& stream, const AudioBuffer& mix, Collected& collected,
                      std::size_t size) {
  std::int64_t lag = 0;
  for (std::size_t first = 0; first < mix.frames();) {
    const std::size_t frames = std::min(size, mix.frames() - first);
    stream.push(ConstAudioView(mix).part(first, frames));
    first += frames;
    lag = std::max(lag, static_cast<std::int64_t>(first) - collected.frames);
    size = size * 7 % 1009 + 1;
  }
  stream.finish();
  return lag;
}

TEST(SeparationStream, EqualsTheWholeSongSampleForSample) {
  for (const std::size_t frames : {1U, 169U, 400U, 401U, 700U, 5003U}) {
    const AudioBuffer mix = noise(frames);
    for (const int shifts : {0, 2}) {
      for (const double overlap : {0.0, 0.25, 0.8}) {
        const SeparationOptions options{
            .shifts = shifts, .seed = 3, .overlap = overlap, .normalise = false};
        Separator separator = two_members();
        const std::vector<AudioBuffer> whole = separator.separate(mix, options);
        for (const std::size_t block : {1U, 64U, 900U}) {
          Collected collected;
          SeparationStream stream(separator, options, {}, std::ref(collected));
          const std::int64_t lag = push_all(stream, mix, collected, block);
          EXPECT_LE(lag, stream.latency_samples());
          expect_equal(collected, whole);
        }
      }
    }
  }
}

TEST(SeparationStream, EqualsItWithTheLevelThatWasMeasured) {
  const AudioBuffer mix = noise(3000);
  Separator separator = two_members();
  const SeparationOptions options{.stems = {"second"}};
  const MixLevel level = measure_level(audio::MemorySource(mix, 1000), {});
  Collected collected;
  SeparationStream stream(separator, options, {.level = level}, std::ref(collected));
  push_all(stream, mix, collected, 100);
  expect_equal(collected, separator.separate(mix, options));
}

TEST(SeparationStream, ItsLatencyIsReachedAndNeverExceeded) {
  const AudioBuffer mix = noise(4000);
  Separator separator(std::make_unique<LinearModel>(400));
  Collected collected;
  SeparationStream stream(separator, {.shifts = 0, .normalise = false}, {}, std::ref(collected));
  std::int64_t lag = 0;
  for (std::size_t i = 0; i < mix.frames(); ++i) {
    stream.push(ConstAudioView(mix).part(i, 1));
    lag = std::max(lag, static_cast<std::int64_t>(i + 1) - collected.frames);
  }
  EXPECT_EQ(lag, stream.latency_samples());
  EXPECT_EQ(stream.latency_samples(), 399);
}

TEST(SeparationStream, SaysWhatItCannotDo) {
  Separator separator = two_members();
  const auto ignore = [](std::int64_t, std::span<const AudioBuffer>) {};
  EXPECT_THROW(SeparationStream(separator, {}, {}, ignore), Error) << "no level";
  EXPECT_THROW(SeparationStream(separator, {.split = false, .normalise = false}, {}, ignore),
               Error);
  EXPECT_THROW(SeparationStream(separator, {.stems = {"third"}, .normalise = false}, {}, ignore),
               Error);
  const SeparationOptions options{.normalise = false};
  SeparationStream stream(separator, options, {}, ignore);
  EXPECT_THROW(stream.push(AudioBuffer(1, 10)), Error);
  AudioBuffer bad = noise(10);
  bad.channel(1)[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(stream.push(bad), Error);
  stream.push(noise(10));
  stream.finish();
  EXPECT_THROW(stream.finish(), Error);
  EXPECT_THROW(stream.push(noise(10)), Error);
  EXPECT_THROW(SeparationStream(separator, options, {}, ignore).finish(), Error) << "no audio";
}

TEST(SeparationStream, StopsWhenAskedTo) {
  Separator separator = two_members();
  std::stop_source stop;
  SeparationStream stream(separator, {.normalise = false}, {.stop = stop.get_token()},
                          [](std::int64_t, std::span<const AudioBuffer>) {});
  stream.push(noise(1000));
  stop.request_stop();
  try {
    stream.push(noise(1000));
    ADD_FAILURE() << "went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::cancelled);
  }
}

}  // namespace
}  // namespace metalaudio::separation

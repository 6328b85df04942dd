#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/audio/memory_source.h>
#include <metalaudio/core/error.h>
#include <metalaudio/separation/separator.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <thread>

#include "linear_model.h"

#ifdef __SANITIZE_ADDRESS__
// Declared here because GCC installs no header for it.
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();
#endif

namespace metalaudio::separation {
namespace {

AudioBuffer noise(std::size_t frames) {
  AudioBuffer audio(2, frames);
  unsigned state = 1;
  for (std::size_t channel = 0; channel < 2; ++channel)
    for (float& sample : audio.channel(channel)) {
      state = state * 1664525U + 1013904223U;
      sample = static_cast<float>(state >> 8) / 16777216.0F - 0.5F;
    }
  return audio;
}

Separator linear_separator() { return Separator(std::make_unique<LinearModel>()); }

/// Runs counts how often each member ran.
Separator specialists(std::size_t (&runs)[2]) {
  std::vector<BagMember> members;
  members.push_back({std::make_unique<LinearModel>(400, &runs[0]), {1.0F, 0.0F}});
  members.push_back({std::make_unique<LinearModel>(400, &runs[1]), {0.0F, 1.0F}});
  return Separator(std::move(members));
}

std::vector<float> samples(const AudioBuffer& audio) {
  std::vector<float> all;
  for (std::size_t channel = 0; channel < audio.channels(); ++channel)
    all.insert(all.end(), audio.channel(channel).begin(), audio.channel(channel).end());
  return all;
}

ErrorCode code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "no error";
  return ErrorCode::io;
}

TEST(Separator, RunsOnlyTheMembersThatAStemNeeds) {
  std::size_t runs[2] = {};
  Separator separator = specialists(runs);
  const auto all = separator.separate(noise(1000));
  EXPECT_GT(runs[0], 0U);
  EXPECT_GT(runs[1], 0U);
  runs[0] = runs[1] = 0;
  const auto second = separator.separate(noise(1000), {.stems = {"second"}});
  EXPECT_EQ(runs[0], 0U);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(samples(second[0]), samples(all[1]));  // with the same random shifts
}

TEST(Separator, TakesAnAbsentMemberThatNoStemNeeds) {
  std::vector<BagMember> members;
  members.push_back({nullptr, {1.0F, 0.0F}});
  members.push_back({std::make_unique<LinearModel>(), {0.0F, 1.0F}});
  Separator separator(std::move(members));
  EXPECT_EQ(separator.separate(noise(500), {.stems = {"second"}}).size(), 1U);
  EXPECT_EQ(code_of([&] { separator.separate(noise(500)); }), ErrorCode::invalid_argument);
  EXPECT_THAT(needed_members({{1, 0}, {0, 1}, {}}, {"first", "second"}, {"second"}),
              testing::ElementsAre(false, true, true));
}

TEST(Separator, GivesStemsInTheOrderAskedFor) {
  Separator separator = linear_separator();
  const auto both = separator.separate(noise(700));
  const auto swapped = separator.separate(noise(700), {.stems = {"second", "first"}});
  EXPECT_EQ(samples(swapped[0]), samples(both[1]));
  EXPECT_EQ(samples(swapped[1]), samples(both[0]));
}

TEST(Separator, DrawsTheSameShiftsFromTheSameSeed) {
  Separator separator = linear_separator();
  const auto with_seed = [&](std::uint64_t seed) {
    return samples(separator.separate(noise(1500), {.shifts = 2, .seed = seed})[0]);
  };
  EXPECT_EQ(with_seed(5), with_seed(5));
  EXPECT_NE(with_seed(5), with_seed(6));
}

TEST(Separator, HandsOutConsecutiveBlocksAndCountsSegments) {
  Separator separator(std::make_unique<LinearModel>(100000));
  const audio::MemorySource mix(noise(250000), 1000);
  std::int64_t next = 0;
  std::size_t last_done = 0;
  SeparationControl control;
  control.progress = [&](std::size_t done, std::size_t total) {
    EXPECT_EQ(done, last_done + 1);
    EXPECT_EQ(total, 8U);  // two shifts of four segments, 75000 apart
    last_done = done;
  };
  separator.separate(
      mix, {.shifts = 2},
      [&](std::int64_t first, std::span<const AudioBuffer> stems) {
        EXPECT_EQ(first, next);
        EXPECT_EQ(stems.size(), 2U);
        next += static_cast<std::int64_t>(stems[0].frames());
      },
      control);
  EXPECT_EQ(next, mix.frames());
  EXPECT_EQ(last_done, 8U);
}

TEST(Separator, TellsEachSegmentWhenItBeginsAndWhenItHasEnded) {
  std::vector<BagMember> members;
  members.push_back({std::make_unique<LinearModel>(400), {1.0F, 0.0F}});
  members.push_back({std::make_unique<LinearModel>(400), {0.0F, 1.0F}});
  Separator separator(std::move(members));
  std::vector<SegmentEvent> events;
  SeparationControl control;
  control.segment = [&](const SegmentEvent& event) { events.push_back(event); };
  separator.separate(noise(600), {.shifts = 2}, control);
  ASSERT_EQ(events.size() % 2, 0U);
  std::vector<std::int64_t> offsets[2][2];
  for (std::size_t i = 0; i < events.size(); i += 2) {
    EXPECT_FALSE(events[i].ended);
    EXPECT_TRUE(events[i + 1].ended);
    EXPECT_EQ(events[i].offset, events[i + 1].offset);
    ASSERT_LT(events[i].member, 2U);
    ASSERT_LT(events[i].shift, 2U);
    offsets[events[i].member][events[i].shift].push_back(events[i].offset);
  }
  for (const auto& member : offsets)
    for (const auto& lane : member)  // a quarter of 400 overlaps
      for (std::size_t i = 0; i < lane.size(); ++i)
        EXPECT_EQ(lane[i], static_cast<std::int64_t>(300 * i));
  control.segment = [](const SegmentEvent& event) {
    if (event.ended) fail(ErrorCode::cancelled, "[Test] enough");
  };
  EXPECT_EQ(code_of([&] { separator.separate(noise(900), {}, control); }), ErrorCode::cancelled);
}

TEST(Separator, StopsBeforeTheNextSegmentWhenAskedFromAnotherThread) {
  std::size_t runs = 0;
  Separator separator(std::make_unique<LinearModel>(400, &runs));
  std::stop_source stop;
  SeparationControl control;
  control.stop = stop.get_token();
  control.progress = [&](std::size_t done, std::size_t) {
    if (done == 3) std::thread([&] { stop.request_stop(); }).join();
  };
  EXPECT_EQ(code_of([&] { separator.separate(noise(100000), {}, control); }), ErrorCode::cancelled);
  EXPECT_EQ(runs, 3U);
  // Nothing is left behind: the next separation is whole.
  EXPECT_EQ(separator.separate(noise(900))[0].frames(), 900U);
}

TEST(Separator, PassesOnWhatTheSinkThrows) {
  Separator separator = linear_separator();
  const audio::MemorySource mix(noise(2000), 1000);
  const auto full_disk = [](std::int64_t, std::span<const AudioBuffer>) {
    fail(ErrorCode::io, "[Test] the disk is full");
  };
  EXPECT_EQ(code_of([&] { separator.separate(mix, {}, full_disk); }), ErrorCode::io);
}

TEST(Separator, RejectsAudioThatIsEmptyOrNotFinite) {
  Separator separator = linear_separator();
  EXPECT_EQ(code_of([&] { separator.separate(AudioBuffer(2, 0)); }), ErrorCode::invalid_data);
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    AudioBuffer mix = noise(100000);
    mix.channel(1)[70123] = bad;
    try {
      separator.separate(mix);
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_data);
      EXPECT_THAT(error.what(), testing::HasSubstr("sample 70123 of channel 2"));
    }
  }
}

TEST(Separator, RejectsOptionsOutOfRange) {
  Separator separator = linear_separator();
  const AudioBuffer mix = noise(500);
  const SeparationOptions wrong[] = {
      {.shifts = -1},
      {.shifts = 2, .shift_offsets = {1}},
      {.shifts = 1, .shift_offsets = {501}},
      {.shifts = 1, .shift_offsets = {-1}},
      {.overlap = 1.0},
      {.transition_power = 0.0},
      {.segment_seconds = 0.402},
      {.segment_seconds = 0.0},
      {.segment_seconds = std::numeric_limits<double>::quiet_NaN()},
      {.split = false},  // 500 samples in a model that takes 400
      {.stems = {"third"}},
  };
  for (const SeparationOptions& options : wrong)
    EXPECT_EQ(code_of([&] { separator.separate(mix, options); }), ErrorCode::invalid_argument);
}

TEST(Separator, RejectsAudioOfAnotherRateOrChannelCount) {
  Separator separator = linear_separator();
  const auto ignore = [](std::int64_t, std::span<const AudioBuffer>) {};
  for (const auto& [channels, rate] : {std::pair<std::size_t, int>{1, 1000}, {2, 44100}}) {
    const audio::MemorySource mix(AudioBuffer(channels, 100), rate);
    EXPECT_EQ(code_of([&] { separator.separate(mix, {}, ignore); }), ErrorCode::invalid_argument);
  }
}

TEST(Separator, RejectsBagsThatDoNotFit) {
  const auto separator_of = [](std::vector<float> weights, bool with_model) {
    std::vector<BagMember> members;
    members.push_back({with_model ? std::make_unique<LinearModel>() : nullptr, std::move(weights)});
    return Separator(std::move(members));
  };
  EXPECT_THROW(separator_of({}, false), Error);
  EXPECT_THROW(separator_of({1.0F}, true), Error);
  EXPECT_EQ(code_of([&] {
              separator_of({0.0F, 1.0F}, true).separate(noise(300));
            }),
            ErrorCode::invalid_argument);  // nobody makes the first stem
}

/// Audio of any length that no memory holds.
class MadeUpSource final : public audio::AudioSource {
 public:
  explicit MadeUpSource(std::int64_t frames) : frames_(frames) {}
  std::int64_t frames() const noexcept override { return frames_; }
  std::size_t channels() const noexcept override { return 2; }
  int sample_rate_hz() const noexcept override { return 1000; }
  void read(std::int64_t first, AudioView out) const override {
    for (std::size_t c = 0; c < out.channels(); ++c)
      for (std::size_t i = 0; i < out.frames(); ++i)
        out.channel(c)[i] = static_cast<float>((first + static_cast<std::int64_t>(i)) % 17);
  }

 private:
  std::int64_t frames_;
};

/// Under the address sanitizer what is in use: what was freed stays resident in its quarantine.
long memory_kib() {
#ifdef __SANITIZE_ADDRESS__
  return static_cast<long>(__sanitizer_get_current_allocated_bytes() / 1024);
#else
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
#endif
}

TEST(Separator, NeedsNoMoreMemoryForAnHourThanForAMinute) {
  Separator separator(std::make_unique<LinearModel>(20000));
  const auto peak_kib_of = [&](std::int64_t seconds) {
    std::int64_t done = 0;
    long peak_kib = 0;
    separator.separate(MadeUpSource(seconds * 1000), {.shifts = 3},
                       [&](std::int64_t, std::span<const AudioBuffer> stems) {
                         done += static_cast<std::int64_t>(stems[0].frames());
                         peak_kib = std::max(peak_kib, memory_kib());
                       });
    EXPECT_EQ(done, seconds * 1000);
    return peak_kib;
  };
  const long a_minute = peak_kib_of(60);
  const long an_hour = peak_kib_of(3600);
  // The mix alone would be 27 MiB; the allocator may keep a few pages more.
  EXPECT_LT(an_hour - a_minute, 4 * 1024);
}

}  // namespace
}  // namespace metalaudio::separation

#include <gtest/gtest.h>
#include <metalaudio/audio/memory_source.h>
#include <metalaudio/models/spread_model.h>
#include <metalaudio/separation/separation_stream.h>
#include <metalaudio/separation/separator.h>

#include <numeric>
#include <random>

#include "batched_model.h"

namespace metalaudio::separation {
namespace {

AudioBuffer noise(std::size_t frames) {
  AudioBuffer audio(2, frames);
  std::mt19937 random(3);
  std::uniform_real_distribution<float> uniform(-0.5F, 0.5F);
  for (std::size_t channel = 0; channel < 2; ++channel)
    for (float& sample : audio.channel(channel)) sample = uniform(random);
  return audio;
}

std::vector<float> samples(const std::vector<AudioBuffer>& stems) {
  std::vector<float> all;
  for (const AudioBuffer& stem : stems)
    for (std::size_t channel = 0; channel < stem.channels(); ++channel)
      all.insert(all.end(), stem.channel(channel).begin(), stem.channel(channel).end());
  return all;
}

Separator alone() { return Separator(std::make_unique<LinearModel>()); }

constexpr std::size_t kFrames = 3333;
constexpr std::size_t kSegments = 13;  // 300 apart, and one shift

/// Segments are added in the order of the plan, however they were computed: the same bits.
TEST(SegmentBatches, GiveTheSameBitsWhateverTheirSize) {
  const SeparationOptions several[] = {
      {}, {.shifts = 0}, {.shifts = 3}, {.overlap = 0.8}, {.segment_seconds = 0.123}};
  ThreadPool pool(2);
  for (const SeparationOptions& options : several) {
    const std::vector<float> expected = samples(alone().separate(noise(kFrames), options));
    for (const std::size_t capacity : {1U, 2U, 3U, 7U, 100U})
      for (const std::size_t batches : {1U, 2U, 3U})
        for (const bool adds_up : {false, true}) {
          FakeGpu gpu{.capacity = capacity, .batches = batches, .adds_up = adds_up};
          Separator separator(std::make_unique<BatchedModel>(gpu), adds_up ? &pool : nullptr);
          EXPECT_EQ(samples(separator.separate(noise(kFrames), options)), expected)
              << capacity << " in each of " << batches;
          const std::size_t count = std::accumulate(gpu.started.begin(), gpu.started.end(), 0U);
          EXPECT_EQ(count, gpu.segments_asked_for);
          EXPECT_EQ(gpu.added, adds_up ? count : 0U);
          EXPECT_EQ(gpu.started.size(), (count + capacity - 1) / capacity);
        }
  }
}

TEST(SegmentBatches, GiveTheSameBitsForABag) {
  const auto bag = [](std::unique_ptr<models::SegmentModel> a,
                      std::unique_ptr<models::SegmentModel> b) {
    std::vector<BagMember> members;
    members.push_back({std::move(a), {1.0F, 0.25F}});
    members.push_back({std::move(b), {0.5F, 1.0F}});
    return Separator(std::move(members));
  };
  const std::vector<float> expected =
      samples(bag(std::make_unique<LinearModel>(), std::make_unique<LinearModel>())
                  .separate(noise(kFrames), {.shifts = 2}));
  for (const bool adds_up : {false, true}) {
    FakeGpu first{.capacity = 3, .batches = 2, .adds_up = adds_up};
    FakeGpu second{.capacity = 2, .batches = 1, .adds_up = true};
    EXPECT_EQ(
        samples(bag(std::make_unique<BatchedModel>(first), std::make_unique<BatchedModel>(second))
                    .separate(noise(kFrames), {.shifts = 2})),
        expected);
    EXPECT_EQ(samples(bag(std::make_unique<BatchedModel>(first), std::make_unique<LinearModel>())
                          .separate(noise(kFrames), {.shifts = 2})),
              expected);
  }
}

/// Members with windows of their own: the frames that one has complete wait for the other.
TEST(SegmentBatches, GiveTheSameBitsForABagOfTwoLengths) {
  const auto bag = [](std::unique_ptr<models::SegmentModel> a,
                      std::unique_ptr<models::SegmentModel> b) {
    std::vector<BagMember> members;
    members.push_back({std::move(a), {1.0F, 0.25F}});
    members.push_back({std::move(b), {0.5F, 1.0F}});
    return Separator(std::move(members));
  };
  const std::vector<float> expected =
      samples(bag(std::make_unique<LinearModel>(400), std::make_unique<LinearModel>(150))
                  .separate(noise(kFrames), {.shifts = 2}));
  for (const std::size_t capacity : {1U, 2U, 5U, 100U}) {
    FakeGpu first{.capacity = capacity, .adds_up = true};
    FakeGpu second{.capacity = 3, .adds_up = true};
    EXPECT_EQ(samples(bag(std::make_unique<BatchedModel>(first, 400),
                          std::make_unique<BatchedModel>(second, 150))
                          .separate(noise(kFrames), {.shifts = 2})),
              expected)
        << capacity;
  }
}

/// Of a bag in which each member is there for one stem, as of htdemucs_ft, only that one comes back.
TEST(SegmentBatches, BringBackTheStemsThatCount) {
  FakeGpu gpus[] = {{.capacity = 3, .adds_up = true}, {.capacity = 3, .adds_up = true}};
  std::vector<BagMember> members;
  members.push_back({std::make_unique<BatchedModel>(gpus[0]), {1.0F, 0.0F}});
  members.push_back({std::make_unique<BatchedModel>(gpus[1]), {0.0F, 1.0F}});
  Separator separator(std::move(members));
  EXPECT_EQ(samples(separator.separate(noise(kFrames), {.shifts = 0})),
            samples(alone().separate(noise(kFrames), {.shifts = 0})));
  EXPECT_EQ(gpus[0].rows, 2U);
  EXPECT_EQ(gpus[1].rows, 2U);
  FakeGpu one{.capacity = 3, .adds_up = true};
  Separator second(std::make_unique<BatchedModel>(one));
  EXPECT_EQ(samples(second.separate(noise(kFrames), {.stems = {"second"}})),
            samples(alone().separate(noise(kFrames), {.stems = {"second"}})));
  EXPECT_EQ(one.rows, 2U);
}

class SegmentBatchesOfEitherKind : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Sums, SegmentBatchesOfEitherKind, testing::Bool(), [](const auto& test) {
  return std::string(test.param ? "AddedThere" : "AddedHere");
});

TEST_P(SegmentBatchesOfEitherKind, OfAStreamAreHandedOutAtOnce) {
  const AudioBuffer mix = noise(kFrames);
  const SeparationOptions options{.shifts = 0, .normalise = false};
  const std::vector<float> expected = samples(alone().separate(mix, options));
  FakeGpu gpu{.capacity = 4, .batches = 2, .adds_up = GetParam()};
  Separator separator(std::make_unique<BatchedModel>(gpu));
  std::vector<AudioBuffer> stems;
  for (int i = 0; i < 2; ++i) stems.emplace_back(2, kFrames);
  std::int64_t given = 0;
  SeparationStream stream(
      separator, options, {}, [&](std::int64_t first, std::span<const AudioBuffer> blocks) {
        for (std::size_t s = 0; s < 2; ++s)
          for (std::size_t c = 0; c < 2; ++c)
            std::ranges::copy(blocks[s].channel(c), stems[s].channel(c).begin() + first);
        given = first + static_cast<std::int64_t>(blocks[0].frames());
      });
  for (std::size_t first = 0; first < kFrames; first += 50) {
    const std::size_t count = std::min<std::size_t>(50, kFrames - first);
    stream.push(mix.view().part(first, count));
    EXPECT_GE(given, static_cast<std::int64_t>(first + count) - stream.latency_samples());
  }
  stream.finish();
  EXPECT_EQ(samples(stems), expected);
  EXPECT_EQ(gpu.segments_asked_for, 1U);
}

TEST_P(SegmentBatchesOfEitherKind, AreLeftBehindWhenASeparationIsCancelled) {
  FakeGpu gpu{.capacity = 3, .batches = 2, .adds_up = GetParam()};
  Separator separator(std::make_unique<BatchedModel>(gpu));
  std::stop_source stop;
  const SeparationControl control{[&](std::size_t done, std::size_t) {
                                    if (done == 2) stop.request_stop();
                                  },
                                  stop.get_token()};
  EXPECT_THROW(separator.separate(noise(kFrames), {}, control), Error);
  EXPECT_EQ(samples(separator.separate(noise(kFrames))), samples(alone().separate(noise(kFrames))));
}

/// The linear stand-in on some GPUs of the list, and on the CPU behind them.
struct Spread {
  /// The last `spares` of them are made when the others are lost; 0 segments have no room.
  explicit Spread(std::vector<FakeGpu> fakes, std::size_t spares = 0) : gpus(std::move(fakes)) {
    std::vector<models::SpreadModel::Part> parts;
    std::vector<models::SpreadModel::Spare> behind;
    for (std::size_t i = 0; i < gpus.size(); ++i) {
      const std::string name = "cuda:" + std::to_string(i);
      if (i + spares < gpus.size()) {
        parts.push_back({name, std::make_unique<BatchedModel>(gpus[i])});
        continue;
      }
      behind.push_back({name, [this, i]() -> std::unique_ptr<models::SegmentModel> {
                          if (gpus[i].capacity == 0)
                            fail(ErrorCode::out_of_memory, "[FakeGpu] 9 MiB are not free");
                          return std::make_unique<BatchedModel>(gpus[i]);
                        }});
    }
    separator.emplace(std::make_unique<models::SpreadModel>(
        std::move(parts), std::move(behind),
        [this] { return std::make_unique<LinearModel>(400, &on_cpu); },
        [this](const std::string& line) { notices.push_back(line); }));
  }

  std::vector<FakeGpu> gpus;
  std::size_t on_cpu = 0;
  std::vector<std::string> notices;
  std::optional<Separator> separator;
};

TEST(SpreadModel, SharesTheBatchesOfASong) {
  Spread spread({{.capacity = 2}, {.capacity = 3}});
  EXPECT_EQ(samples(spread.separator->separate(noise(kFrames))),
            samples(alone().separate(noise(kFrames))));
  EXPECT_EQ(spread.gpus[0].done, 7U);  // batches of two, the last one short
  EXPECT_EQ(spread.gpus[1].done, 6U);
  EXPECT_EQ(spread.on_cpu, 0U);
  EXPECT_TRUE(spread.notices.empty());
}

TEST_P(SegmentBatchesOfEitherKind, GoOnOnTheCpuFromWhereverTheGpuIsLost) {
  const std::vector<float> expected = samples(alone().separate(noise(kFrames)));
  for (std::size_t lost_after = 0; lost_after < kSegments; ++lost_after) {
    Spread spread(
        std::vector{FakeGpu{.capacity = 3, .lost_after = lost_after, .adds_up = GetParam()}});
    EXPECT_EQ(samples(spread.separator->separate(noise(kFrames))), expected) << lost_after;
    // What comes later does not ask for it again.
    const std::size_t before = spread.on_cpu;
    EXPECT_EQ(samples(spread.separator->separate(noise(kFrames))), expected);
    EXPECT_EQ(spread.on_cpu - before, kSegments);
    EXPECT_EQ(spread.notices, std::vector<std::string>{"cuda:0: lost; going on on the cpu"});
  }
}

/// By the sums themselves, with some of a batch added and handed out: with shifts, so that more than
/// two segments add up in places.
TEST(SpreadModel, LosesNoSumsWithItsGpu) {
  const SeparationOptions options{.shifts = 3};
  const std::vector<float> expected = samples(alone().separate(noise(kFrames), options));
  Spread whole(std::vector{FakeGpu{.capacity = 4, .adds_up = true}});
  whole.separator->separate(noise(kFrames), options);
  ASSERT_GT(whole.gpus[0].added, 2 * kSegments);
  for (std::size_t lost_after = 0; lost_after < whole.gpus[0].added; ++lost_after) {
    Spread spread(
        std::vector{FakeGpu{.capacity = 4, .adds_up = true, .lost_after_sums = lost_after}});
    EXPECT_EQ(samples(spread.separator->separate(noise(kFrames), options)), expected) << lost_after;
    EXPECT_EQ(spread.notices, std::vector<std::string>{"cuda:0: lost; going on on the cpu"});
    Spread two({{.capacity = 4, .adds_up = true, .lost_after_sums = lost_after / 2},
                {.capacity = 3, .adds_up = true}});
    EXPECT_EQ(samples(two.separator->separate(noise(kFrames), options)), expected) << lost_after;
    EXPECT_EQ(two.on_cpu, 0U);
  }
}

/// Sums go from one to the other, whether both add up or one.
TEST(SpreadModel, AddsUpOnSeveralGpus) {
  for (const SeparationOptions& options :
       {SeparationOptions{}, SeparationOptions{.shifts = 3}, SeparationOptions{.overlap = 0.8}}) {
    const std::vector<float> expected = samples(alone().separate(noise(kFrames), options));
    for (const bool other : {false, true}) {
      Spread spread({{.capacity = 2, .adds_up = true}, {.capacity = 3, .adds_up = other}});
      EXPECT_EQ(samples(spread.separator->separate(noise(kFrames), options)), expected);
      EXPECT_GT(spread.gpus[0].added, 0U);
      EXPECT_EQ(spread.gpus[1].added > 0, other);
      EXPECT_TRUE(spread.notices.empty());
    }
  }
}

TEST(SpreadModel, GoesOnOnAnotherGpuOfTheList) {
  const std::vector<float> expected = samples(alone().separate(noise(kFrames)));
  Spread spread({{.capacity = 2, .lost_after = 3}, {.capacity = 2}});
  EXPECT_EQ(samples(spread.separator->separate(noise(kFrames))), expected);
  EXPECT_EQ(spread.on_cpu, 0U);
  EXPECT_EQ(spread.notices, std::vector<std::string>{"cuda:0: lost; going on on cuda:1"});
  Spread both({{.capacity = 2, .lost_after = 3}, {.capacity = 2, .lost_after = 4}});
  EXPECT_EQ(samples(both.separator->separate(noise(kFrames))), expected);
  EXPECT_GT(both.on_cpu, 0U);
  EXPECT_EQ(both.notices.size(), 2U);
  EXPECT_EQ(both.notices.back(), "cuda:1: lost; going on on the cpu");
}

/// A song each: what a lost GPU owes is computed on the other's, and so are the next songs, in batches.
TEST(SpreadModel, GoesOnOnASpareGpu) {
  const std::vector<float> expected = samples(alone().separate(noise(kFrames)));
  for (std::size_t lost_after = 0; lost_after < kSegments; ++lost_after) {
    Spread spread({{.capacity = 2, .lost_after = lost_after, .adds_up = true},
                   {.capacity = 0},
                   {.capacity = 3, .adds_up = true}},
                  2);
    EXPECT_EQ(samples(spread.separator->separate(noise(kFrames))), expected) << lost_after;
    EXPECT_EQ(samples(spread.separator->separate(noise(kFrames))), expected);
    EXPECT_EQ(spread.on_cpu, 0U);
    EXPECT_GE(spread.gpus[2].done, kSegments);
    EXPECT_FALSE(spread.gpus[2].started.empty());
    EXPECT_EQ(spread.notices, std::vector<std::string>{"cuda:0: lost; going on on cuda:2"});
  }
  Spread untouched({{.capacity = 2}, {.capacity = 2}}, 1);
  EXPECT_EQ(samples(untouched.separator->separate(noise(kFrames))), expected);
  EXPECT_EQ(untouched.gpus[1].done, 0U);
  Spread all({{.capacity = 2, .lost_after = 3}, {.capacity = 2, .lost_after = 4}}, 1);
  EXPECT_EQ(samples(all.separator->separate(noise(kFrames))), expected);
  EXPECT_GT(all.on_cpu, 0U);
  EXPECT_EQ(all.notices.back(), "cuda:1: lost; going on on the cpu");
  Spread full({{.capacity = 0}, {.capacity = 2}}, 1);
  EXPECT_EQ(samples(full.separator->separate(noise(kFrames))), expected);
  EXPECT_EQ(full.gpus[1].started.size(), (kSegments + 1) / 2);
}

TEST(SpreadModel, LeavesAGpuOutThatHasNoRoom) {
  const std::vector<float> expected = samples(alone().separate(noise(kFrames)));
  Spread spread({{.capacity = 0}, {.capacity = 2}});
  EXPECT_EQ(samples(spread.separator->separate(noise(kFrames))), expected);
  EXPECT_EQ(spread.gpus[1].done, kSegments);
  EXPECT_EQ(spread.notices,
            std::vector<std::string>{"cuda:0: 9 MiB are not free; going on on cuda:1"});
  Spread none(std::vector{FakeGpu{.capacity = 0}});
  EXPECT_EQ(samples(none.separator->separate(noise(kFrames))), expected);
  EXPECT_EQ(none.on_cpu, kSegments);
}

/// Only what a device does is a reason to go elsewhere.
TEST(SpreadModel, PassesOnOtherErrors) {
  class Broken final : public models::SegmentModel {
   public:
    const std::vector<std::string>& sources() const noexcept override { return one_.sources(); }
    int sample_rate_hz() const noexcept override { return 1000; }
    std::size_t channels() const noexcept override { return 2; }
    std::size_t segment_samples() const noexcept override { return 400; }
    void run(std::span<const float>, std::span<float>) override {
      fail(ErrorCode::invalid_data, "[Broken] on purpose");
    }

   private:
    LinearModel one_;
  };
  std::vector<models::SpreadModel::Part> parts;
  parts.push_back({"cuda:0", std::make_unique<Broken>()});
  std::size_t on_cpu = 0;
  Separator separator(std::make_unique<models::SpreadModel>(
      std::move(parts), std::vector<models::SpreadModel::Spare>{},
      [&] { return std::make_unique<LinearModel>(400, &on_cpu); }, nullptr));
  EXPECT_THROW(separator.separate(noise(kFrames)), Error);
  EXPECT_EQ(on_cpu, 0U);
}

}  // namespace
}  // namespace metalaudio::separation

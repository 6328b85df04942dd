#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/audio/memory_source.h>
#include <metalaudio/core/error.h>

#include <array>
#include <atomic>
#include <limits>
#include <thread>
#include <vector>

namespace metalaudio::audio {
namespace {

using ::testing::ElementsAre;

/// Two channels: 1 2 3 and -1 -2 -3.
MemorySource three_frames() {
  AudioBuffer samples(2, 3);
  for (std::size_t frame = 0; frame < 3; ++frame) {
    samples.channel(0)[frame] = static_cast<float>(frame + 1);
    samples.channel(1)[frame] = -static_cast<float>(frame + 1);
  }
  return {std::move(samples), 44100};
}

/// The second channel of a read into memory that held something else.
std::vector<float> read_second(const AudioSource& source, std::int64_t first, std::size_t frames) {
  std::vector<float> left(frames, 9.0f);
  std::vector<float> right(frames, 9.0f);
  const std::array<float*, 2> out{left.data(), right.data()};
  source.read(first, {out, frames});
  return right;
}

TEST(MemorySource, ReadsZerosOutsideItsFrames) {
  const MemorySource source = three_frames();
  EXPECT_THAT(read_second(source, 0, 3), ElementsAre(-1, -2, -3));
  EXPECT_THAT(read_second(source, -2, 4), ElementsAre(0, 0, -1, -2));
  EXPECT_THAT(read_second(source, 2, 3), ElementsAre(-3, 0, 0));
  EXPECT_THAT(read_second(source, -1, 5), ElementsAre(0, -1, -2, -3, 0));
  EXPECT_THAT(read_second(source, 3, 2), ElementsAre(0, 0));
  EXPECT_THAT(read_second(source, -7, 2), ElementsAre(0, 0));
  constexpr auto kFar = std::numeric_limits<std::int64_t>::max();
  EXPECT_THAT(read_second(source, kFar, 2), ElementsAre(0, 0));
  EXPECT_THAT(read_second(source, -kFar - 1, 2), ElementsAre(0, 0));
}

TEST(MemorySource, RefusesAReadWithOtherChannels) {
  const MemorySource source = three_frames();
  std::vector<float> mono(3);
  const std::array<float*, 1> out{mono.data()};
  EXPECT_THROW(source.read(0, {out, 3}), Error);
}

TEST(MemorySource, IsReadFromSeveralThreads) {
  AudioBuffer samples(1, 1000);
  for (std::size_t i = 0; i < 1000; ++i) samples.channel(0)[i] = static_cast<float>(i);
  const MemorySource source(samples, 48000);
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([&, thread] {
      for (int round = 0; round < 200; ++round) {
        std::vector<float> block(10);
        const std::int64_t first = (37 * round + thread) % 990;
        source.read(first, AudioView(std::span(block)));
        right += block[9] == static_cast<float>(first + 9) ? 1 : 0;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 800);
}

}  // namespace
}  // namespace metalaudio::audio

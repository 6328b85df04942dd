#include <gtest/gtest.h>
#include <metalaudio/core/realtime/denormals.h>
#include <metalaudio/core/realtime/status.h>
#include <metalaudio/core/realtime/triple_buffer.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
#include <thread>

namespace metalaudio {
namespace {

/// Half of the smallest normal float, computed where the compiler cannot.
float half_of_smallest() {
  volatile float smallest = std::numeric_limits<float>::min();
  volatile float half = 0.5F;
  volatile float product = smallest * half;
  return product;
}

/// The smallest normal float, from a denormal operand.
float double_of_denormal() {
  volatile float denormal = std::numeric_limits<float>::min() / 2.0F;
  volatile float two = 2.0F;
  volatile float product = denormal * two;
  return product;
}

TEST(FlushDenormals, TakesResultsAndOperandsForZeroAndRestores) {
  EXPECT_GT(half_of_smallest(), 0.0F);
  {
    const FlushDenormals flush;
    EXPECT_EQ(half_of_smallest(), 0.0F);
    EXPECT_EQ(double_of_denormal(), 0.0F);
    {
      const FlushDenormals again;
      EXPECT_EQ(half_of_smallest(), 0.0F);
    }
    EXPECT_EQ(half_of_smallest(), 0.0F);
  }
  EXPECT_GT(half_of_smallest(), 0.0F);
  EXPECT_GT(double_of_denormal(), 0.0F);
}

TEST(FlushDenormals, IsOfOneThread) {
  float there = 1.0F;
  std::thread([&] {
    const FlushDenormals flush;
    there = half_of_smallest();
  }).join();
  EXPECT_EQ(there, 0.0F);
  EXPECT_GT(half_of_smallest(), 0.0F);
}

TEST(FloatingPointMode, IsGivenToAnotherThread) {
  const FloatingPointMode flushing = FloatingPointMode::current().with_flushed_denormals();
  float there = 1.0F;
  std::thread([&] {
    flushing.apply();
    there = half_of_smallest();
  }).join();
  EXPECT_EQ(there, 0.0F);
  EXPECT_NE(FloatingPointMode::current(), flushing);
}

TEST(FloatingPointMode, DoesNotDependOnWhatHasHappened) {
  const FloatingPointMode before = FloatingPointMode::current();
  volatile float zero = 0.0F;
  volatile float infinite = 1.0F / zero;  // raises a flag
  EXPECT_GT(infinite, 1.0F);
  EXPECT_EQ(FloatingPointMode::current(), before);
  EXPECT_NE(before.with_flushed_denormals(), before);
}

TEST(TripleBuffer, StartsWithTheGivenValueAndNothingNew) {
  TripleBuffer<int> buffer(7);
  EXPECT_FALSE(buffer.update());
  EXPECT_EQ(buffer.read_buffer(), 7);
  EXPECT_EQ(TripleBuffer<int>().read_buffer(), 0);
}

TEST(TripleBuffer, GivesTheLatestOfSeveralOnce) {
  TripleBuffer<int> buffer(0);
  for (const int value : {1, 2, 3}) {
    buffer.write_buffer() = value;
    buffer.publish();
  }
  buffer.write_buffer() = 4;  // not published
  EXPECT_TRUE(buffer.update());
  EXPECT_EQ(buffer.read_buffer(), 3);
  EXPECT_FALSE(buffer.update());
  EXPECT_EQ(buffer.read_buffer(), 3);
  buffer.publish();
  EXPECT_TRUE(buffer.update());
  EXPECT_EQ(buffer.read_buffer(), 4);
}

TEST(TripleBuffer, TheReadersValueStaysWhateverTheWriterDoes) {
  TripleBuffer<int> buffer(0);
  for (int round = 1; round <= 10; ++round) {
    buffer.write_buffer() = round;
    buffer.publish();
    ASSERT_TRUE(buffer.update());
    for (int more = 0; more <= round % 4; ++more) {
      buffer.write_buffer() = -1;
      ASSERT_EQ(buffer.read_buffer(), round);
      buffer.publish();
      ASSERT_EQ(buffer.read_buffer(), round);
    }
  }
}

/// Every value that arrives is whole, and none comes before an earlier one.
TEST(TripleBuffer, HandsWholeValuesInOrderBetweenTwoThreads) {
  using Value = std::array<std::uint32_t, 64>;
  constexpr std::uint32_t kLast = 100'000;
  TripleBuffer<Value> buffer(Value{});
  std::thread writer([&] {
    for (std::uint32_t n = 1; n <= kLast; ++n) {
      buffer.write_buffer().fill(n);
      buffer.publish();
    }
  });
  std::uint32_t last = 0;
  bool whole = true;
  bool in_order = true;
  while (last < kLast) {
    if (!buffer.update()) continue;
    const Value& value = buffer.read_buffer();
    for (const std::uint32_t part : value) whole = whole && part == value[0];
    in_order = in_order && value[0] > last;
    last = value[0];
  }
  writer.join();
  EXPECT_TRUE(whole);
  EXPECT_TRUE(in_order);
  EXPECT_FALSE(buffer.update());
}

TEST(RealtimeStatus, KeepsTheFirstTroubleUntilItIsTaken) {
  RealtimeStatus status;
  EXPECT_EQ(status.peek(), Trouble::none);
  status.report(Trouble::state_cleared);
  status.report(Trouble::input_replaced);
  EXPECT_EQ(status.peek(), Trouble::state_cleared);
  EXPECT_EQ(RealtimeStatus(status).take(), Trouble::state_cleared);
  EXPECT_EQ(status.take(), Trouble::state_cleared);
  EXPECT_EQ(status.take(), Trouble::none);
  status.report(Trouble::device_lost);
  EXPECT_EQ(status.take(), Trouble::device_lost);
}

TEST(RealtimeStatus, LosesNoTroubleBetweenTwoThreads) {
  RealtimeStatus status;
  constexpr int kReports = 20'000;
  std::atomic<int> taken{0};
  std::thread audio([&] {
    for (int n = 0; n < kReports; ++n) {
      status.report(Trouble::input_replaced);
      while (taken.load() <= n) std::this_thread::yield();
    }
  });
  while (taken.load() < kReports) {
    if (status.take() != Trouble::none) ++taken;
    std::this_thread::yield();
  }
  audio.join();
  EXPECT_EQ(status.peek(), Trouble::none);
}

TEST(Trouble, HasAName) {
  EXPECT_EQ(to_string(Trouble::none), "none");
  EXPECT_EQ(to_string(Trouble::device_lost), "device_lost");
  EXPECT_EQ(to_string(Trouble::output_late), "output_late");
}

}  // namespace
}  // namespace metalaudio

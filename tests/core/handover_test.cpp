#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/realtime/denormals.h>
#include <metalaudio/core/realtime/handover.h>
#include <metalaudio/core/realtime/polling_worker.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#include "tests/support/realtime_guard.h"

namespace metalaudio {
namespace {

using namespace std::chrono_literals;

TEST(Handover, BringsJobsBackInOrderAndRefusesWhatDoesNotFit) {
  Handover<int> handover(3, 0);
  EXPECT_EQ(handover.next_job(), nullptr);
  EXPECT_EQ(handover.finished(), nullptr);
  for (const int value : {1, 2, 3}) {
    *handover.free_slot() = value;
    handover.submit();
  }
  EXPECT_EQ(handover.free_slot(), nullptr);
  EXPECT_EQ(handover.finished(), nullptr);
  for (const int value : {1, 2}) {
    ASSERT_EQ(*handover.next_job(), value);
    *handover.next_job() = 10 * value;
    handover.finish();
  }
  EXPECT_EQ(handover.free_slot(), nullptr);
  EXPECT_EQ(*handover.finished(), 10);
  handover.release();
  EXPECT_NE(handover.free_slot(), nullptr);
  EXPECT_EQ(*handover.finished(), 20);
  handover.release();
  EXPECT_EQ(handover.finished(), nullptr);
  EXPECT_EQ(*handover.next_job(), 3);
  handover.clear();
  EXPECT_EQ(handover.next_job(), nullptr);
  EXPECT_EQ(handover.finished(), nullptr);
}

/// Every job comes back whole, worked on once, in order, and the audio side stays real-time.
TEST(Handover, HandsWholeJobsBetweenTwoThreads) {
  using Job = std::array<std::uint32_t, 64>;
  constexpr std::uint32_t kJobs = 100'000;
  Handover<Job> handover(500, Job{});
  const PollingWorker worker(50us, [&] {
    Job* const job = handover.next_job();
    if (job == nullptr) return false;
    for (std::uint32_t& part : *job) part = 2 * part + 1;
    handover.finish();
    return true;
  });
  std::uint32_t sent = 0, received = 0;
  bool right = true;
  while (received < kJobs) {
    {
      const testing::RealtimeGuard guard;
      while (sent < kJobs) {
        Job* const job = handover.free_slot();
        if (job == nullptr) break;
        job->fill(sent++);
        handover.submit();
      }
      while (const Job* const job = handover.finished()) {
        for (const std::uint32_t part : *job) right = right && part == 2 * received + 1;
        ++received;
        handover.release();
      }
    }
    std::this_thread::yield();
  }
  EXPECT_TRUE(right);
  EXPECT_EQ(handover.finished(), nullptr);
}

TEST(PollingWorker, LooksAgainAfterItsPeriodAndEndsWithItsWork) {
  std::atomic<int> calls{0};
  std::atomic<bool> flushed{false};
  {
    const PollingWorker worker(1ms, [&] {
      flushed =
          FloatingPointMode::current() == FloatingPointMode::current().with_flushed_denormals();
      return ++calls < 1000;  // the first thousand without a pause
    });
    while (calls.load() < 1003) std::this_thread::sleep_for(1ms);
  }
  const int at_the_end = calls.load();
  std::this_thread::sleep_for(5ms);
  EXPECT_EQ(calls.load(), at_the_end);
  EXPECT_TRUE(flushed.load());
  EXPECT_THROW(PollingWorker(1ms, {}), Error);
  EXPECT_THROW(PollingWorker(0us, [] { return false; }), Error);
}

}  // namespace
}  // namespace metalaudio

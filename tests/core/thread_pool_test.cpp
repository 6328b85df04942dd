#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/realtime/denormals.h>
#include <metalaudio/core/thread_pool.h>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace metalaudio {
namespace {

class ThreadPoolOf : public ::testing::TestWithParam<std::size_t> {};

TEST_P(ThreadPoolOf, RunsEveryIndexOnceOnAThreadItHas) {
  ThreadPool pool(GetParam());
  for (const std::size_t count : {0, 1, 2, 7, 1000}) {
    std::vector<std::atomic<int>> runs(count);
    std::atomic<bool> named_well = true;
    pool.parallel_for(count, [&](std::size_t index, std::size_t thread) {
      ++runs[index];
      if (thread >= pool.threads()) named_well = false;
    });
    for (const auto& run : runs) EXPECT_EQ(run, 1);
    EXPECT_TRUE(named_well);
  }
}

TEST_P(ThreadPoolOf, GoesOnInAForkedChildAndInItsParent) {
  ThreadPool pool(GetParam());
  const auto sum_of = [&pool] {
    std::atomic<std::size_t> sum = 0;
    pool.parallel_for(100, [&](std::size_t index, std::size_t) { sum += index; });
    return sum.load();
  };
  ASSERT_EQ(sum_of(), 4950u);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::alarm(20);  // a child that waits for threads it does not have ends here
    bool right = sum_of() == 4950 && sum_of() == 4950;
    {
      ThreadPool second(GetParam());  // made and destroyed by the child
    }
    ::_exit(right ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_EQ(sum_of(), 4950u);
}

TEST_P(ThreadPoolOf, IsDestroyedInAForkedChildThatNeverUsedIt) {
  auto pool = std::make_unique<ThreadPool>(GetParam());
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::alarm(20);
    pool.reset();
    ::_exit(0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST_P(ThreadPoolOf, ScratchMemoryOfAThreadIsNeverShared) {
  ThreadPool pool(GetParam());
  std::vector<std::size_t> sums(pool.threads());  // plain, so that the thread sanitizer sees races
  constexpr std::size_t kCount = 2000;
  for (int repeat = 0; repeat < 20; ++repeat) {
    pool.parallel_for(kCount,
                      [&](std::size_t index, std::size_t thread) { sums[thread] += index; });
  }
  std::size_t total = 0;
  for (const std::size_t sum : sums) total += sum;
  EXPECT_EQ(total, 20 * kCount * (kCount - 1) / 2);
}

TEST_P(ThreadPoolOf, OneLoopSeesWhatTheLastOneWrote) {
  ThreadPool pool(GetParam());
  std::vector<int> from(300, 0), to(300, 0);
  for (int repeat = 0; repeat < 50; ++repeat) {
    pool.parallel_for(from.size(), [&](std::size_t index, std::size_t) {
      to[index] = from[from.size() - 1 - index] + 1;  // most likely another thread's
    });
    std::swap(from, to);
  }
  for (const int value : from) EXPECT_EQ(value, 50);
}

TEST_P(ThreadPoolOf, EveryThreadFlushesDenormalsWhereTheCallerDoes) {
  ThreadPool pool(GetParam());
  const auto all_in_the_callers_mode = [&] {
    const FloatingPointMode mode = FloatingPointMode::current();
    std::atomic<std::size_t> arrived = 0;
    std::atomic<bool> same = true;
    pool.parallel_for(pool.threads(), [&](std::size_t, std::size_t) {
      ++arrived;
      while (arrived < pool.threads()) std::this_thread::yield();  // so that each thread has one
      if (FloatingPointMode::current() != mode) same = false;
    });
    return same.load();
  };
  EXPECT_TRUE(all_in_the_callers_mode());
  {
    const FlushDenormals flush;
    EXPECT_TRUE(all_in_the_callers_mode());
  }
  EXPECT_TRUE(all_in_the_callers_mode());
}

TEST_P(ThreadPoolOf, MayRunLoopAfterLoopOfFewIndices) {
  ThreadPool pool(GetParam());
  std::size_t sum = 0;
  for (std::size_t repeat = 0; repeat < 20'000; ++repeat) {
    std::vector<std::size_t> parts(1 + repeat % 3);  // plain, so that the sanitizer sees races
    pool.parallel_for(parts.size(), [&](std::size_t index, std::size_t) { parts[index] = repeat; });
    for (const std::size_t part : parts) sum += part == repeat ? 1 : 0;
  }
  EXPECT_EQ(sum, 39'999u);
}

TEST_P(ThreadPoolOf, EachThreadBeginsInThePlaceOfTheLastLoop) {
  ThreadPool pool(GetParam());
  constexpr std::size_t kCount = 1000;
  constexpr int kLoops = 30;
  int in_place = 0;
  for (int repeat = 0; repeat < kLoops; ++repeat) {
    std::vector<std::size_t> firsts(pool.threads(), kCount);
    std::atomic<std::size_t> arrived = 0;
    pool.parallel_for(kCount, [&](std::size_t index, std::size_t thread) {
      if (firsts[thread] != kCount) return;
      firsts[thread] = index;
      ++arrived;
      while (arrived < pool.threads()) std::this_thread::yield();  // so that none helps before
    });
    bool all = true;
    for (std::size_t t = 0; t < pool.threads(); ++t)
      all = all && firsts[t] == t * kCount / pool.threads();
    in_place += all ? 1 : 0;
  }
  // A thread that still looks for work while the next loop is dealt out may find another's share
  // before its own: once in some hundred loops of more threads than cores.
  EXPECT_GE(in_place, kLoops * 2 / 3);
}

TEST_P(ThreadPoolOf, OthersTakeWhatAThreadDoesNotComeTo) {
  ThreadPool pool(GetParam());
  if (pool.threads() == 1) return;  // it has no others
  std::atomic<std::size_t> done = 0;
  pool.parallel_for(100, [&](std::size_t index, std::size_t) {
    while (index == 0 && done < 99) std::this_thread::yield();
    ++done;
  });
  EXPECT_EQ(done, 100u);
}

INSTANTIATE_TEST_SUITE_P(Threads, ThreadPoolOf, ::testing::Values(1, 2, 3, 8));

TEST(ThreadPool, OfOneRunsOnTheCaller) {
  ThreadPool pool(1);
  const auto caller = std::this_thread::get_id();
  pool.parallel_for(3, [&](std::size_t, std::size_t thread) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    EXPECT_EQ(thread, 0U);
  });
}

TEST(ThreadPool, OfNoneIsRejected) {
  try {
    const ThreadPool pool(0);
    ADD_FAILURE() << "a pool of 0 threads was made";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
  }
}

/// A pool that kept looking out for work would take whole cores from others.
TEST(ThreadPool, TakesNoTimeWhileThereIsNoWork) {
  ThreadPool pool(4);
  pool.parallel_for(100, [](std::size_t, std::size_t) {});
  const auto used = [] {
    timespec time{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  };
  const double before = used();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_LT(used() - before, 0.01);  // each looks out for 0.1 ms
}

TEST(ThreadPool, StopsThoughItNeverRan) { const ThreadPool pool(4); }

}  // namespace
}  // namespace metalaudio

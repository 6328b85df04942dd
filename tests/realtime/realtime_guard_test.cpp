#include "realtime_guard.h"

#include <fcntl.h>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <new>
#include <ostream>
#include <shared_mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace metalaudio::testing {
namespace {

using OnViolation = RealtimeGuard::OnViolation;
using namespace std::chrono_literals;

/// One thing that a real-time thread must not do, and the C function that it ends in.
struct Forbidden {
  const char* name;
  const char* function;
  void (*call)();
};

std::ostream& operator<<(std::ostream& out, const Forbidden& forbidden) {
  return out << forbidden.name;
}

// A sanitizer's hooks report most ways to allocate as malloc.
#if METALAUDIO_SANITIZED
#define METALAUDIO_ALLOCATOR(function) "malloc"
#else
#define METALAUDIO_ALLOCATOR(function) function
#endif

constexpr std::align_val_t kAligned{64};
volatile ssize_t moved = 0;
char byte = 0;
std::mutex mutex;
std::shared_mutex shared_mutex;
std::condition_variable condition;
int futex_word = 0;
sem_t semaphore;
int null_device = -1;

/// Hides a pointer's origin from the compiler, so that it keeps the allocation.
void* keep(void* data) {
  void* volatile kept = data;
  return kept;
}

const Forbidden kAllocations[] = {
    {"Malloc", "malloc", [] { std::free(keep(std::malloc(8))); }},
    {"Free", "free", [] { std::free(keep(std::malloc(8))); }},
    {"Realloc", METALAUDIO_ALLOCATOR("realloc"),
     [] { std::free(keep(std::realloc(keep(std::malloc(8)), 4096))); }},
    {"Calloc", METALAUDIO_ALLOCATOR("calloc"), [] { std::free(keep(std::calloc(1, 8))); }},
    {"AlignedAlloc", "aligned_alloc", [] { std::free(keep(std::aligned_alloc(64, 64))); }},
    {"PosixMemalign", "posix_memalign",
     [] {
       void* data = nullptr;
       if (posix_memalign(&data, 64, 64) == 0) std::free(keep(data));
     }},
    {"New", "malloc", [] { delete static_cast<double*>(keep(new double(1))); }},
    {"Delete", "free", [] { delete static_cast<double*>(keep(new double(1))); }},
    {"AlignedNew", METALAUDIO_ALLOCATOR("aligned_alloc"),
     [] { ::operator delete(keep(::operator new(64, kAligned)), kAligned); }},
    {"VectorGrowth", "malloc", [] { keep(std::vector<int>(100).data()); }},
    {"Exception", "malloc",
     [] {
       try {
         throw std::runtime_error("thrown");
       } catch (const std::runtime_error&) {
       }
     }},
};

const Forbidden kLocks[] = {
    {"Mutex", "pthread_mutex_lock", [] { const std::lock_guard lock(mutex); }},
    {"TryLock", "pthread_mutex_trylock",
     [] { const std::unique_lock lock(mutex, std::try_to_lock); }},
    {"SharedLock", "pthread_rwlock_rdlock", [] { const std::shared_lock lock(shared_mutex); }},
    {"ExclusiveLock", "pthread_rwlock_wrlock", [] { const std::lock_guard lock(shared_mutex); }},
    {"ConditionWait", "pthread_cond_wait",
     [] {
       std::atomic<bool> done = false;
       std::thread waker([&] {
         while (!done) condition.notify_all();
       });
       std::unique_lock lock(mutex);
       condition.wait(lock);
       done = true;
       waker.join();
     }},
    {"ConditionTimedWait", "pthread_cond_clockwait",
     [] {
       std::unique_lock lock(mutex);
       condition.wait_for(lock, 1us);
     }},
    {"ConditionNotify", "pthread_cond_broadcast", [] { condition.notify_all(); }},
    {"SemaphorePost", "sem_post", [] { sem_post(&semaphore); }},
    {"SemaphoreWait", "sem_wait", [] { sem_wait(&semaphore); }},
    {"AtomicWait", "syscall",
     [] { syscall(SYS_futex, &futex_word, FUTEX_WAIT_PRIVATE, 1, nullptr); }},
    {"ThreadCreation", "pthread_create", [] { std::thread([] {}).join(); }},
};

const Forbidden kBlockingCalls[] = {
    {"Sleep", "nanosleep", [] { std::this_thread::sleep_for(1us); }},
    {"Usleep", "usleep", [] { usleep(1); }},
    {"Yield", "sched_yield", [] { std::this_thread::yield(); }},
    {"Poll", "poll", [] { poll(nullptr, 0, 0); }},
    {"Write", "write", [] { moved = write(null_device, &byte, 1); }},
    {"Read", "read", [] { moved = read(null_device, &byte, 1); }},
    {"Open", "open", [] { close(open("/dev/null", O_RDONLY)); }},
    {"Close", "close", [] { close(dup(null_device)); }},
    {"Map", "mmap",
     [] { munmap(mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096); }},
    {"Unmap", "munmap",
     [] { munmap(mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096); }},
    {"Printf", "vfprintf", [] { std::printf("%d\n", null_device); }},
    {"Stream", "fwrite", [] { std::cout << "printed under the guard\n"; }},
    {"FileOpen", "fopen", [] { std::fclose(std::fopen("/dev/null", "r")); }},
};

class RealtimeGuardCatches : public ::testing::TestWithParam<Forbidden> {
 protected:
  static void SetUpTestSuite() {
    null_device = open("/dev/null", O_RDWR);
    sem_init(&semaphore, 0, 1);
  }
};

TEST_P(RealtimeGuardCatches, TheCall) {
  RealtimeGuard guard(OnViolation::count);
  GetParam().call();
  const RealtimeGuard::Suspend suspend;
  EXPECT_TRUE(guard.saw(GetParam().function)) << "saw: " << guard.names();
}

std::string name_of(const ::testing::TestParamInfo<Forbidden>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Allocation, RealtimeGuardCatches, ::testing::ValuesIn(kAllocations),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Lock, RealtimeGuardCatches, ::testing::ValuesIn(kLocks), name_of);
INSTANTIATE_TEST_SUITE_P(BlockingCall, RealtimeGuardCatches, ::testing::ValuesIn(kBlockingCalls),
                         name_of);

TEST(RealtimeGuard, LetsArithmeticAtomicsAndClocksPass) {
  std::array<float, 64> samples{};
  std::atomic<int> published{0};
  RealtimeGuard guard(OnViolation::count);
  for (float& sample : samples) sample = std::sin(sample + 1.0F);
  published.store(1, std::memory_order_release);
  const auto now = std::chrono::steady_clock::now();
  const RealtimeGuard::Suspend suspend;
  EXPECT_EQ(guard.violations(), 0U) << guard.names() << now.time_since_epoch().count();
}

TEST(RealtimeGuard, IgnoresOtherThreadsAndWhatIsOutsideTheScope) {
  std::atomic<bool> go = false, done = false;
  std::thread other([&] {
    while (!go) {
    }
    std::free(keep(std::malloc(8)));
    done = true;
  });
  {
    RealtimeGuard guard;
    go = true;
    while (!done) {
    }
  }
  other.join();
}

TEST(RealtimeGuard, NestsAndTheInnermostRecords) {
  RealtimeGuard outer(OnViolation::count);
  {
    RealtimeGuard inner(OnViolation::count);
    usleep(1);
    const RealtimeGuard::Suspend suspend;
    EXPECT_EQ(inner.violations(), 1U);
  }
  usleep(1);
  const RealtimeGuard::Suspend suspend;
  EXPECT_EQ(outer.violations(), 1U);
}

TEST(RealtimeGuard, FailsTheTestAndNamesTheFunctions) {
  EXPECT_NONFATAL_FAILURE(
      {
        RealtimeGuard guard;
        usleep(1);
        sched_yield();
      },
      "2 violations: usleep, sched_yield");
}

}  // namespace
}  // namespace metalaudio::testing

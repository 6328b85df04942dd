#include <gtest/gtest.h>
#include <metalaudio/core/buffer.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/realtime/resident_memory.h>
#include <sys/mman.h>

#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "tests/support/page_faults.h"

namespace metalaudio {
namespace {

/// In kB; locked memory is VmLck.
long of_process_status(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name + ":")) return std::stol(line.substr(name.size() + 1));
  }
  return -1;
}

constexpr std::size_t kBytes = std::size_t{8} << 20U;

struct Walk {
  Buffer memory{kBytes};
  std::size_t at = 0;
  void step() {
    memory.data()[at] = std::byte{1};
    at = (at + 4096) % kBytes;
  }
};

TEST(ResidentMemory, ABufferIsMappedWhenItIsMade) {
  testing::expect_no_page_faults([] { return std::make_unique<Walk>(); },
                                 [](Walk& walk) { walk.step(); });
}

TEST(ResidentMemory, ThePageFaultsOfUntouchedMemoryAreSeen) {
  void* const raw =
      mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(raw, MAP_FAILED);
  const long before = testing::page_faults();
  for (std::size_t at = 0; at < kBytes; at += 4096) static_cast<volatile char*>(raw)[at] = 1;
  EXPECT_GT(testing::page_faults() - before, 0);
  munmap(raw, kBytes);
}

/// Not inlined: its frame has to begin where touch_stack's did.
[[gnu::noinline]] void use_stack() {
  volatile char frame[std::size_t{96} << 10U];
  for (std::size_t at = 0; at < sizeof(frame); at += 1024) frame[at] = 1;
}

TEST(ResidentMemory, AStackIsMappedOnceItIsTouched) {
  long faults = -1;
  std::thread([&] {
    touch_stack(std::size_t{128} << 10U);
    const long before = testing::page_faults();
    use_stack();
    faults = testing::page_faults() - before;
  }).join();
  EXPECT_EQ(faults, 0);
}

TEST(ResidentMemory, IsLockedAndUnlockedOrSaysWhyNot) {
  try {
    lock_process_memory();
    EXPECT_GT(of_process_status("VmLck"), 0);
    unlock_process_memory();
    EXPECT_EQ(of_process_status("VmLck"), 0);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unsupported);
  }
}

}  // namespace
}  // namespace metalaudio

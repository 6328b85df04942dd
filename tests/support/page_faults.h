#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

extern char** environ;  // NOLINT: POSIX declares it nowhere

namespace metalaudio::testing {

/// Another process that fills 256 MB again and again while this lives. Spawned, not forked: a fork
/// would make every page of ours fault at its next write.
class MemoryHog {
 public:
  MemoryHog() {
    std::string command =
        "while :; do head -c 268435456 /dev/zero | tail -c 268435456 > /dev/null; done";
    std::string shell = "sh", option = "-c";
    char* const arguments[] = {shell.data(), option.data(), command.data(), nullptr};
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setpgroup(&attributes, 0);
    const int failed = posix_spawn(&process_, "/bin/sh", nullptr, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    if (failed != 0) throw std::runtime_error("no shell to fill memory with");
  }
  ~MemoryHog() {
    kill(-process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  MemoryHog(const MemoryHog&) = delete;
  MemoryHog& operator=(const MemoryHog&) = delete;

 private:
  pid_t process_ = 0;
};

/// Of the calling thread, minor and major.
inline long page_faults() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_minflt + usage.ru_majflt;
}

/// Makes a processor and runs 10,000 blocks of it or more while memory fills; no block may fault,
/// from the first on. A first processor has brought the code into memory. The kernel moves pages
/// about now and then, which counts as a fault of ours: of three runs one has to be without any.
template <typename Make, typename Process>
void expect_no_page_faults(Make&& make, Process&& process) {
  const auto warm = make();
  for (int block = 0; block < 200; ++block) process(*warm);
  using Clock = std::chrono::steady_clock;
  const MemoryHog hog;
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  std::vector<decltype(make())> kept;  // else one would be made in the pages of another
  long least = -1;
  for (int run = 0; run < 3 && least != 0; ++run) {
    const auto& fresh = kept.emplace_back(make());
    const long before = page_faults();
    const Clock::time_point end = Clock::now() + std::chrono::milliseconds(200);
    do {
      for (int block = 0; block < 10'000; ++block) process(*fresh);
    } while (Clock::now() < end);
    const long faults = page_faults() - before;
    least = least < 0 ? faults : std::min(least, faults);
  }
  EXPECT_EQ(least, 0);
}

}  // namespace metalaudio::testing

#include <gtest/gtest.h>
#include <metalaudio/core/memory_pressure_monitor.h>

#include "tests/support/test_folder.h"

namespace metalaudio {
namespace {

constexpr std::string_view kCalm =
    "some avg10=0.12 avg60=0.00 avg300=0.00 total=9\nfull avg10=0.00 avg60=0.00 avg300=0.00 "
    "total=0\n";

SystemFolders folders_of(const TestFolder& root) {
  SystemFolders folders;
  folders.proc = root / "proc";
  folders.sys = root / "sys";
  return folders;
}

TEST(MemoryPressureMonitor, SaysNothingWhereTheKernelSaysNothing) {
  const TestFolder root;
  EXPECT_EQ(MemoryPressureMonitor(folders_of(root)).poll(), PressureLevel::none);
}

TEST(MemoryPressureMonitor, ReadsTheStallsOfTheMachineAndOfItsGroup) {
  const TestFolder root;
  root.write("proc/self/cgroup", "0::/audio\n");
  root.write("proc/pressure/memory", kCalm);
  root.write("sys/fs/cgroup/audio/memory.pressure", kCalm);
  MemoryPressureMonitor pressure(folders_of(root));
  EXPECT_EQ(pressure.poll(), PressureLevel::none);
  root.write("proc/pressure/memory",
             "some avg10=10.00 avg60=0 avg300=0 total=1\nfull avg10=4.99 total=0\n");
  EXPECT_EQ(pressure.poll(), PressureLevel::warning);
  root.write("proc/pressure/memory", kCalm);
  root.write("sys/fs/cgroup/audio/memory.pressure",
             "some avg10=1.00 total=1\nfull avg10=5.00 total=1\n");
  EXPECT_EQ(pressure.poll(), PressureLevel::critical);
}

TEST(MemoryPressureMonitor, CountsWhatItsGroupMetSinceTheLastLook) {
  const TestFolder root;
  root.write("proc/self/cgroup", "1:name=systemd:/old\n0::/audio\n");
  root.write("sys/fs/cgroup/audio/memory.events", "low 0\nhigh 3\nmax 1\noom 0\noom_kill 0\n");
  MemoryPressureMonitor pressure(folders_of(root));
  EXPECT_EQ(pressure.poll(), PressureLevel::none);
  root.write("sys/fs/cgroup/audio/memory.events", "low 0\nhigh 4\nmax 1\noom 0\noom_kill 0\n");
  EXPECT_EQ(pressure.poll(), PressureLevel::warning);
  EXPECT_EQ(pressure.poll(), PressureLevel::none);
  root.write("sys/fs/cgroup/audio/memory.events", "low 0\nhigh 4\nmax 1\noom 1\noom_kill 0\n");
  EXPECT_EQ(pressure.poll(), PressureLevel::critical);
}

TEST(MemoryPressureMonitor, TellsItsListeners) {
  const TestFolder root;
  root.write("proc/pressure/memory", "some avg10=99.00 total=1\nfull avg10=50.00 total=1\n");
  MemoryPressureMonitor pressure(folders_of(root),
                                 {.warning_some_percent = 50, .critical_full_percent = 80});
  std::vector<PressureLevel> told;
  pressure.add_listener([&](PressureLevel level) { told.push_back(level); });
  pressure.poll();
  root.write("proc/pressure/memory", kCalm);
  pressure.poll();
  EXPECT_EQ(told, std::vector{PressureLevel::warning});
}

}  // namespace
}  // namespace metalaudio

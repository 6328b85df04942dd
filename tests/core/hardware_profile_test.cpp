#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/core/hardware_profile.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace metalaudio {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::size_t kMebibyte = 1024 * 1024;

/// A tree such as the kernel's /proc and /sys, filled by each test.
class HardwareProfileTest : public ::testing::Test {
 protected:
  HardwareProfileTest() : root_(::testing::TempDir()) {
    root_ /= "hardware_profile_" +
             std::string(::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(root_);
  }
  ~HardwareProfileTest() override { std::filesystem::remove_all(root_); }

  void write(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text << '\n';
  }
  HardwareProfile detect() const {
    return HardwareProfile::detect({.proc = root_ / "proc", .sys = root_ / "sys"});
  }
  void write_cores(int logical, int threads_per_core) const {
    write("sys/devices/system/cpu/online", "0-" + std::to_string(logical - 1));
    for (int cpu = 0; cpu < logical; ++cpu) {
      const int first = cpu / threads_per_core * threads_per_core;
      write("sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list",
            std::to_string(first) + "-" + std::to_string(first + threads_per_core - 1));
    }
  }
  void write_zone(int index, int millidegrees, int passive, int critical) const {
    const std::string zone = "sys/class/thermal/thermal_zone" + std::to_string(index) + "/";
    write(zone + "type", "x86_pkg_temp");
    write(zone + "temp", std::to_string(millidegrees));
    write(zone + "trip_point_0_type", "critical");
    write(zone + "trip_point_0_temp", std::to_string(critical));
    write(zone + "trip_point_1_type", "passive");
    write(zone + "trip_point_1_temp", std::to_string(passive));
  }

 private:
  std::filesystem::path root_;
};

TEST_F(HardwareProfileTest, OfThisMachineIsPlausible) {
  const HardwareProfile profile = HardwareProfile::detect();
  EXPECT_GE(profile.logical_cores, profile.physical_cores);
  EXPECT_GE(profile.logical_cores, profile.usable_cores);
  EXPECT_GE(profile.usable_cores, 1U);
  EXPECT_GT(profile.memory_bytes, 64 * kMebibyte);
  EXPECT_GE(profile.memory_bytes, profile.available_memory_bytes);
}

TEST_F(HardwareProfileTest, WithoutTheKernelsFilesHasDefaults) {
  const HardwareProfile profile = detect();
  EXPECT_EQ(profile.cpu_name, "CPU");
  EXPECT_GE(profile.usable_cores, 1U);
  EXPECT_EQ(profile.memory_bytes, 0U);
  EXPECT_FALSE(profile.memory_pressure);
  EXPECT_THAT(profile.thermal_zones, IsEmpty());
  EXPECT_EQ(profile.thermal_state(), ThermalState::nominal);
  EXPECT_EQ(profile.power_source, PowerSource::unknown);
  EXPECT_FALSE(profile.battery_percent);
  EXPECT_THAT(profile.frequency_governors, IsEmpty());
}

TEST_F(HardwareProfileTest, CountsCoresThreadsAndAffinity) {
  write_cores(8, 2);
  write("proc/cpuinfo", "processor\t: 0\nmodel name\t: Fine CPU @ 3 GHz");
  write("proc/self/status", "Name:\tx\nCpus_allowed:\tff\nCpus_allowed_list:\t0-2,5");
  const HardwareProfile profile = detect();
  EXPECT_EQ(profile.cpu_name, "Fine CPU @ 3 GHz");
  EXPECT_EQ(profile.logical_cores, 8U);
  EXPECT_EQ(profile.physical_cores, 4U);
  EXPECT_EQ(profile.usable_cores, 4U);
}

TEST_F(HardwareProfileTest, TheTightestControlGroupLimitsMemoryAndCores) {
  write_cores(8, 1);
  write("proc/meminfo", "MemTotal: 16777216 kB\nMemFree: 1 kB\nMemAvailable: 8388608 kB");
  write("proc/self/cgroup", "1:cpu:/old\n0::/pod/box");
  write("sys/fs/cgroup/pod/memory.max", std::to_string(1024 * kMebibyte));
  write("sys/fs/cgroup/pod/memory.current", std::to_string(600 * kMebibyte));
  write("sys/fs/cgroup/pod/memory.stat", "anon 5\nactive_file " + std::to_string(kMebibyte * 60) +
                                             "\ninactive_file " + std::to_string(kMebibyte * 40));
  write("sys/fs/cgroup/pod/box/memory.max", "max");
  write("sys/fs/cgroup/pod/cpu.max", "max 100000");
  write("sys/fs/cgroup/pod/box/cpu.max", "250000 100000");
  const HardwareProfile profile = detect();
  EXPECT_EQ(profile.memory_bytes, 1024 * kMebibyte);
  EXPECT_EQ(profile.available_memory_bytes, 524 * kMebibyte);  // 1024 - (600 - 100)
  EXPECT_EQ(profile.usable_cores, 3U);                         // 2.5, rounded up
}

TEST_F(HardwareProfileTest,
       ControlGroupsOfTheFirstVersionLimitTooAlsoWhereAContainerSeesItsRootAlone) {
  write_cores(8, 1);
  write("proc/meminfo", "MemTotal: 16777216 kB\nMemFree: 1 kB\nMemAvailable: 8388608 kB");
  write("proc/self/cgroup", "4:memory:/docker/abc\n2:cpu,cpuacct:/pod\n0::/");
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", std::to_string(512 * kMebibyte));
  write("sys/fs/cgroup/memory/memory.usage_in_bytes", std::to_string(300 * kMebibyte));
  write("sys/fs/cgroup/memory/memory.stat",
        "inactive_file 1\ntotal_inactive_file " + std::to_string(kMebibyte * 200));
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1");
  write("sys/fs/cgroup/cpu,cpuacct/pod/cpu.cfs_quota_us", "150000");
  write("sys/fs/cgroup/cpu,cpuacct/pod/cpu.cfs_period_us", "100000");
  const HardwareProfile profile = detect();
  EXPECT_TRUE(profile.memory_is_limited);
  EXPECT_EQ(profile.memory_bytes, 512 * kMebibyte);
  EXPECT_EQ(profile.available_memory_bytes, 412 * kMebibyte);  // 512 - (300 - 200)
  EXPECT_EQ(profile.usable_cores, 2U);                         // 1.5, rounded up
}

TEST_F(HardwareProfileTest, TheFirstVersionsLargestNumberIsNoLimit) {
  write("proc/meminfo", "MemTotal: 1024 kB\nMemAvailable: 512 kB");
  write("proc/self/cgroup", "4:memory:/");
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712");
  const HardwareProfile profile = detect();
  EXPECT_FALSE(profile.memory_is_limited);
  EXPECT_EQ(profile.memory_bytes, 1024U * 1024U);
}

TEST_F(HardwareProfileTest, AGroupThatIsOverItsLimitHasNothingAvailable) {
  write("proc/meminfo", "MemTotal: 1024 kB\nMemAvailable: 512 kB");
  write("proc/self/cgroup", "0::/");
  write("sys/fs/cgroup/memory.max", "1000");
  write("sys/fs/cgroup/memory.current", "2000");
  EXPECT_EQ(detect().available_memory_bytes, 0U);
}

TEST_F(HardwareProfileTest, ReadsMemoryPressure) {
  write("proc/pressure/memory",
        "some avg10=12.50 avg60=1.00 avg300=0 total=5\nfull avg10=0.25 avg60=0 avg300=0 total=1");
  const auto pressure = detect().memory_pressure;
  ASSERT_TRUE(pressure);
  EXPECT_EQ(pressure->some_percent, 12.5);
  EXPECT_EQ(pressure->full_percent, 0.25);
}

TEST_F(HardwareProfileTest, PressureThatMakesNoSenseIsNone) {
  write("proc/pressure/memory", "some avg10=lots\nfull");
  EXPECT_FALSE(detect().memory_pressure);
}

TEST_F(HardwareProfileTest, TheHottestZoneMakesTheThermalState) {
  write_zone(0, 40000, 90000, 105000);
  EXPECT_EQ(detect().thermal_state(), ThermalState::nominal);
  write_zone(1, 80000, 90000, 105000);
  EXPECT_EQ(detect().thermal_state(), ThermalState::fair);
  write_zone(1, 90000, 90000, 105000);
  EXPECT_EQ(detect().thermal_state(), ThermalState::serious);
  write_zone(1, 100000, 90000, 105000);
  EXPECT_EQ(detect().thermal_state(), ThermalState::critical);
  EXPECT_EQ(detect().thermal_zones.size(), 2U);
  EXPECT_EQ(detect().thermal_zones[1].celsius, 100.0);
}

TEST_F(HardwareProfileTest, AnUnpluggedLaptopRunsOnItsBattery) {
  write("sys/class/power_supply/AC/type", "Mains");
  write("sys/class/power_supply/AC/online", "0");
  write("sys/class/power_supply/BAT0/type", "Battery");
  write("sys/class/power_supply/BAT0/status", "Discharging");
  write("sys/class/power_supply/BAT0/capacity", "63");
  EXPECT_EQ(detect().power_source, PowerSource::battery);
  EXPECT_EQ(detect().battery_percent, 63);
  write("sys/class/power_supply/AC/online", "1");
  EXPECT_EQ(detect().power_source, PowerSource::mains);
}

TEST_F(HardwareProfileTest, TheBatteryOfAMouseIsNotTheMachines) {
  write("sys/class/power_supply/hid/type", "Battery");
  write("sys/class/power_supply/hid/scope", "Device");
  write("sys/class/power_supply/hid/status", "Discharging");
  write("sys/class/power_supply/hid/capacity", "5");
  EXPECT_EQ(detect().power_source, PowerSource::unknown);
  EXPECT_FALSE(detect().battery_percent);
}

TEST_F(HardwareProfileTest, NamesEachGovernorOnce) {
  write("sys/devices/system/cpu/cpufreq/policy0/scaling_governor", "schedutil");
  write("sys/devices/system/cpu/cpufreq/policy1/scaling_governor", "powersave");
  write("sys/devices/system/cpu/cpufreq/policy2/scaling_governor", "schedutil");
  EXPECT_THAT(detect().frequency_governors, ElementsAre("powersave", "schedutil"));
}

}  // namespace
}  // namespace metalaudio

#pragma once

#include <metalaudio/core/instruction_sets.h>

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace metalaudio {

/// How far the machine is from slowing itself down.
enum class ThermalState { nominal, fair, serious, critical };
enum class PowerSource { unknown, mains, battery };

struct ThermalZone {
  std::string name{};
  double celsius = 0.0;
  std::optional<double> passive_celsius{};   ///< where the kernel begins to slow the machine
  std::optional<double> critical_celsius{};  ///< where it switches it off
};

/// The share of the last ten seconds in which some, or all, work waited for memory.
struct MemoryPressure {
  double some_percent = 0.0;
  double full_percent = 0.0;
};

/// From a file such as /proc/pressure/memory; nothing where it says nothing.
std::optional<MemoryPressure> read_memory_pressure(const std::filesystem::path& file);

/// Where the kernel's files lie; tests give folders of their own.
struct SystemFolders {
  std::filesystem::path proc = "/proc";
  std::filesystem::path sys = "/sys";
};

/// What this machine can do, and the state it is in at the time of asking. What the kernel does not
/// say keeps its default.
/// Errors:   none; files that are missing or make no sense count as not there.
/// Threads:  a value; detect() reads some files and may be called from any thread, not in audio.
struct HardwareProfile {
  static HardwareProfile detect(const SystemFolders& folders = {});

  std::string cpu_name = "CPU";
  InstructionSets instructions;
  std::size_t physical_cores = 1;
  std::size_t logical_cores = 1;
  /// Logical cores that this process may use: its affinity, and the quota of its control groups.
  std::size_t usable_cores = 1;

  /// The machine's, or the limit of the process's control groups where that is less.
  std::size_t memory_bytes = 0;
  std::size_t available_memory_bytes = 0;
  /// Whether it is a control group that limits it.
  bool memory_is_limited = false;
  std::optional<MemoryPressure> memory_pressure;

  std::vector<ThermalZone> thermal_zones;
  PowerSource power_source = PowerSource::unknown;
  std::optional<int> battery_percent;
  /// Those in use, each once: "performance", "powersave", "schedutil".
  std::vector<std::string> frequency_governors;

  /// The hottest zone's: fair within 10 °C of its passive point, serious from there, critical
  /// within 5 °C of the critical point.
  ThermalState thermal_state() const noexcept;
};

}  // namespace metalaudio

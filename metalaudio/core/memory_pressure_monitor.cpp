#include <metalaudio/core/memory_pressure_monitor.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>

namespace metalaudio {

namespace {

/// The folder of this program's control group; only version 2 has a line that begins with "0::".
std::filesystem::path group_of(const SystemFolders& folders) {
  std::ifstream file(folders.proc / "self/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("0::/")) continue;
    const std::filesystem::path mount = folders.sys / "fs/cgroup";
    const std::filesystem::path group = mount / line.substr(4);
    // Inside a container the path is often that of the host, while the mount is the group itself.
    std::error_code hidden;
    return std::filesystem::exists(group, hidden) ? group : mount;
  }
  return {};
}

}  // namespace

std::string_view to_string(PressureLevel level) noexcept {
  switch (level) {
    case PressureLevel::none:
      return "none";
    case PressureLevel::warning:
      return "warning";
    case PressureLevel::critical:
      return "critical";
  }
  return "none";
}

MemoryPressureMonitor::MemoryPressureMonitor(SystemFolders folders, PressureThresholds thresholds)
    : folders_(std::move(folders)), group_(group_of(folders_)), thresholds_(thresholds) {
  if (!group_.empty()) seen_ = read_events(group_ / "memory.events");
}

PressureLevel MemoryPressureMonitor::poll() {
  PressureLevel level = level_of_stalls(folders_.proc / "pressure/memory");
  if (!group_.empty()) {
    level = std::max(level, level_of_stalls(group_ / "memory.pressure"));
    const Events now = read_events(group_ / "memory.events");
    if (now.most > seen_.most) level = PressureLevel::critical;
    if (now.high > seen_.high) level = std::max(level, PressureLevel::warning);
    seen_ = now;
  }
  if (level != PressureLevel::none) {
    for (const Listener& listener : listeners_) listener(level);
  }
  return level;
}

PressureLevel MemoryPressureMonitor::level_of_stalls(const std::filesystem::path& file) const {
  const std::optional<MemoryPressure> stalls = read_memory_pressure(file);
  if (!stalls) return PressureLevel::none;
  if (stalls->full_percent >= thresholds_.critical_full_percent) return PressureLevel::critical;
  return stalls->some_percent >= thresholds_.warning_some_percent ? PressureLevel::warning
                                                                  : PressureLevel::none;
}

MemoryPressureMonitor::Events MemoryPressureMonitor::read_events(
    const std::filesystem::path& file) {
  std::ifstream text(file);
  Events events;
  std::string name;
  std::uint64_t count = 0;
  while (text >> name >> count) {
    if (name == "high") events.high = count;
    if (name == "max" || name == "oom" || name == "oom_kill") events.most += count;
  }
  return events;
}

}  // namespace metalaudio

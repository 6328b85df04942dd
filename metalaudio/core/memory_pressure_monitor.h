#pragma once

#include <metalaudio/core/hardware_profile.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

namespace metalaudio {

enum class PressureLevel { none, warning, critical };

/// "warning".
std::string_view to_string(PressureLevel level) noexcept;

/// From when on memory is short. Shares are percentages of the last ten seconds in which tasks
/// waited for memory: some of them, or all at once.
struct PressureThresholds {
  double warning_some_percent = 10;
  double critical_full_percent = 5;
};

/// How short of memory the machine and this program's control group are, from Linux's pressure
/// stall information (/proc/pressure/memory, and memory.pressure of the group) and the group's
/// memory.events. A group that met its `high` limit since the last look is a warning, one that met
/// `max` or killed for memory is critical. Files that are missing say nothing.
/// Threads:  one caller at a time; listeners are called by poll().
class MemoryPressureMonitor {
 public:
  using Listener = std::function<void(PressureLevel)>;

  explicit MemoryPressureMonitor(SystemFolders folders = {}, PressureThresholds thresholds = {});

  /// Told by poll() whenever it sees a level above none.
  void add_listener(Listener listener) { listeners_.push_back(std::move(listener)); }

  /// Looks once.
  PressureLevel poll();

 private:
  struct Events {
    std::uint64_t high = 0;
    std::uint64_t most = 0;  ///< max, oom and oom_kill together
  };

  PressureLevel level_of_stalls(const std::filesystem::path& file) const;
  static Events read_events(const std::filesystem::path& file);

  SystemFolders folders_;
  std::filesystem::path group_;  ///< empty: none
  PressureThresholds thresholds_;
  Events seen_;
  std::vector<Listener> listeners_;
};

}  // namespace metalaudio

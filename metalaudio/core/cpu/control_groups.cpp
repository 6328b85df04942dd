#include <metalaudio/core/cpu/control_groups.h>
#include <metalaudio/core/cpu/system_files.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <string>

namespace metalaudio {

namespace {

template <typename Number>
void tighten(std::optional<Number>& limit, Number other) {
  limit = limit ? std::min(*limit, other) : other;
}

/// Where a controller's files lie and what they are called, in either version of control groups.
struct MemoryFiles {
  const char* most;
  const char* used;
  std::array<const char*, 2> cache;  ///< of memory.stat
};
constexpr MemoryFiles kMemoryFiles{
    "memory.max", "memory.current", {"inactive_file", "active_file"}};
constexpr MemoryFiles kFirstMemoryFiles{
    "memory.limit_in_bytes", "memory.usage_in_bytes", {"total_inactive_file", "total_active_file"}};
/// The first version says "none" by the largest number of pages.
constexpr std::int64_t kNoLimit = std::int64_t{1} << 60U;

/// Memory in use that the kernel could not drop: files that were read are still on the disk.
std::int64_t working_set_bytes(const std::filesystem::path& group, const MemoryFiles& files) {
  std::int64_t used = read_number(group / files.used).value_or(0);
  for (const char* const kind : files.cache) {
    const auto cache = read_value(group / "memory.stat", kind);
    used -= cache ? parse_number(*cache).value_or(0) : 0;
  }
  return std::max<std::int64_t>(used, 0);
}

void add_memory_limit(ControlGroupLimits& limits, const std::filesystem::path& group,
                      const MemoryFiles& files) {
  const auto most = read_number(group / files.most);  // "max" is no number: no limit
  if (!most || *most >= kNoLimit) return;
  tighten(limits.memory_bytes, *most);
  tighten(limits.available_memory_bytes,
          std::max<std::int64_t>(*most - working_set_bytes(group, files), 0));
}

void add_quota(ControlGroupLimits& limits, std::optional<std::int64_t> quota,
               std::optional<std::int64_t> period) {
  if (quota && period && *quota > 0 && *period > 0) {
    tighten(limits.cores, static_cast<double>(*quota) / static_cast<double>(*period));
  }
}

void add_core_limit(ControlGroupLimits& limits, const std::filesystem::path& group) {
  const auto line = read_line(group / "cpu.max");  // "200000 100000": microseconds of each period
  const std::size_t blank = line ? line->find(' ') : std::string::npos;
  if (blank != std::string::npos)
    add_quota(limits, parse_number(*line), parse_number(line->substr(blank + 1)));
}

void add_first_core_limit(ControlGroupLimits& limits, const std::filesystem::path& group) {
  add_quota(limits, read_number(group / "cpu.cfs_quota_us"),
            read_number(group / "cpu.cfs_period_us"));
}

/// Calls look(folder) for a group and all above it. One that is not there, as a container does not
/// see its own name, counts by its root.
template <typename Look>
void for_all_groups(const std::filesystem::path& root, const std::string& name, Look look) {
  std::filesystem::path group = std::filesystem::path(name).relative_path().lexically_normal();
  for (;; group = group.parent_path()) {
    look(root / group);
    if (group.empty() || group == ".") break;
  }
}

}  // namespace

ControlGroupLimits read_control_groups(const SystemFolders& folders) {
  ControlGroupLimits limits;
  const std::filesystem::path root = folders.sys / "fs/cgroup";
  std::ifstream groups(folders.proc / "self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    // "0::/name" of version 2, "4:memory:/name" or "2:cpu,cpuacct:/name" of version 1.
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string name = line.substr(second + 1);
    if (controllers.empty()) {
      for_all_groups(root, name, [&](const std::filesystem::path& group) {
        add_memory_limit(limits, group, kMemoryFiles);
        add_core_limit(limits, group);
      });
    } else if (controllers == "memory") {
      for_all_groups(root / controllers, name, [&](const std::filesystem::path& group) {
        add_memory_limit(limits, group, kFirstMemoryFiles);
      });
    } else if ((',' + controllers + ',').find(",cpu,") != std::string::npos) {
      for_all_groups(root / controllers, name, [&](const std::filesystem::path& group) {
        add_first_core_limit(limits, group);
      });
    }
  }
  return limits;
}

}  // namespace metalaudio

#include <metalaudio/core/cpu/control_groups.h>
#include <metalaudio/core/cpu/system_files.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace metalaudio {

namespace {

template <typename Number>
void tighten(std::optional<Number>& limit, Number other) {
  limit = limit ? std::min(*limit, other) : other;
}

/// Memory in use that the kernel could not drop at once.
std::int64_t working_set_bytes(const std::filesystem::path& group) {
  const std::int64_t used = read_number(group / "memory.current").value_or(0);
  const auto cache = read_value(group / "memory.stat", "inactive_file");
  return std::max<std::int64_t>(used - (cache ? parse_number(*cache).value_or(0) : 0), 0);
}

void add_memory_limit(ControlGroupLimits& limits, const std::filesystem::path& group) {
  const auto most = read_number(group / "memory.max");  // "max" is no number: no limit
  if (!most) return;
  tighten(limits.memory_bytes, *most);
  tighten(limits.available_memory_bytes,
          std::max<std::int64_t>(*most - working_set_bytes(group), 0));
}

void add_core_limit(ControlGroupLimits& limits, const std::filesystem::path& group) {
  const auto line = read_line(group / "cpu.max");  // "200000 100000": microseconds of each period
  if (!line) return;
  const auto quota = parse_number(*line);
  const std::size_t blank = line->find(' ');
  if (!quota || blank == std::string::npos) return;
  const auto period = parse_number(line->substr(blank + 1));
  if (period && *period > 0) {
    tighten(limits.cores, static_cast<double>(*quota) / static_cast<double>(*period));
  }
}

}  // namespace

ControlGroupLimits read_control_groups(const SystemFolders& folders) {
  ControlGroupLimits limits;
  std::ifstream groups(folders.proc / "self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    if (!line.starts_with("0::/")) continue;  // the one line of version 2
    const std::filesystem::path root = folders.sys / "fs/cgroup";
    std::filesystem::path group = std::filesystem::path(line.substr(4)).lexically_normal();
    for (;; group = group.parent_path()) {
      add_memory_limit(limits, root / group);
      add_core_limit(limits, root / group);
      if (group.empty() || group == ".") break;
    }
  }
  return limits;
}

}  // namespace metalaudio

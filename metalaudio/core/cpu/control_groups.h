#pragma once

#include <metalaudio/core/hardware_profile.h>

#include <cstdint>
#include <optional>

namespace metalaudio {

/// What the control groups (of either version) above this process let it have; a container's limits.
struct ControlGroupLimits {
  std::optional<std::int64_t> memory_bytes;
  std::optional<std::int64_t> available_memory_bytes;
  std::optional<double> cores;
};

/// The tightest of each limit, from the process's own group up to the root.
ControlGroupLimits read_control_groups(const SystemFolders& folders);

}  // namespace metalaudio

#pragma once

#include <metalaudio/core/device_type.h>

#include <cstddef>
#include <string>

namespace metalaudio {

/// What a device is. A value.
struct DeviceProperties {
  DeviceType type = DeviceType::cpu;
  int index = 0;                 ///< among the devices of its type
  std::string name;              ///< for a person, as the maker calls it
  std::size_t memory_bytes = 0;  ///< in all; 0 where it is not known
  bool host_memory = true;       ///< whether its handles are addresses that the CPU can use
  std::string architecture{};    ///< a GPU's compute capability: "9.0"
  int compute_units = 0;         ///< a GPU's multiprocessors
  int clock_mhz = 0;             ///< the most that a GPU's run at; 0 where it is not known
};

}  // namespace metalaudio

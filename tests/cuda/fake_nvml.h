#pragma once

namespace metalaudio {

/// What the library of this folder, which has NVML's name, says of its one GPU.
struct FakeNvml {
  unsigned long long reasons = 0;  ///< why its clocks are low
  unsigned celsius = 40;
  bool silent = false;  ///< every question fails
};
FakeNvml& fake_nvml();

}  // namespace metalaudio

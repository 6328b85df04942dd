#pragma once

#include <hwy/targets.h>

#include <cstdint>

namespace metalaudio {

/// Runs body(name) once for every compiled instruction set that this machine has.
template <typename Body>
void for_each_target(Body&& body) {
  for (const std::int64_t target : {HWY_SSSE3, HWY_AVX2, HWY_AVX3}) {
    if ((hwy::SupportedTargets() & target) == 0) continue;
    hwy::SetSupportedTargetsForTest(target);
    body(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(0);
  }
}

}  // namespace metalaudio

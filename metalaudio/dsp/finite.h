#pragma once

#include <metalaudio/core/realtime/marker.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <span>

namespace metalaudio::dsp {

/// Copies samples with silence in place of infinities and NaNs; whether all were finite.
/// Realtime: yes.
METALAUDIO_REALTIME inline bool copy_finite(std::span<const float> from, float* to) noexcept {
  std::uint32_t bad = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    to[i] = from[i];
    // All bits of the exponent are set in infinities and NaNs alone.
    bad |= (std::bit_cast<std::uint32_t>(from[i]) & 0x7F800000U) == 0x7F800000U ? 1U : 0U;
  }
  if (bad == 0) return true;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (!std::isfinite(to[i])) to[i] = 0.0F;
  }
  return false;
}

}  // namespace metalaudio::dsp

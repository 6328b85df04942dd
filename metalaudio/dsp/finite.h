#pragma once

#include <metalaudio/core/realtime/marker.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <span>

namespace metalaudio::dsp {

/// Beyond this no sample is audio. It leaves room for every gain that a design offers between it
/// and the largest float.
inline constexpr float kLargestSample = 1e30F;

/// Copies samples with silence in place of infinities, NaNs and what is beyond ±kLargestSample;
/// whether there were none.
/// Realtime: yes.
METALAUDIO_REALTIME inline bool copy_finite(std::span<const float> from, float* to) noexcept {
  // As integers, magnitudes compare like floats, and NaN is the largest of all.
  constexpr auto kLimit = std::bit_cast<std::uint32_t>(kLargestSample);
  std::uint32_t bad = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    to[i] = from[i];
    bad |= (std::bit_cast<std::uint32_t>(from[i]) & 0x7FFFFFFFU) > kLimit ? 1U : 0U;
  }
  if (bad == 0) return true;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (!(std::abs(to[i]) <= kLargestSample)) to[i] = 0.0F;
  }
  return false;
}

}  // namespace metalaudio::dsp

#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace metalaudio::separation {

/// What is done to stems that would clip, as upstream's --clip-mode.
enum class ClipMode { rescale, clamp, none };

/// 1 / max(1.01·peak, 1), upstream's prevent_clip.
float rescale_gain(float peak) noexcept;

/// Under clamp: within ±0.99, as upstream has it.
void clamp_samples(std::span<float> samples) noexcept;

/// The gain of each output, from the peaks of their absolute values: under rescale
/// rescale_gain, the least of them for all when `common`; otherwise 1.
std::vector<float> output_gains(const std::vector<float>& peaks, ClipMode mode, bool common);

}  // namespace metalaudio::separation

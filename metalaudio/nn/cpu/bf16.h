#pragma once

#include <metalaudio/nn/cpu/gemm.h>

#include <cstddef>
#include <span>

namespace metalaudio::nn::cpu {

/// to[i] = from[i] rounded to the nearest bfloat16, ties to even, kept as float32; in place where
/// both are the same.
void round_to_bf16(std::span<const float> from, std::span<float> to) noexcept;

/// Copies the rows that a tap reads to `to`[rows][depth], rounded, and returns the tap that reads
/// them there.
GemmTap round_tap(const GemmTap& tap, std::size_t depth, std::size_t rows, float* to) noexcept;

}  // namespace metalaudio::nn::cpu

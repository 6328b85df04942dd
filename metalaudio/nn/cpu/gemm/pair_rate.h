#pragma once

namespace metalaudio::nn::cpu {

/// Whether a processor multiplies bfloat16 in vectors faster than float32. One instruction does two
/// multiply-adds for each one of float32: in the same time (Zen 4 and 5, Cooper Lake) or in four times
/// as much (Sapphire Rapids, whose tiles are for it), and conversions come on top.
/// `rate`: multiply-adds of bfloat16 in the time of one of float32; 0: there are none.
constexpr bool pairs_pay(double rate) noexcept { return rate > 1.5; }

/// This rate, measured in a fifth of a millisecond.
/// Threads:  any; offline.
double measure_pair_rate() noexcept;

}  // namespace metalaudio::nn::cpu

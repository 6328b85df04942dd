#pragma once

#include <string_view>

namespace metalaudio::nn {

/// What products multiply; sums are float32 in every one. On the CPU, fp32 may multiply in the tiles
/// of AMX, where three bfloat16 are all of a factor. bf16 rounds both factors to bfloat16 where the
/// processor multiplies these faster, which is in AMX and some AVX512-BF16, and is fp32 elsewhere; a
/// waveform's first layers are those of automatic, and recurrent layers stay float32. Automatic keeps
/// 60 dB to fp32: with AMX it takes both factors as sums of two bfloat16 and three of their four
/// products, 16 bits of each factor and 100 dB in HTDemucs, and infinities may become NaN; elsewhere
/// it is fp32. On CUDA, tf32 rounds both factors to 11 bits; fp16 and bf16 also keep the values
/// between operations in 16 bits, and automatic is fp16.
enum class Precision { fp32, tf32, fp16, bf16, automatic };

/// "fp32".
constexpr std::string_view to_string(Precision precision) noexcept {
  switch (precision) {
    case Precision::fp32:
      return "fp32";
    case Precision::tf32:
      return "tf32";
    case Precision::fp16:
      return "fp16";
    case Precision::bf16:
      return "bf16";
    case Precision::automatic:
      break;
  }
  return "auto";
}

}  // namespace metalaudio::nn

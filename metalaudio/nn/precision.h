#pragma once

namespace metalaudio::nn {

/// What products multiply. bf16 rounds both factors to bfloat16 and adds in float32; automatic is
/// bf16 where the CPU multiplies it natively, else fp32. Everything else stays float32.
enum class Precision { fp32, bf16, automatic };

}  // namespace metalaudio::nn

#pragma once

namespace metalaudio::nn {

/// What products multiply. bf16 rounds both factors to bfloat16 and adds in float32; automatic is
/// fp32 until a kernel multiplies bf16 natively. Everything else stays float32.
enum class Precision { fp32, bf16, automatic };

}  // namespace metalaudio::nn

#pragma once

namespace metalaudio::nn {

/// What products multiply. bf16 rounds both factors to bfloat16 and adds in float32, natively where
/// the processor has AMX; recurrent layers stay float32. automatic is fp32, the only one that keeps
/// 60 dB to it. Everything else stays float32.
enum class Precision { fp32, bf16, automatic };

}  // namespace metalaudio::nn

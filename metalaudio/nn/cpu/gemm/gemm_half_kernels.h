#pragma once

#include <cstddef>
#include <cstdint>

namespace metalaudio::nn::cpu {

/// What f16 or otherwise bf16 are as floats.
void floats_of_halves(const std::uint16_t* from, std::size_t count, bool f16, float* to);

}  // namespace metalaudio::nn::cpu

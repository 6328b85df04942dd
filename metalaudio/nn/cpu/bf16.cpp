#include <metalaudio/nn/cpu/bf16.h>

#include <bit>
#include <cstdint>

namespace metalaudio::nn::cpu {

void round_to_bf16(std::span<const float> from, std::span<float> to) noexcept {
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto bits = std::bit_cast<std::uint32_t>(from[i]);
    to[i] = std::bit_cast<float>((bits + 0x7FFFU + ((bits >> 16U) & 1U)) & 0xFFFF0000U);
  }
}

GemmTap round_tap(const GemmTap& tap, std::size_t depth, std::size_t rows, float* to) noexcept {
  for (std::size_t r = 0; r < rows; ++r) {
    const auto row = static_cast<std::ptrdiff_t>(r);
    if (row < tap.first || row >= tap.last) continue;
    round_to_bf16({tap.base + row * tap.row_stride, depth}, {to + r * depth, depth});
  }
  GemmTap rounded = tap;
  rounded.base = to;
  rounded.row_stride = static_cast<std::ptrdiff_t>(depth);
  return rounded;
}

}  // namespace metalaudio::nn::cpu

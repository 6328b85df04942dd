#include <metalaudio/nn/cpu/gemm/pair_conversion.h>
#include <metalaudio/nn/cpu/steps/half_windows.h>

#include <cstring>

namespace metalaudio::nn::cpu {

void stage(const PositionsRow& row, std::ptrdiff_t begin, std::ptrdiff_t count,
           BFloat16* to) noexcept {
  const std::ptrdiff_t first = std::clamp<std::ptrdiff_t>(-begin, 0, count);
  const std::ptrdiff_t end = std::clamp<std::ptrdiff_t>(row.positions - begin, first, count);
  const auto bytes = [&](std::ptrdiff_t positions) {
    return static_cast<std::size_t>(positions * row.channels) * sizeof(BFloat16);
  };
  std::memset(static_cast<void*>(to), 0, bytes(first));
  std::memset(static_cast<void*>(to + end * row.channels), 0, bytes(count - end));
  if (end == first) return;
  BFloat16* const inside = to + first * row.channels;
  const Numbers from = row.numbers + (begin + first) * row.channels;
  const auto size = static_cast<std::size_t>((end - first) * row.channels);
  if (from.halves) {
    std::memcpy(static_cast<void*>(inside), from.at, size * sizeof(BFloat16));
  } else {
    convert_to_parts(1, from.as<const float>(), size, inside, 0);
  }
}

Windows::Inside Windows::inside(std::ptrdiff_t positions, std::ptrdiff_t before,
                                std::ptrdiff_t outputs) const {
  const std::ptrdiff_t last = positions + before - (kernel_ - 1) * dilation_ - 1 - more();
  Inside inside;
  inside.first = std::min(outputs, (before + stride_ - 1) / stride_);
  inside.end = std::clamp(last < 0 ? 0 : last / stride_ + 1, inside.first, outputs);
  return inside;
}

PairOperand* Windows::append(const BFloat16* first, std::size_t depth,
                             PairOperand* to) const noexcept {
  const std::size_t blocks = run_depth() / kPairTileDepth;
  for (std::size_t run = 0; run < runs(); ++run) {
    *to++ = {first + static_cast<std::ptrdiff_t>(run) * dilation_ * channels_,
             static_cast<std::size_t>(stride_ * channels_), blocks,
             (depth + run * run_depth()) / kPairTileDepth};
  }
  return to;
}

PairOperand* Windows::append_staged(const PositionsRow& row, std::ptrdiff_t begin, std::size_t rows,
                                    std::size_t depth, BFloat16*& room,
                                    PairOperand* to) const noexcept {
  const std::ptrdiff_t count = positions(rows);
  stage(row, begin, count, room);
  std::memset(static_cast<void*>(room + count * channels_), 0, kPairTileDepth * sizeof(BFloat16));
  to = append(room, depth, to);
  room += numbers(rows);
  return to;
}

}  // namespace metalaudio::nn::cpu

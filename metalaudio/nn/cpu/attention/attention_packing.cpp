#include <metalaudio/nn/cpu/attention/attention_packing.h>
#include <metalaudio/nn/cpu/gemm/pair_conversion.h>

#include <algorithm>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#define METALAUDIO_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#endif

namespace metalaudio::nn::cpu {

namespace {

constexpr std::size_t kTile = kPairTileColumns;
constexpr std::size_t kTileDepth = kPairTileDepth;
constexpr std::size_t kTileElements = kPairTileElements;

}  // namespace

AttentionTiles::AttentionTiles(std::size_t parts, const HeadSize& size)
    : parts_(parts), size_(size), part_depth_(round_up(size.depth, 2)), row_depth_(0) {
  for (std::size_t run = 1; run <= parts; ++run) {
    row_depth_ =
        std::max(row_depth_, (parts - run) * part_depth_ + round_up(run * part_depth_, kTileDepth));
  }
  const std::size_t keys = round_up(size.keys, kTileDepth);
  key_elements_ = keys * row_depth_;
  value_elements_ = keys * round_up(size.width, kTile) * parts;
}

#if defined(METALAUDIO_AVX512)

namespace {

METALAUDIO_AVX512 inline __mmask16 first_lanes(std::size_t count) noexcept {
  return static_cast<__mmask16>(count >= 16 ? 0xFFFFU : (1U << count) - 1U);
}

/// 16 dwords, to the same place of 16 lines.
METALAUDIO_AVX512 inline void to_lines(BFloat16* to, __mmask16 mask, __m512i dwords) noexcept {
  const __m512i lines =
      _mm512_slli_epi32(_mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0), 4);
  _mm512_mask_i32scatter_epi32(reinterpret_cast<int*>(to), mask, lines, dwords, 4);
}

/// Up to 32 values of up to 16 channels, a row for each channel: one tile for each part.
METALAUDIO_AVX512 bool pack_values(Rows values, std::size_t count, std::size_t channels,
                                   std::size_t parts, BFloat16* to) noexcept {
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24,
                                         8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  bool infinite = false;
  for (std::size_t key = 0; key < kTileDepth; key += 2) {
    alignas(64) BFloat16 pairs[3 * kTileDepth] = {};
    for (std::size_t k = key; k < std::min(key + 2, count); ++k) {
      infinite |=
          convert_to_parts(parts, values.base + static_cast<std::ptrdiff_t>(k) * values.stride,
                           channels, pairs + (k - key) * kTile, kTileDepth);
    }
    for (std::size_t part = 0; part < parts; ++part) {
      to_lines(to + part * kTileElements + key, __mmask16{0xFFFF},
               _mm512_permutexvar_epi16(order, _mm512_load_si512(pairs + part * kTileDepth)));
    }
  }
  return infinite;
}

}  // namespace

METALAUDIO_AVX512 void pack_query(const float* query, const HeadSize& size, std::size_t parts,
                                  std::size_t part_depth, BFloat16* to) noexcept {
  constexpr float kLog2OfE = 1.44269504F;
  for (std::size_t d = 0; d < size.depth; d += kTileDepth) {
    alignas(64) BFloat16 line[3 * kTileDepth] = {};
    float scaled[kTileDepth];
    const std::size_t rest = std::min(kTileDepth, size.depth - d);
    for (std::size_t i = 0; i < rest; ++i) scaled[i] = query[d + i] * (size.scale * kLog2OfE);
    convert_to_parts(parts, scaled, rest, line, kTileDepth);
    for (std::size_t part = 0; part < parts; ++part) {
      to_lines(to + ((parts - 1 - part) * part_depth + d) * kTile, first_lanes((rest + 1) / 2),
               _mm512_load_si512(line + part * kTileDepth));
    }
  }
}

bool AttentionTiles::pack(Rows keys, Rows values, std::size_t block, std::byte* to) const noexcept {
  auto* key_tiles = reinterpret_cast<BFloat16*>(to);
  BFloat16* value_tiles = key_tiles + key_elements_;
  const std::size_t first = block * kPackedKeys;
  const std::size_t end = std::min(first + kPackedKeys, size_.keys);
  const std::size_t channels = round_up(size_.width, kTile) / kTile;
  bool infinite = false;
  for (std::size_t key = first; key < end; key += kTileDepth) {
    const std::size_t count = std::min(kTileDepth, end - key);
    const auto row = static_cast<std::ptrdiff_t>(key);
    BFloat16* rows = key_tiles + key * row_depth_;
    std::memset(static_cast<void*>(rows), 0, kTileDepth * row_depth_ * sizeof(BFloat16));
    for (std::size_t k = 0; k < count; ++k) {
      infinite |=
          convert_to_parts(parts_, keys.base + (row + static_cast<std::ptrdiff_t>(k)) * keys.stride,
                           size_.depth, rows + k * row_depth_, part_depth_);
    }
    for (std::size_t c = 0; c < channels; ++c) {
      infinite |=
          pack_values({values.base + row * values.stride + c * kTile, values.stride}, count,
                      std::min(kTile, size_.width - c * kTile), parts_,
                      value_tiles + (key / kTileDepth * channels + c) * parts_ * kTileElements);
    }
  }
  return infinite;
}

#else

void pack_query(const float*, const HeadSize&, std::size_t, std::size_t, BFloat16*) noexcept {}
bool AttentionTiles::pack(Rows, Rows, std::size_t, std::byte*) const noexcept { return false; }

#endif

}  // namespace metalaudio::nn::cpu

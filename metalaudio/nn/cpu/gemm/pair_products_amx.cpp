#include <metalaudio/nn/cpu/gemm/amx.h>
#include <metalaudio/nn/cpu/gemm/pair_products.h>

#if defined(__x86_64__) && defined(__linux__)
#include <immintrin.h>
#define METALAUDIO_AMX __attribute__((target("amx-tile,amx-bf16")))
#endif

namespace metalaudio::nn::cpu {

namespace {

constexpr std::size_t kTileRows = 16;

#if defined(METALAUDIO_AMX)

/// The sums of the upper rows begin at biases, or at zero without any; below, those of the lower rows.
METALAUDIO_AMX inline void begin_upper(const float* bias) noexcept {
  if (bias == nullptr) {
    _tile_zero(0);
    _tile_zero(1);
  } else {
    _tile_loadd(0, bias, 0);
    _tile_loadd(1, bias + kPairTileColumns, 0);
  }
}
METALAUDIO_AMX inline void begin_lower(const float* bias) noexcept {
  if (bias == nullptr) {
    _tile_zero(2);
    _tile_zero(3);
  } else {
    _tile_loadd(2, bias, 0);
    _tile_loadd(3, bias + kPairTileColumns, 0);
  }
}

/// Tiles of 32 rows and of 32 columns, or of 16 where kNarrow, parts of them, and the tiles of their
/// sums.
template <bool kNarrow>
class Tiles {
 public:
  METALAUDIO_AMX explicit Tiles(const float* bias) noexcept {
    begin_upper(bias);
    begin_lower(bias);
  }
  METALAUDIO_AMX void rows(const BFloat16* low, const BFloat16* high, long stride) const noexcept {
    _tile_loadd(4, low, stride);
    _tile_loadd(5, high, stride);
  }
  METALAUDIO_AMX void columns(const BFloat16* b) const noexcept {
    _tile_loadd(6, b, 64);
    if constexpr (!kNarrow) _tile_loadd(7, b + kPairTileElements, 64);
  }
  METALAUDIO_AMX void add() const noexcept {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(2, 5, 6);
    if constexpr (kNarrow) return;
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(3, 5, 7);
  }
  /// rows, columns and add, each tile loaded just before it is multiplied with: loads that follow one
  /// another leave the multiplier waiting.
  METALAUDIO_AMX void add(const BFloat16* low, const BFloat16* high, long stride,
                          const BFloat16* b) const noexcept {
    _tile_loadd(6, b, 64);
    _tile_loadd(4, low, stride);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(5, high, stride);
    _tile_dpbf16ps(2, 5, 6);
    if constexpr (kNarrow) return;
    _tile_loadd(7, b + kPairTileElements, 64);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(3, 5, 7);
  }
  METALAUDIO_AMX void store(float* to, std::ptrdiff_t row_stride) const noexcept {
    const auto stride = static_cast<long>(row_stride * static_cast<std::ptrdiff_t>(sizeof(float)));
    _tile_stored(0, to, stride);
    _tile_stored(2, to + 16 * row_stride, stride);
    if constexpr (kNarrow) return;
    _tile_stored(1, to + kPairTileColumns, stride);
    _tile_stored(3, to + 16 * row_stride + kPairTileColumns, stride);
  }
};

/// Calls body(low rows, high rows, their stride in bytes, columns) for every block of depths.
template <std::size_t kParts, bool kAhead = true, typename Body>
METALAUDIO_AMX inline void for_blocks(const PairBlock& product, Body&& body) noexcept {
  const std::byte* ahead = product.ahead.from;
  for (const PairOperand& operand : product.operands) {
    const auto stride = static_cast<long>(operand.stride * sizeof(BFloat16));
    const BFloat16* low = operand.base + product.row * operand.stride;
    const BFloat16* high = low + kTileRows * operand.stride;
    const BFloat16* b = product.panel + operand.first_block * 2 * kParts * kPairTileElements;
    for (std::size_t block = 0; block < operand.blocks; ++block) {
      if constexpr (kAhead) {
        for (const std::byte* end = ahead + product.ahead.bytes; ahead != end; ahead += 64) {
          _mm_prefetch(reinterpret_cast<const char*>(ahead), _MM_HINT_T1);
        }
      }
      body(low, high, stride, b);
      low += kPairTileDepth;
      high += kPairTileDepth;
      b += 2 * kParts * kPairTileElements;
    }
  }
}

/// Products of parts, the small ones before the large ones, which a sum of small ones meets only
/// once: so a sum rounds as often as one of large products alone.
template <std::size_t kParts, bool kNarrow>
METALAUDIO_AMX void multiply_tiles(const PairBlock& product) noexcept {
  constexpr std::size_t kPart = 2 * kPairTileElements;
  const std::size_t small = product.small;
  const Tiles<kNarrow> tiles(product.bias);
  if constexpr (kParts == 3) {
    for_blocks<kParts>(product, [&](const BFloat16* low, const BFloat16* high, long stride,
                                    const BFloat16* b) METALAUDIO_AMX {
      tiles.rows(low, high, stride);
      tiles.columns(b + 2 * kPart);
      tiles.add();
      tiles.columns(b + kPart);
      tiles.add();
      tiles.rows(low + small, high + small, stride);
      tiles.add();
      tiles.columns(b);
      tiles.add();
      tiles.rows(low + 2 * small, high + 2 * small, stride);
      tiles.add();
    });
  }
  for_blocks<kParts, kParts != 3>(product, [&](const BFloat16* low, const BFloat16* high,
                                               long stride, const BFloat16* b) METALAUDIO_AMX {
    if constexpr (kParts == 2) {
      tiles.add(low + small, high + small, stride, b);
      tiles.rows(low, high, stride);
      tiles.add();
      tiles.columns(b + kPart);
      tiles.add();
    } else {
      tiles.add(low, high, stride, b);
    }
  });
  tiles.store(product.to, product.to_stride);
}

METALAUDIO_AMX inline void store_rest(PairRest& rest) noexcept {
  if (rest.to == nullptr) return;
  const auto stride = static_cast<long>(rest.stride * static_cast<std::ptrdiff_t>(sizeof(float)));
  _tile_stored(2, rest.to, stride);
  _tile_stored(3, rest.to + kPairTileColumns, stride);
  rest.to = nullptr;
}

/// A product of one part whose lower rows stay behind. Rows that would push the panel out of the
/// first cache are read past it.
template <bool kStream>
METALAUDIO_AMX void multiply_leaving(const PairBlock& product) noexcept {
  begin_upper(product.bias);
  bool begins = true;
  for_blocks<1>(product, [&](const BFloat16* low, const BFloat16* high, long stride,
                             const BFloat16* b) METALAUDIO_AMX {
    if constexpr (kStream) {
      _tile_stream_loadd(4, low, stride);
    } else {
      _tile_loadd(4, low, stride);
    }
    _tile_loadd(6, b, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, b + kPairTileElements, 64);
    _tile_dpbf16ps(1, 4, 7);
    if (begins) {
      store_rest(*product.rest);
      begin_lower(product.bias);
      begins = false;
    }
    if constexpr (kStream) {
      _tile_stream_loadd(5, high, stride);
    } else {
      _tile_loadd(5, high, stride);
    }
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  });
  const auto stride =
      static_cast<long>(product.to_stride * static_cast<std::ptrdiff_t>(sizeof(float)));
  _tile_stored(0, product.to, stride);
  _tile_stored(1, product.to + kPairTileColumns, stride);
  *product.rest = {product.to + 16 * product.to_stride, product.to_stride};
}

template <std::size_t kParts>
METALAUDIO_AMX void multiply(const PairBlock& product) noexcept {
  if (product.rest != nullptr) {
    // From here on what a task reads of rows is more than half of the first cache.
    constexpr std::size_t kLongRow = 128;
    const bool any = !product.operands.empty() && product.operands[0].blocks > 0;
    if (kParts == 1 && !product.narrow && any) {
      return product.operands[0].stride > kLongRow ? multiply_leaving<true>(product)
                                                   : multiply_leaving<false>(product);
    }
    store_rest(*product.rest);
  }
  product.narrow ? multiply_tiles<kParts, true>(product) : multiply_tiles<kParts, false>(product);
}

#else

template <std::size_t kParts>
void multiply(const PairBlock&) noexcept {}
void store_rest(PairRest&) noexcept {}

#endif

}  // namespace

const PairProducts& amx_products(std::size_t parts) noexcept {
  static constexpr PairProducts kOne{2 * kTileRows, configure_tiles, multiply<1>, release_tiles,
                                     store_rest};
  static constexpr PairProducts kTwo{2 * kTileRows, configure_tiles, multiply<2>, release_tiles};
  static constexpr PairProducts kThree{2 * kTileRows, configure_tiles, multiply<3>, release_tiles};
  return parts == 3 ? kThree : parts == 2 ? kTwo : kOne;
}

}  // namespace metalaudio::nn::cpu

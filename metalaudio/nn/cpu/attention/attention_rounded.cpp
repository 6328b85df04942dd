#include <metalaudio/core/half.h>
#include <metalaudio/nn/cpu/attention/attention_rounded.h>
#include <metalaudio/nn/cpu/attention/attention_rounding.h>
#include <metalaudio/nn/cpu/attention/attention_weights.h>
#include <metalaudio/nn/cpu/gemm/amx.h>

#include <algorithm>
#include <cstring>
#include <limits>

namespace metalaudio::nn::cpu {

namespace {

constexpr std::size_t kTile = kPairTileColumns;
constexpr std::size_t kTileDepth = kPairTileDepth;
constexpr std::size_t kTileElements = kPairTileElements;
constexpr std::size_t kTileFloats = kTile * kTile;
constexpr std::size_t kRows = RoundedAttention::kQueries;

/// Blocks of keys whose weights are multiplied together.
constexpr std::size_t kBlocks = 3;

/// Where a thread works, in floats.
struct Layout {
  Layout(std::size_t depths, std::size_t columns)
      : starts(depths * kTileElements),
        scores(starts + kRows),
        weights(scores + 8 * kTileFloats),
        sums(weights + kBlocks * kTileElements),
        floats(sums + 2 * columns * kTileFloats) {}

  std::size_t starts;   ///< what is added to a row's scores; behind the queries
  std::size_t scores;   ///< [2] of 32 queries and 32 keys, in rows
  std::size_t weights;  ///< [kBlocks][2]
  std::size_t sums;     ///< [columns][2]
  std::size_t floats;
};

}  // namespace

std::size_t RoundedAttention::scratch_floats() const noexcept {
  return Layout(depths_, columns_).floats;
}

#if defined(METALAUDIO_AMX)

namespace {

/// Where tiles 2 and 3 are to be stored, once others are being multiplied.
struct Late {
  float* low = nullptr;
  float* high = nullptr;
  long stride = 0;

  METALAUDIO_INLINE void store() noexcept {
    if (low == nullptr) return;
    _tile_stored(2, low, stride);
    _tile_stored(3, high, stride);
    low = nullptr;
  }
};

/// 32 queries of a head.
class Group {
 public:
  Group(const HeadSize& size, std::size_t depths, std::size_t columns, std::size_t blocks,
        const BFloat16* packed, float* scratch) noexcept
      : size_(size),
        depths_(depths),
        columns_(columns),
        blocks_(blocks),
        block_elements_((2 * depths + columns) * kTileElements),
        packed_(packed),
        layout_(depths, columns),
        scratch_(scratch) {}

  METALAUDIO_AMX void run(Rows queries, std::size_t count, float* y,
                          std::ptrdiff_t y_stride) const noexcept {
    convert(queries, count);
    configure_tiles();
    find_starts(1);
    for (std::size_t row = 0; row < kRows; ++row) at(layout_.starts)[row] += 127 * kUnits + kMagic;
    if (depths_ == 1) {
      add_up<false, 8>();
    } else {
      add_up<false, 4>();
    }
    if (!in_range(count)) {
      find_starts(blocks_);
      add_up<true, 4>();
    }
    release_tiles();
    finish(count, y, y_stride);
  }

 private:
  float* at(std::size_t offset) const noexcept { return scratch_ + offset; }
  const BFloat16* block(std::size_t index) const noexcept {
    return packed_ + index * block_elements_;
  }
  BFloat16* weights(std::size_t block) const noexcept {
    return reinterpret_cast<BFloat16*>(at(layout_.weights)) + block % kBlocks * 2 * kTileElements;
  }
  float* scores(std::size_t block) const noexcept {
    return at(layout_.scores) + block % 2 * 4 * kTileFloats;
  }
  float* sums(std::size_t row, std::size_t column) const noexcept {
    return at(layout_.sums) + (column / kTile * 2 + row / kTile) * kTileFloats +
           row % kTile * kTile + column % kTile;
  }

  /// Queries as tiles of 16 rows and 32 depths, times the scale and what makes weights powers of two.
  METALAUDIO_AMX void convert(Rows queries, std::size_t count) const noexcept {
    constexpr float kLog2OfE = 1.44269504F;
    auto* to = reinterpret_cast<BFloat16*>(scratch_);
    std::memset(static_cast<void*>(to), 0, 2 * depths_ * kTileElements * sizeof(BFloat16));
    for (std::size_t q = 0; q < count; ++q) {
      const float* row = queries.base + static_cast<std::ptrdiff_t>(q) * queries.stride;
      for (std::size_t d = 0; d < depths_; ++d) {
        _mm512_store_si512(to + (2 * d + q / kTile) * kTileElements + q % kTile * kTileDepth,
                           rounded(row + d * kTileDepth, size_.depth - d * kTileDepth,
                                   size_.scale * kLog2OfE * kUnits));
      }
    }
  }

  /// Less every query's greatest score among the keys of so many blocks; NaN where one is NaN.
  METALAUDIO_AMX void find_starts(std::size_t blocks) const noexcept {
    const __m512 least = _mm512_set1_ps(-std::numeric_limits<float>::infinity());
    float* tops = at(layout_.weights);
    for (std::size_t row = 0; row < kRows; ++row) _mm512_store_ps(tops + row * kTile, least);
    for (std::size_t block = 0; block < blocks; ++block) {
      Weighing<false> none;
      Late late;
      multiply_keys<false, 1>(block, none, late);
      late.store();
      const std::size_t keys = size_.keys - block * kTileDepth;
      const __mmask16 left = first_lanes(keys);
      const __mmask16 right = first_lanes(keys - std::min(keys, kTile));
      for (std::size_t row = 0; row < kRows; ++row) {
        const float* at = scores(block) + row * kTileDepth;
        const __m512 top =
            greater(_mm512_load_ps(tops + row * kTile), _mm512_mask_loadu_ps(least, left, at));
        _mm512_store_ps(tops + row * kTile,
                        greater(top, _mm512_mask_loadu_ps(least, right, at + kTile)));
      }
    }
    for (std::size_t row = 0; row < kRows; ++row) {
      at(layout_.starts)[row] = -greatest(_mm512_load_ps(tops + row * kTile));
    }
  }

  /// sums = values · weights. Scores become weights two blocks later, when they have left the tiles
  /// for the cache.
  template <bool kExact, std::size_t kSlot>
  METALAUDIO_AMX void add_up() const noexcept {
    std::memset(at(layout_.sums), 0, 2 * columns_ * kTileFloats * sizeof(float));
    Late late;
    for (std::size_t block = 0; block < blocks_ + 2; ++block) {
      Weighing<kExact> weighing;
      if (block >= 2) weighing = weighing_of<kExact>(block - 2);
      if (block < blocks_) {
        multiply_keys<kExact, kSlot>(block, weighing, late);
      } else {
        late.store();
      }
      while (!weighing.done()) weighing.template rows<1>();
      if (block < 2) continue;
      const std::size_t done = block - 1;
      const std::size_t ready = (done - 1) % kBlocks + 1;
      if (ready != kBlocks && done != blocks_) continue;
      for (std::size_t column = 0; column < columns_; column += 2) {
        multiply_values(done - ready, ready, column, late);
      }
    }
    late.store();
  }

  template <bool kExact>
  Weighing<kExact> weighing_of(std::size_t block) const noexcept {
    const std::size_t keys = size_.keys - block * kTileDepth;
    return {scores(block), at(layout_.starts), weights(block), first_lanes(keys),
            first_lanes(keys - std::min(keys, kTile))};
  }

  /// Scores of a block, while others become weights.
  template <bool kExact, std::size_t kSlot>
  METALAUDIO_INLINE void multiply_keys(std::size_t block, Weighing<kExact>& weighing,
                                       Late& late) const noexcept {
    const auto* a = reinterpret_cast<const BFloat16*>(scratch_);
    const BFloat16* b = this->block(block);
    Weighing<kExact> w = weighing;
    _tile_zero(0);
    _tile_zero(1);
    for (std::size_t d = 0; d < depths_; ++d) {
      _tile_loadd(4, a, 64);
      // Keys and values do not stay in the first cache, which what they meet fills.
      _tile_stream_loadd(6, b, 64);
      _tile_dpbf16ps(0, 4, 6);
      w.template rows<kSlot>();
      _tile_stream_loadd(7, b + kTileElements, 64);
      _tile_dpbf16ps(1, 4, 7);
      w.template rows<kSlot>();
      if (d == 0) {
        late.store();
        _tile_zero(2);
        _tile_zero(3);
      }
      _tile_loadd(5, a + kTileElements, 64);
      _tile_dpbf16ps(2, 5, 6);
      w.template rows<kSlot>();
      _tile_dpbf16ps(3, 5, 7);
      w.template rows<kSlot>();
      a += 2 * kTileElements;
      b += 2 * kTileElements;
    }
    weighing = w;
    float* to = scores(block);
    _tile_stored(0, to, 128);
    _tile_stored(1, to + kTile, 128);
    to += kTile * kTileDepth;
    late = {to, to + kTile, 128};
  }

  /// Adds up to two tiles of the values of some blocks times their weights.
  METALAUDIO_INLINE void multiply_values(std::size_t first, std::size_t blocks, std::size_t column,
                                         Late& late) const noexcept {
    const bool both = column + 1 < columns_;
    float* to = at(layout_.sums) + 2 * column * kTileFloats;
    const BFloat16* b = block(first) + (2 * depths_ + column) * kTileElements;
    const BFloat16* a = weights(0);
    _tile_loadd(0, to, 64);
    _tile_loadd(1, to + kTileFloats, 64);
    for (std::size_t block = 0; block < blocks; ++block) {
      _tile_loadd(4, a, 64);
      _tile_stream_loadd(6, b, 64);
      _tile_dpbf16ps(0, 4, 6);
      _tile_loadd(5, a + kTileElements, 64);
      _tile_dpbf16ps(1, 5, 6);
      if (block == 0) {
        late.store();
        if (both) {
          _tile_loadd(2, to + 2 * kTileFloats, 64);
          _tile_loadd(3, to + 3 * kTileFloats, 64);
        }
      }
      if (both) {
        _tile_stream_loadd(7, b + kTileElements, 64);
        _tile_dpbf16ps(2, 4, 7);
        _tile_dpbf16ps(3, 5, 7);
      }
      a += 2 * kTileElements;
      b += block_elements_;
    }
    _tile_stored(0, to, 64);
    _tile_stored(1, to + kTileFloats, 64);
    if (both) late = {to + 2 * kTileFloats, to + 3 * kTileFloats, 64};
  }

  /// Whether no weight was too large or lost; of a NaN, no.
  bool in_range(std::size_t count) const noexcept {
    constexpr float kLeast = 0.5F;
    constexpr float kMost = 0x1p32F;
    for (std::size_t row = 0; row < count; ++row) {
      const float sum = *sums(row, size_.width);
      if (!(sum >= kLeast && sum <= kMost)) return false;
    }
    return true;
  }

  METALAUDIO_AMX void finish(std::size_t count, float* y, std::ptrdiff_t stride) const noexcept {
    for (std::size_t row = 0; row < count; ++row, y += stride) {
      const __m512 inverse = _mm512_set1_ps(1.0F / *sums(row, size_.width));
      for (std::size_t column = 0; column < size_.width; column += kTile) {
        _mm512_mask_storeu_ps(y + column, first_lanes(size_.width - column),
                              _mm512_mul_ps(_mm512_load_ps(sums(row, column)), inverse));
      }
    }
  }

  const HeadSize& size_;
  std::size_t depths_;
  std::size_t columns_;
  std::size_t blocks_;
  std::size_t block_elements_;
  const BFloat16* packed_;
  Layout layout_;
  float* scratch_;
};

}  // namespace

void RoundedAttention::attend(Rows queries, std::size_t rows, const std::byte* packed,
                              float* scratch, float* y, std::ptrdiff_t y_stride) const noexcept {
  if (blocks_ == 0) {
    for (std::size_t row = 0; row < rows; ++row)
      std::fill_n(y + static_cast<std::ptrdiff_t>(row) * y_stride, size_.width, 0.0F);
    return;
  }
  Group(size_, depths_, columns_, blocks_, reinterpret_cast<const BFloat16*>(packed), scratch)
      .run(queries, rows, y, y_stride);
}

#else

void RoundedAttention::attend(Rows, std::size_t, const std::byte*, float*, float*,
                              std::ptrdiff_t) const noexcept {}

#endif

}  // namespace metalaudio::nn::cpu

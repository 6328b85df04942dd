#include <metalaudio/core/half.h>
#include <metalaudio/nn/cpu/attention/attention_packing.h>
#include <metalaudio/nn/cpu/attention/attention_tiles.h>
#include <metalaudio/nn/cpu/gemm/amx.h>

#include <algorithm>
#include <cstring>
#include <limits>

#if defined(__x86_64__) && defined(__linux__)
#include <immintrin.h>
#define METALAUDIO_AMX \
  __attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")))
#endif

namespace metalaudio::nn::cpu {

namespace {

constexpr std::size_t kTile = kPairTileColumns;
constexpr std::size_t kTileDepth = kPairTileDepth;
constexpr std::size_t kTileElements = kPairTileElements;
constexpr std::size_t kGroup = 2 * kTile;  // queries that are multiplied together

/// Keys whose scores are kept at a time.
constexpr std::size_t kTileKeys = 64;

/// Where a thread works, in floats. Everything is transposed: a vector holds 16 queries.
struct Layout {
  Layout(std::size_t parts, std::size_t row_depth, std::size_t width)
      : scores(AttentionTiles::kQueries * row_depth / 2),
        low(scores + kGroup * kTileKeys),
        products(low + (parts == 3 ? kGroup * kTileKeys / 2 : 0)),
        rows(round_up(width, kTile)),
        sums(products + kGroup * rows),
        tops(sums + AttentionTiles::kQueries * rows),
        weights(tops + AttentionTiles::kQueries),
        factors(weights + AttentionTiles::kQueries),
        floats(factors + kGroup) {}

  std::size_t scores;    ///< [2][keys][16] of a group, behind the queries
  std::size_t low;       ///< third parts of weights
  std::size_t products;  ///< [rows][32] of values and weights of some keys
  std::size_t rows;      ///< channels of the values, whole tiles
  std::size_t sums;      ///< of those, for every group
  std::size_t tops;      ///< the greatest scores
  std::size_t weights;   ///< sums of weights
  std::size_t factors;   ///< what the sums so far are scaled by
  std::size_t floats;
};

}  // namespace

std::size_t AttentionTiles::scratch_floats() const noexcept {
  return Layout(parts_, row_depth_, size_.width).floats;
}

#if defined(METALAUDIO_AMX)

namespace {

// GCC warns of the undefined vectors in the forms without a mask.
constexpr __mmask16 kAll = 0xFFFF;

METALAUDIO_AMX inline __m512 greater(__m512 a, __m512 b) noexcept {
  return _mm512_maskz_max_ps(kAll, a, b);
}

/// Scores of 32 keys and 32 queries: all pairs of parts whose product counts, the smallest first.
/// The parts of a key lie from the largest on, those of a query from the smallest on, so that the
/// pairs of one order of magnitude are one sum.
template <std::size_t kParts>
METALAUDIO_AMX void multiply_keys(const BFloat16* keys, std::size_t row_depth,
                                  std::size_t part_depth, const BFloat16* queries,
                                  float* scores) noexcept {
  const auto stride = static_cast<long>(row_depth * sizeof(BFloat16));
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (std::size_t run = kParts; run > 0; --run) {
    const BFloat16* a = keys;
    const BFloat16* b = queries + (kParts - run) * part_depth * kTile;
    const std::size_t blocks = round_up(run * part_depth, kTileDepth) / kTileDepth;
    for (std::size_t block = 0; block < blocks; ++block) {
      _tile_loadd(4, a, stride);
      _tile_loadd(6, b, 64);
      _tile_loadd(7, b + kTile * row_depth, 64);
      _tile_loadd(5, a + kTile * row_depth, stride);
      _tile_dpbf16ps(0, 4, 6);
      _tile_dpbf16ps(1, 4, 7);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
      a += kTileDepth;
      b += kTileElements;
    }
  }
  float* second = scores + kTileKeys * kTile;
  _tile_stored(0, scores, 64);
  _tile_stored(1, second, 64);
  _tile_stored(2, scores + kTile * kTile, 64);
  _tile_stored(3, second + kTile * kTile, 64);
}

/// 2^x for x <= 0, as exactly as so many parts need: relative errors of 3e-6 and 8e-8. From
/// -150 down it is zero.
template <std::size_t kParts>
METALAUDIO_AMX inline __m512 exp2_of_negative(__m512 x) noexcept {
  // The operand that a NaN comes back from is the second.
  x = greater(_mm512_set1_ps(-150.0F), x);
  const __m512 magic = _mm512_set1_ps(12582912.0F);
  const __m512 n = _mm512_sub_ps(_mm512_add_ps(x, magic), magic);
  const __m512 f = _mm512_sub_ps(x, n);
  // 1 + f P(f), minimax of relative error
  constexpr float kCoefficients[2][6] = {
      {0.00958285294F, 0.0559064262F, 0.240240991F, 0.693124175F},
      {0.00015353362F, 0.0013398875F, 0.00961843692F, 0.0555033237F, 0.240226477F, 0.693147182F}};
  constexpr std::size_t kDegree = kParts == 3 ? 6 : 4;
  __m512 p = _mm512_set1_ps(kCoefficients[kParts - 2][0]);
  for (std::size_t i = 1; i < kDegree; ++i) {
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(kCoefficients[kParts - 2][i]));
  }
  return _mm512_maskz_scalef_ps(kAll, _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.0F)), n);
}

METALAUDIO_AMX inline __m512i upper_half() noexcept {
  return _mm512_set1_epi32(static_cast<int>(0xFFFF0000U));
}

METALAUDIO_AMX inline __m512 cut(__m512 v) noexcept {
  return _mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(v), upper_half()));
}

/// By half of what is cut off at most, so that cutting rounds.
METALAUDIO_AMX inline __m512 raised(__m512 v) noexcept {
  return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(v), _mm512_set1_epi32(0x8000)));
}

/// The upper halves of two vectors side by side, lane by lane.
METALAUDIO_AMX inline __m512i cut_pair(__m512 low, __m512 high) noexcept {
  constexpr int kFirstOrBothOthers = 0xF8;
  return _mm512_ternarylogic_epi32(_mm512_maskz_srli_epi32(kAll, _mm512_castps_si512(low), 16),
                                   _mm512_castps_si512(high), upper_half(), kFirstOrBothOthers);
}

/// Scores of 16 queries become weights: those of two keys lie side by side, first and second parts
/// where the scores lay, third ones at `low`. `factor` scales what was summed before.
template <std::size_t kParts>
METALAUDIO_AMX void weigh(float* scores, std::size_t keys, float* top, float* sum, float* factor,
                          BFloat16* low) noexcept {
  const __m512 before = _mm512_loadu_ps(top);
  __m512 a = before;
  __m512 b = before;
  for (std::size_t key = 0; key < keys; key += 2) {
    a = greater(a, _mm512_loadu_ps(scores + key * kTile));
    b = greater(b, _mm512_loadu_ps(scores + key * kTile + kTile));
  }
  const __m512 m = greater(a, b);
  _mm512_storeu_ps(top, m);
  a = b = _mm512_setzero_ps();
  for (std::size_t key = 0; key < keys; key += 2) {
    float* at = scores + key * kTile;
    const __m512 e = exp2_of_negative<kParts>(_mm512_sub_ps(_mm512_loadu_ps(at), m));
    const __m512 f = exp2_of_negative<kParts>(_mm512_sub_ps(_mm512_loadu_ps(at + kTile), m));
    a = _mm512_add_ps(a, e);
    b = _mm512_add_ps(b, f);
    if constexpr (kParts == 2) {
      const __m512 e0 = raised(e);
      const __m512 f0 = raised(f);
      _mm512_storeu_si512(at, cut_pair(e0, f0));
      _mm512_storeu_si512(at + kTile, cut_pair(raised(_mm512_sub_ps(e, cut(e0))),
                                               raised(_mm512_sub_ps(f, cut(f0)))));
    } else {
      _mm512_storeu_si512(at, cut_pair(e, f));
      const __m512 e1 = _mm512_sub_ps(e, cut(e));
      const __m512 f1 = _mm512_sub_ps(f, cut(f));
      _mm512_storeu_si512(at + kTile, cut_pair(e1, f1));
      const __m512 e2 = _mm512_sub_ps(e1, cut(e1));
      const __m512 f2 = _mm512_sub_ps(f1, cut(f1));
      _mm512_storeu_si512(low + key * kTile, cut_pair(e2, f2));
    }
  }
  const __m512 scale = exp2_of_negative<kParts>(_mm512_sub_ps(before, m));
  _mm512_storeu_ps(factor, scale);
  _mm512_storeu_ps(sum, _mm512_fmadd_ps(_mm512_loadu_ps(sum), scale, _mm512_add_ps(a, b)));
}

/// Up to three tiles of channels of values, `row` elements apart, times the weights of two times 16
/// queries, `second` elements apart.
template <std::size_t kRows>
METALAUDIO_AMX inline void add_products(const BFloat16* values, std::size_t row,
                                        const BFloat16* weights, std::size_t second,
                                        long stride) noexcept {
  _tile_loadd(6, weights, stride);
  _tile_loadd(7, values, 64);
  _tile_dpbf16ps(0, 7, 6);
  if constexpr (kRows > 1) {
    _tile_loadd(7, values + row, 64);
    _tile_dpbf16ps(1, 7, 6);
  }
  if constexpr (kRows > 2) {
    _tile_loadd(7, values + 2 * row, 64);
    _tile_dpbf16ps(2, 7, 6);
  }
  _tile_loadd(6, weights + second, stride);
  if constexpr (kRows > 2) {
    _tile_dpbf16ps(5, 7, 6);
    _tile_loadd(7, values + row, 64);
  }
  if constexpr (kRows > 1) {
    _tile_dpbf16ps(4, 7, 6);
    _tile_loadd(7, values, 64);
  }
  _tile_dpbf16ps(3, 7, 6);
}

/// Up to three tiles of channels of values times the weights of 32 queries: all pairs of parts
/// whose product counts, the large ones last.
template <std::size_t kParts, std::size_t kRows>
METALAUDIO_AMX void multiply_values(const BFloat16* values, std::size_t block_elements,
                                    std::size_t blocks, const float* weights, const BFloat16* low,
                                    float* to) noexcept {
  constexpr std::size_t kHalf = kTileKeys * kTile;
  const auto add = [&](std::size_t block, std::size_t part, std::size_t order) METALAUDIO_AMX {
    const BFloat16* v = values + block * block_elements + (order - part) * kTileElements;
    const std::size_t at = block * kTileDepth * kTile;
    if (part == 2) {
      add_products<kRows>(v, kParts * kTileElements, low + at, kHalf, 64);
    } else {
      add_products<kRows>(v, kParts * kTileElements,
                          reinterpret_cast<const BFloat16*>(weights + at + part * kTile), 2 * kHalf,
                          128);
    }
  };
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_zero(4);
  _tile_zero(5);
  for (std::size_t block = 0; block < blocks; ++block) {
    for (std::size_t order = kParts - 1; order > 0; --order) {
      for (std::size_t part = 0; part <= order; ++part) add(block, part, order);
    }
  }
  for (std::size_t block = 0; block < blocks; ++block) add(block, 0, 0);
  constexpr long kStride = kGroup * sizeof(float);
  _tile_stored(0, to, kStride);
  _tile_stored(3, to + kTile, kStride);
  if constexpr (kRows > 1) {
    _tile_stored(1, to + kTile * kGroup, kStride);
    _tile_stored(4, to + kTile * kGroup + kTile, kStride);
  }
  if constexpr (kRows > 2) {
    _tile_stored(2, to + 2 * kTile * kGroup, kStride);
    _tile_stored(5, to + 2 * kTile * kGroup + kTile, kStride);
  }
}

/// What the queries of one task meet.
template <std::size_t kParts>
class Rounds {
 public:
  Rounds(const HeadSize& size, std::size_t part_depth, std::size_t row_depth, const BFloat16* keys,
         const BFloat16* values, float* scratch)
      : size_(size),
        part_depth_(part_depth),
        row_depth_(row_depth),
        keys_(keys),
        values_(values),
        layout_(kParts, row_depth, size.width),
        scratch_(scratch) {}

  METALAUDIO_AMX void run(Rows queries, std::size_t count, float* y,
                          std::ptrdiff_t y_stride) const noexcept {
    std::memset(static_cast<void*>(scratch_), 0, layout_.scores * sizeof(float));
    for (std::size_t q = 0; q < count; ++q) {
      pack_query(
          queries.base + static_cast<std::ptrdiff_t>(q) * queries.stride, size_, kParts,
          part_depth_,
          reinterpret_cast<BFloat16*>(scratch_) + q / kTile * kTile * row_depth_ + q % kTile * 2);
    }
    const std::size_t groups = round_up(count, kGroup) / kGroup;
    std::fill_n(at(layout_.sums), groups * kGroup * layout_.rows, 0.0F);
    std::fill_n(at(layout_.tops), groups * kGroup, std::numeric_limits<float>::lowest());
    std::fill_n(at(layout_.weights), groups * kGroup, 0.0F);
    configure_tiles();
    constexpr std::size_t kBlocks = kTileKeys / kTileDepth;
    const std::size_t all = round_up(size_.keys, kTileDepth) / kTileDepth;
    for (std::size_t first = 0; first < all; first += kBlocks) {
      for (std::size_t group = 0; group < groups; ++group) {
        meet(group * kGroup, first, std::min(kBlocks, all - first));
      }
    }
    release_tiles();
    for (std::size_t q = 0; q < count; q += kTile) {
      finish(q, std::min(kTile, count - q), y + static_cast<std::ptrdiff_t>(q) * y_stride,
             y_stride);
    }
  }

 private:
  float* at(std::size_t offset) const noexcept { return scratch_ + offset; }
  BFloat16* low() const noexcept { return reinterpret_cast<BFloat16*>(at(layout_.low)); }

  /// A group of queries, and some blocks of keys.
  METALAUDIO_AMX void meet(std::size_t query, std::size_t first,
                           std::size_t blocks) const noexcept {
    constexpr std::size_t kHalf = kTileKeys * kTile;
    float* scores = at(layout_.scores);
    const auto* queries = reinterpret_cast<const BFloat16*>(scratch_) + query * row_depth_;
    for (std::size_t block = 0; block < blocks; ++block) {
      multiply_keys<kParts>(keys_ + (first + block) * kTileDepth * row_depth_, row_depth_,
                            part_depth_, queries, scores + block * kTileDepth * kTile);
    }
    const std::size_t keys = std::min(blocks * kTileDepth, size_.keys - first * kTileDepth);
    for (std::size_t half = 0; half < 2; ++half) {
      // There may be fewer keys than rows.
      std::fill(scores + half * kHalf + keys * kTile,
                scores + half * kHalf + blocks * kTileDepth * kTile,
                -std::numeric_limits<float>::infinity());
      const std::size_t lanes = query + half * kTile;
      weigh<kParts>(scores + half * kHalf, blocks * kTileDepth, at(layout_.tops) + lanes,
                    at(layout_.weights) + lanes, at(layout_.factors) + half * kTile,
                    low() + half * kHalf);
    }
    gather(query, first, blocks);
  }

  /// sums = sums · factor + values · weights
  METALAUDIO_AMX void gather(std::size_t query, std::size_t first,
                             std::size_t blocks) const noexcept {
    const std::size_t tiles = layout_.rows / kTile;
    const std::size_t block_elements = tiles * kParts * kTileElements;
    float* products = at(layout_.products);
    for (std::size_t tile = 0; tile < tiles; tile += 3) {
      const auto multiply = tiles - tile >= 3   ? multiply_values<kParts, 3>
                            : tiles - tile == 2 ? multiply_values<kParts, 2>
                                                : multiply_values<kParts, 1>;
      multiply(values_ + first * block_elements + tile * kParts * kTileElements, block_elements,
               blocks, at(layout_.scores), low(), products + tile * kTile * kGroup);
    }
    float* sums = at(layout_.sums) + query * layout_.rows;
    const __m512 factors[] = {_mm512_loadu_ps(at(layout_.factors)),
                              _mm512_loadu_ps(at(layout_.factors) + kTile)};
    for (std::size_t i = 0; i < layout_.rows * kGroup; i += kGroup) {
      for (const std::size_t half : {0, 1}) {
        float* sum = sums + i + half * kTile;
        _mm512_storeu_ps(sum, _mm512_fmadd_ps(_mm512_loadu_ps(sum), factors[half],
                                              _mm512_loadu_ps(products + i + half * kTile)));
      }
    }
  }

  /// Up to 16 queries.
  METALAUDIO_AMX void finish(std::size_t query, std::size_t count, float* y,
                             std::ptrdiff_t stride) const noexcept {
    float* sums = at(layout_.sums) + query / kGroup * kGroup * layout_.rows + query % kGroup;
    // Of no keys come zeros.
    const __m512 weight =
        size_.keys == 0 ? _mm512_set1_ps(1.0F) : _mm512_loadu_ps(at(layout_.weights) + query);
    const __m512 inverse = _mm512_div_ps(_mm512_set1_ps(1.0F), weight);
    for (std::size_t c = 0; c < size_.width; ++c) {
      alignas(64) float column[kTile];
      _mm512_store_ps(column, _mm512_mul_ps(_mm512_loadu_ps(sums + c * kGroup), inverse));
      for (std::size_t q = 0; q < count; ++q)
        y[static_cast<std::ptrdiff_t>(q) * stride + static_cast<std::ptrdiff_t>(c)] = column[q];
    }
  }

  const HeadSize& size_;
  std::size_t part_depth_;
  std::size_t row_depth_;
  const BFloat16* keys_;
  const BFloat16* values_;
  Layout layout_;
  float* scratch_;
};

}  // namespace

void AttentionTiles::attend(Rows queries, std::size_t rows, const std::byte* packed, float* scratch,
                            float* y, std::ptrdiff_t y_stride) const noexcept {
  const auto* keys = reinterpret_cast<const BFloat16*>(packed);
  const auto run = [&]<std::size_t kParts>(std::integral_constant<std::size_t, kParts>) {
    Rounds<kParts>(size_, part_depth_, row_depth_, keys, keys + key_elements_, scratch)
        .run(queries, rows, y, y_stride);
  };
  if (parts_ == 2) return run(std::integral_constant<std::size_t, 2>());
  run(std::integral_constant<std::size_t, 3>());
}

#else

void AttentionTiles::attend(Rows, std::size_t, const std::byte*, float*, float*,
                            std::ptrdiff_t) const noexcept {}

#endif

}  // namespace metalaudio::nn::cpu

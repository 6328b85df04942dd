#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "metalaudio/nn/cpu/attention/attention_lane_kernels.cpp"
#include <hwy/foreach_target.h>
// clang-format off: the macro above must come first
#include <hwy/highway.h>
#include <metalaudio/nn/cpu/math-inl.h>
// clang-format on

#include <metalaudio/nn/cpu/attention/attention_lanes.h>
#include <metalaudio/nn/cpu/transpose_kernel.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#ifndef METALAUDIO_NN_CPU_ATTENTION_LANE_KERNELS_ONCE
#define METALAUDIO_NN_CPU_ATTENTION_LANE_KERNELS_ONCE
namespace metalaudio::nn::cpu {

/// Keys whose weights lie in the first cache together: a multiple of every tile's rows. As many terms
/// has a sum of float32 before it is added to the others, the root of what there are, about.
constexpr std::size_t kLaneKeys = 96;
static_assert(AttentionLanes::kPackedKeys % kLaneKeys == 0);

/// Queries against all keys of a head.
struct LaneAttention {
  Rows queries;
  std::size_t rows;
  const float* keys;
  const float* values;
  float* scratch;
  float* y;
  std::ptrdiff_t y_stride;
};

}  // namespace metalaudio::nn::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace metalaudio::nn::cpu {
namespace HWY_NAMESPACE {

// As in gemm_kernels.cpp: the sums, two vectors of queries and a broadcast fill the registers.
#if HWY_TARGET == HWY_AVX3
constexpr std::size_t kTileRows = 12;
#else
constexpr std::size_t kTileRows = 6;
#endif

/// Two vectors of queries: of AVX-512 all, of narrower ones several groups in turn, side by side in
/// rows of kQueries.
struct Group {
  const float* queries;  ///< [depth][kQueries], times the scale and log2(e)
  float* sums;           ///< [width][kQueries]
  float* tops;
  float* totals;  ///< of weights
};
constexpr std::size_t kQueries = AttentionLanes::kQueries;

/// Σ over `terms` of rows[term][kRows] · vectors[term · stride][2 vectors], one for each of the rows.
template <std::size_t kRows>
struct Sums {
  FloatVec of[2 * kRows];

  HWY_INLINE Sums(const float* HWY_RESTRICT rows, std::size_t terms,
                  const float* HWY_RESTRICT vectors, std::size_t stride) {
    const FloatTag d;
    const std::size_t lanes = hn::Lanes(d);
    HWY_UNROLL(24)
    for (std::size_t i = 0; i < 2 * kRows; ++i) of[i] = hn::Zero(d);
    for (const float* end = rows + terms * kRows; rows != end; rows += kRows) {
      const auto low = hn::Load(d, vectors);
      const auto high = hn::Load(d, vectors + lanes);
      vectors += stride;
      HWY_UNROLL(12)
      for (std::size_t r = 0; r < kRows; ++r) {
        const auto x = hn::Set(d, rows[r]);
        of[2 * r] = hn::MulAdd(x, low, of[2 * r]);
        of[2 * r + 1] = hn::MulAdd(x, high, of[2 * r + 1]);
      }
    }
  }
};

/// to[kRows][2 vectors] = Σ_d keys[d][row] · queries[d][2 vectors]; tops[2 vectors] stay the greatest.
template <std::size_t kRows>
HWY_INLINE void score_tile(const float* HWY_RESTRICT keys, std::size_t depth,
                           const float* HWY_RESTRICT queries, float* HWY_RESTRICT to,
                           float* HWY_RESTRICT tops) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t first = 0; first < depth || first == 0; first += kLaneKeys) {
    const std::size_t terms = std::min(kLaneKeys, depth - first);
    Sums<kRows> sums(keys + first * kRows, terms, queries + first * kQueries, kQueries);
    HWY_UNROLL(24)
    for (std::size_t i = 0; i < 2 * kRows; ++i) {
      float* sum = to + i * lanes;
      if (first != 0) sums.of[i] = hn::Add(sums.of[i], hn::Load(d, sum));
      hn::Store(sums.of[i], d, sum);
    }
    if (first + terms < depth) continue;
    for (std::size_t v = 0; v < 2; ++v) {
      auto top = hn::Load(d, tops + v * lanes);
      HWY_UNROLL(12)
      for (std::size_t r = 0; r < kRows; ++r) top = hn::Max(top, sums.of[2 * r + v]);
      hn::Store(top, d, tops + v * lanes);
    }
  }
}

/// What scales the sums of before.
struct Factors {
  FloatVec low;
  FloatVec high;
};

/// to[row · kQueries][2 vectors] = to · factors + Σ_key values[key][row] · weights[key][2 vectors].
template <std::size_t kRows>
HWY_INLINE void value_tile(const float* HWY_RESTRICT values, std::size_t keys,
                           const float* HWY_RESTRICT weights, const Factors& factors,
                           float* HWY_RESTRICT to) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  const Sums<kRows> sums(values, keys, weights, 2 * lanes);
  HWY_UNROLL(12)
  for (std::size_t r = 0; r < kRows; ++r) {
    float* sum = to + r * kQueries;
    hn::Store(hn::MulAdd(hn::Load(d, sum), factors.low, sums.of[2 * r]), d, sum);
    sum += lanes;
    hn::Store(hn::MulAdd(hn::Load(d, sum), factors.high, sums.of[2 * r + 1]), d, sum);
  }
}

/// Calls tile(first row, rows as a constant) until all rows are done.
template <std::size_t kRows, class Tile>
HWY_INLINE void for_tiles(std::size_t first, std::size_t rows, const Tile& tile) {
  for (; first + kRows <= rows; first += kRows) {
    tile(first, std::integral_constant<std::size_t, kRows>());
  }
  if constexpr (kRows > 1) {
    if (first < rows) for_tiles<kRows - 1>(first, rows, tile);
  }
}

/// Scores of a block of keys become weights relative to the greatest score so far, given that of
/// before.
HWY_INLINE Factors weigh(float* scores, std::size_t keys, FloatVec before_low, FloatVec before_high,
                         const Group& group) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  const auto top_low = hn::Load(d, group.tops);
  const auto top_high = hn::Load(d, group.tops + lanes);
  auto low = hn::Zero(d);
  auto high = hn::Zero(d);
  for (std::size_t k = 0; k < keys; ++k, scores += 2 * lanes) {
    const auto a = exp2_of_negative(d, hn::Sub(hn::Load(d, scores), top_low));
    const auto b = exp2_of_negative(d, hn::Sub(hn::Load(d, scores + lanes), top_high));
    low = hn::Add(low, a);
    high = hn::Add(high, b);
    hn::Store(a, d, scores);
    hn::Store(b, d, scores + lanes);
  }
  const Factors factors{exp2_of_negative(d, hn::Sub(before_low, top_low)),
                        exp2_of_negative(d, hn::Sub(before_high, top_high))};
  hn::Store(hn::MulAdd(hn::Load(d, group.totals), factors.low, low), d, group.totals);
  hn::Store(hn::MulAdd(hn::Load(d, group.totals + lanes), factors.high, high), d,
            group.totals + lanes);
  return factors;
}

/// What lies in scratch, one behind the other.
struct Room {
  Room(const HeadSize& size, float* scratch)
      : scores(scratch),
        queries(scores + kLaneKeys * kQueries),
        sums(queries + size.depth * kQueries),
        tops(sums + size.width * kQueries),
        totals(tops + kQueries),
        rows(totals + kQueries) {}

  float* scores;
  float* queries;
  float* sums;
  float* tops;
  float* totals;
  float* rows;  ///< [kQueries][whole_rows(width)]
};

void begin(const LaneAttention& head, const HeadSize& size, const Room& room) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  const auto rows = static_cast<std::ptrdiff_t>(head.rows);
  transpose({head.queries.base, head.queries.stride, 0, rows}, kQueries, size.depth, room.queries,
            kQueries);
  const auto scale = hn::Set(d, size.scale * 1.44269504F);
  for (std::size_t i = 0; i < size.depth * kQueries; i += lanes) {
    hn::Store(hn::Mul(scale, hn::Load(d, room.queries + i)), d, room.queries + i);
  }
  std::fill_n(room.sums, size.width * kQueries, 0.0F);
  std::fill_n(room.tops, kQueries, std::numeric_limits<float>::lowest());
  std::fill_n(room.totals, kQueries, 0.0F);
}

/// Sums over the sum of their weights, out of their lanes.
void finish(const LaneAttention& head, std::size_t width, const Room& room) {
  const std::size_t row_size = whole_rows(width);
  transpose({room.sums, kQueries, 0, static_cast<std::ptrdiff_t>(width)}, width, head.rows,
            room.rows, row_size);
  for (std::size_t r = 0; r < head.rows; ++r) {
    // No score was above the lowest number: all were minus infinity.
    const bool none = room.tops[r] == std::numeric_limits<float>::lowest();
    const float inverse = none ? std::numeric_limits<float>::quiet_NaN() : 1.0F / room.totals[r];
    const float* row = room.rows + r * row_size;
    float* y = head.y + static_cast<std::ptrdiff_t>(r) * head.y_stride;
    for (std::size_t c = 0; c < width; ++c) y[c] = row[c] * inverse;
  }
}

void attend_lanes(const HeadSize& size, const LaneAttention& head) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  const Room room(size, head.scratch);
  begin(head, size, room);
  for (std::size_t first = 0; first < size.keys; first += kLaneKeys) {
    const std::size_t keys = std::min(kLaneKeys, size.keys - first);
    const float* key = head.keys + first * size.depth;
    const float* value = head.values + first * size.width;
    for (std::size_t q = 0; q < head.rows; q += 2 * lanes) {
      const Group group{room.queries + q, room.sums + q, room.tops + q, room.totals + q};
      const auto before_low = hn::Load(d, group.tops);
      const auto before_high = hn::Load(d, group.tops + lanes);
      for_tiles<kTileRows>(0, keys, [&](std::size_t row, auto rows) {
        score_tile<rows()>(key + row * size.depth, size.depth, group.queries,
                           room.scores + row * 2 * lanes, group.tops);
      });
      const Factors factors = weigh(room.scores, keys, before_low, before_high, group);
      for_tiles<kTileRows>(0, size.width, [&](std::size_t row, auto rows) {
        value_tile<rows()>(value + row * keys, keys, room.scores, factors,
                           group.sums + row * kQueries);
      });
    }
  }
  finish(head, size.width, room);
}

bool any_infinite(Rows rows, std::size_t count, std::size_t columns) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  auto greatest = hn::Zero(d);
  bool infinite = false;
  for (std::size_t r = 0; r < count; ++r) {
    const float* row = rows.base + static_cast<std::ptrdiff_t>(r) * rows.stride;
    std::size_t c = 0;
    // In this order the maximum passes over NaN.
    for (; c + lanes <= columns; c += lanes) {
      greatest = hn::Max(hn::Abs(hn::LoadU(d, row + c)), greatest);
    }
    for (; c < columns; ++c) infinite = infinite || std::isinf(row[c]);
  }
  return infinite || std::isinf(hn::GetLane(hn::MaxOfLanes(d, greatest)));
}

/// Up to kLaneKeys keys and values as the tiles read them: [tile][depth][keys of the tile] and
/// [tile][key][channels of the tile].
bool pack_lanes(const HeadSize& size, Rows keys, Rows values, std::size_t count, float* to_keys,
                float* to_values) {
  for_tiles<kTileRows>(0, count, [&](std::size_t first, auto rows) {
    const float* key = keys.base + static_cast<std::ptrdiff_t>(first) * keys.stride;
    float* to = to_keys + first * size.depth;
    for (std::size_t k = 0; k < size.depth; ++k, to += rows()) {
      for (std::size_t r = 0; r < rows(); ++r) {
        to[r] = key[static_cast<std::ptrdiff_t>(r) * keys.stride + static_cast<std::ptrdiff_t>(k)];
      }
    }
  });
  for_tiles<kTileRows>(0, size.width, [&](std::size_t first, auto rows) {
    const float* value = values.base + first;
    float* to = to_values + first * count;
    for (std::size_t k = 0; k < count; ++k, to += rows(), value += values.stride) {
      std::memcpy(to, value, rows() * sizeof(float));
    }
  });
  return any_infinite(keys, count, size.depth) || any_infinite(values, count, size.width);
}

}  // namespace HWY_NAMESPACE
}  // namespace metalaudio::nn::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalaudio::nn::cpu {

HWY_EXPORT(attend_lanes);
HWY_EXPORT(pack_lanes);

std::size_t AttentionLanes::scratch_floats() const noexcept {
  return kQueries * (kLaneKeys + size_.depth + size_.width + 2 + whole_rows(size_.width));
}

bool AttentionLanes::pack(Rows keys, Rows values, std::size_t block, std::byte* to) const noexcept {
  const std::size_t end = std::min(size_.keys, (block + 1) * kPackedKeys);
  auto* packed_keys = reinterpret_cast<float*>(to);
  float* packed_values = packed_keys + size_.keys * size_.depth;
  bool infinite = false;
  for (std::size_t first = block * kPackedKeys; first < end; first += kLaneKeys) {
    const auto row = static_cast<std::ptrdiff_t>(first);
    infinite |= HWY_DYNAMIC_DISPATCH(pack_lanes)(
        size_, {keys.base + row * keys.stride, keys.stride},
        {values.base + row * values.stride, values.stride}, std::min(kLaneKeys, end - first),
        packed_keys + first * size_.depth, packed_values + first * size_.width);
  }
  return infinite;
}

void AttentionLanes::attend(Rows queries, std::size_t rows, const std::byte* packed, float* scratch,
                            float* y, std::ptrdiff_t y_stride) const noexcept {
  const auto* keys = reinterpret_cast<const float*>(packed);
  HWY_DYNAMIC_DISPATCH(attend_lanes)
  (size_, {queries, rows, keys, keys + size_.keys * size_.depth, scratch, y, y_stride});
}

}  // namespace metalaudio::nn::cpu
#endif

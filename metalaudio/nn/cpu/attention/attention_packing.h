#pragma once

#include <metalaudio/core/half.h>
#include <metalaudio/nn/cpu/attention/attention_tiles.h>
#include <metalaudio/nn/cpu/gemm/pair_products.h>

#include <cstddef>

namespace metalaudio::nn::cpu {

/// A query as a column of tiles, 16 of which lie side by side, times the scale and what makes its
/// weights powers of two. The small parts lie before the large ones, `part_depth` depths each.
/// Realtime: safe.
void pack_query(const float* query, const HeadSize& size, std::size_t parts, std::size_t part_depth,
                BFloat16* to) noexcept;

}  // namespace metalaudio::nn::cpu

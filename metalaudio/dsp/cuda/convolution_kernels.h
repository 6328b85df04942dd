#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace metalaudio::dsp::cuda {

/// The products of a turn: block j of a channel is the sum over partitions p of filters[p] and the
/// spectrum of input block j - p, which lies in slot (newest + j - p) of a ring.
struct PartitionSums {
  std::int64_t channels = 0;
  std::int64_t bins = 0;
  int partitions = 0;
  int blocks = 0;  ///< of this turn
  int slots = 0;   ///< of the ring: partitions - 1 and the blocks of a turn at least
  int first = 0;   ///< slot of block 0
  const float2* inputs = nullptr;   ///< [channels][slots][bins]
  const float2* filters = nullptr;  ///< [1 or channels][partitions][bins]
  bool one_filter = true;
  float2* sums = nullptr;  ///< [channels][blocks][bins]
};

void sum_partitions(const PartitionSums& work, cudaStream_t stream);

}  // namespace metalaudio::dsp::cuda

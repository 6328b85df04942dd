#pragma once

#include <cstdint>

namespace metalaudio::models::cuda {

/// Two channels (or outputs) share a complex transform; of an odd number each has its own.
__host__ __device__ inline bool paired(std::int64_t channels) { return channels % 2 == 0; }
__host__ __device__ inline std::int64_t lanes(std::int64_t channels) {
  return paired(channels) ? channels / 2 : channels;
}

}  // namespace metalaudio::models::cuda

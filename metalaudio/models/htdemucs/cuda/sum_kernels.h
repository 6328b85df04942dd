#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace metalaudio::models::cuda {

/// A row of sums, as SumRule has it.
struct SumRow {
  std::int64_t output;
  float gain;
};

/// One segment on its way into sums, which move on while it is added. Frames are counted from the
/// sums' new origin.
struct SumStep {
  std::int64_t rows = 0;
  std::int64_t pitch = 0;       ///< between rows of sums
  std::int64_t old_frames = 0;  ///< of the sums before it
  std::int64_t advance = 0;     ///< of the origin
  std::int64_t frames = 0;      ///< of the sums with it
  std::int64_t first = 0;       ///< of the segment; negative where its beginning is left out
  std::int64_t count = 0;       ///< samples that are added
  std::int64_t before = 0;      ///< samples of the segment that are left out before them
  std::int64_t segment = 0;     ///< samples of a segment
  std::int64_t heights = 0;
  std::int64_t stride = 0;
  std::int64_t earlier = 0;
  std::int64_t reach = 0;
};

/// from[rows][pitch], stems[outputs][segment] -> to[rows][pitch], rounded step by step as SumRule
/// says, so that the bits are those of the CPU. Puts the work into a stream; errors are
/// cudaGetLastError()'s.
void add_segment(const SumStep& step, const SumRow* rows, const float* heights, const float* stems,
                 const float* from, float* to, cudaStream_t stream);

}  // namespace metalaudio::models::cuda

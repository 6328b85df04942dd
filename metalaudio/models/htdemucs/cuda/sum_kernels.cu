#include <metalaudio/models/htdemucs/cuda/sum_kernels.h>

namespace metalaudio::models::cuda {

namespace {

constexpr int kThreads = 256;

/// The rounding of each operation is said, since the compiler would fuse them.
__device__ float weight_of(const SumStep& step, const float* heights, std::int64_t sample) {
  float sum = 0;
  for (std::int64_t back = step.earlier; back >= -step.reach; --back) {
    const std::int64_t other = sample + back * step.stride;
    if (other >= 0 && other < step.heights) sum = __fadd_rn(sum, heights[other]);
  }
  return __fdiv_rn(heights[sample], sum);
}

__global__ void add_segment_kernel(SumStep step, const SumRow* rows, const float* heights,
                                   const float* stems, const float* from, float* to) {
  const std::int64_t frame = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (frame >= step.frames) return;
  const std::int64_t sample = frame - step.first;
  const bool covered = sample >= 0 && sample < step.count;
  const float weight = covered ? weight_of(step, heights, sample) : 0;
  const std::int64_t old = frame + step.advance;
  for (std::int64_t row = 0; row < step.rows; ++row) {
    float sum = old < step.old_frames ? from[row * step.pitch + old] : 0;
    if (covered) {
      const float stem = stems[rows[row].output * step.segment + step.before + sample];
      sum = __fadd_rn(sum, __fmul_rn(rows[row].gain, __fmul_rn(weight, stem)));
    }
    to[row * step.pitch + frame] = sum;
  }
}

}  // namespace

void add_segment(const SumStep& step, const SumRow* rows, const float* heights, const float* stems,
                 const float* from, float* to, cudaStream_t stream) {
  if (step.frames == 0) return;
  const auto blocks = static_cast<unsigned>((step.frames + kThreads - 1) / kThreads);
  add_segment_kernel<<<blocks, kThreads, 0, stream>>>(step, rows, heights, stems, from, to);
}

}  // namespace metalaudio::models::cuda

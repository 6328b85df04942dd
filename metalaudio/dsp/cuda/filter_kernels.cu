#include <metalaudio/dsp/cuda/filter_kernels.h>

namespace metalaudio::dsp::cuda {

namespace {

constexpr int kMostThreads = 256;
constexpr unsigned kAll = 0xFFFFFFFFU;

/// Runs lie one value apart from a multiple of the banks.
__device__ int place(int i) { return i + i / kRun; }

__device__ double2 times(const double* matrix, double2 v) {
  return {fma(__ldg(matrix), v.x, __ldg(matrix + 1) * v.y),
          fma(__ldg(matrix + 2), v.x, __ldg(matrix + 3) * v.y)};
}

__device__ double2 add(double2 a, double2 b) { return {a.x + b.x, a.y + b.y}; }

__device__ double2 from_lane_below(double2 v, int distance) {
  return {__shfl_up_sync(kAll, v.x, distance), __shfl_up_sync(kAll, v.y, distance)};
}

struct Coefficients {
  double beta0, gamma1, gamma2, alpha1, alpha2;

  __device__ explicit Coefficients(const FilterSection& section)
      : beta0(__ldg(&section.beta0)),
        gamma1(__ldg(&section.gamma1)),
        gamma2(__ldg(&section.gamma2)),
        alpha1(__ldg(&section.alpha1)),
        alpha2(__ldg(&section.alpha2)) {}

  __device__ void step(double2& s, double x) const {
    const double change = fma(-alpha1, s.x, fma(gamma1, x, s.y));
    s.y = fma(-alpha2, s.x, fma(gamma2, x, s.y));
    s.x += change;
  }
};

/// The state before this thread's run: the one before the tile, and what the runs before it add, each
/// from silence. `totals` takes what each warp adds.
__device__ double2 state_before(const FilterSection& section, double2 run, double2 tile,
                                double2* totals) {
  const int thread = static_cast<int>(threadIdx.x);
  const int lane = thread % 32;
  const int warp = thread / 32;
  for (int i = 0; i < 5; ++i) {
    const double2 below = from_lane_below(run, 1 << i);
    if (lane >= 1 << i) run = add(run, times(section.powers[i], below));
  }
  if (lane == 31) totals[warp] = run;
  double2 before = from_lane_below(run, 1);
  if (lane == 0) before = {0, 0};
  __syncthreads();
  for (int w = 0; w < warp; ++w) tile = add(times(section.powers[5], tile), totals[w]);
  for (int i = 0; i < 5; ++i) {
    if ((lane >> i) & 1) tile = times(section.powers[i], tile);
  }
  return add(before, tile);
}

__global__ void __launch_bounds__(kMostThreads)
    filter_kernel(const __grid_constant__ FilterWork work, const float* in, float* out) {
  __shared__ float samples[kMostThreads * (kRun + 1)];
  __shared__ double2 totals[2][kMostThreads / 32];
  const auto threads = static_cast<int>(blockDim.x);
  const auto thread = static_cast<int>(threadIdx.x);
  const std::int64_t band = blockIdx.x % work.bands;
  const std::int64_t channel = blockIdx.x / work.bands;
  const FilterSection* const sections = work.sections + band * work.most_sections;
  const int count = work.counts[band];
  double2* const states = work.states + static_cast<std::int64_t>(blockIdx.x) * work.most_sections;
  const float* const from = in + channel * work.frames;
  float* const to = out + static_cast<std::int64_t>(blockIdx.x) * work.frames;
  const int tile = threads * kRun;
  unsigned trouble = 0;
  for (std::int64_t first = 0; first < work.frames; first += tile) {
    const std::int64_t rest = work.frames - first;
    const int length = static_cast<int>(rest < tile ? rest : tile);
    for (int i = thread; i < tile; i += threads) {
      float v = i < length ? __ldg(from + first + i) : 0.0F;
      if (!(fabsf(v) <= 1e30F)) {
        trouble |= kInputReplaced;
        v = 0;
      }
      samples[place(i)] = v;
    }
    __syncthreads();
    double x[kRun];
#pragma unroll
    for (int i = 0; i < kRun; ++i) x[i] = samples[thread * (kRun + 1) + i];
    // The run that ends the tile leaves the state behind, after its last sample that there is.
    const bool last = thread == (length - 1) / kRun;
    const int end = length - thread * kRun;
    for (int k = 0; k < count; ++k) {
      const Coefficients section(sections[k]);
      const double2 tile_state = states[k];
      double2 state{0, 0};
#pragma unroll
      for (int i = 0; i < kRun; ++i) section.step(state, x[i]);
      state = state_before(sections[k], state, tile_state, totals[k % 2]);
#pragma unroll
      for (int i = 0; i < kRun; ++i) {
        const double y = fma(section.beta0, x[i], state.x);
        section.step(state, x[i]);
        x[i] = y;
        if (last && i == end - 1) {
          const bool finite = isfinite(state.x) && isfinite(state.y);
          if (!finite) trouble |= kStateCleared;
          states[k] = finite ? state : double2{0, 0};
        }
      }
    }
#pragma unroll
    for (int i = 0; i < kRun; ++i) samples[thread * (kRun + 1) + i] = static_cast<float>(x[i]);
    __syncthreads();
    for (int i = thread; i < length; i += threads) to[first + i] = samples[place(i)];
    __syncthreads();
  }
  if (trouble != 0) atomicOr(work.trouble, trouble);
}

}  // namespace

void run_filters(const FilterWork& work, const float* in, float* out, cudaStream_t stream) {
  const std::int64_t warps = (work.frames + 32 * kRun - 1) / (32 * kRun);
  const auto threads = static_cast<unsigned>(warps * 32 < kMostThreads ? warps * 32 : kMostThreads);
  filter_kernel<<<static_cast<unsigned>(work.channels * work.bands), threads, 0, stream>>>(work, in,
                                                                                           out);
}

}  // namespace metalaudio::dsp::cuda

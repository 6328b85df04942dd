#pragma once

#include <metalaudio/core/cuda/power_of_two.h>
#include <metalaudio/dsp/cuda/fft_kernels.h>
#include <metalaudio/dsp/cuda/transform.cuh>

namespace metalaudio::dsp::cuda {

// Real transforms of 2 · kSize samples as complex ones of kSize values, the even samples and the odd
// ones, between a pass that takes the two spectra apart or puts them together. Small transforms share
// a block: threadIdx.y counts them.

template <int kSize>
constexpr int kRows = kWorkers<kSize> >= 256 ? 1 : 256 / kWorkers<kSize>;
/// Threads of a block, and the blocks of them that should fit on a multiprocessor: a thread gets 64
/// registers, which are enough and leave others to work while it waits for memory.
template <int kSize>
constexpr int kThreadsOf = kWorkers<kSize>* kRows<kSize>;
template <int kSize>
constexpr int kBlocksOf = kThreadsOf<kSize> >= 1024 ? 1 : 1024 / kThreadsOf<kSize>;
/// Values of shared memory that one transform takes.
template <int kSize>
constexpr int kPadded = padded(kSize);

/// Calls launch.operator()<size>() with a transform's size.
template <typename Launch>
auto with_size(std::int64_t size, const Launch& launch) {
  return metalaudio::cuda::with_power_of_two<8>(size, launch);
}

inline unsigned blocks_for(std::int64_t count, std::int64_t size) {
  return static_cast<unsigned>((count + size - 1) / size);
}

__device__ inline float2 conjugate(float2 a) { return {a.x, -a.y}; }

/// The spectrum of 2 · kSize real samples, bin by bin to store(k, X), out of that of their pairs.
template <int kSize, typename Store>
__device__ inline void take_apart(const float2* pairs, const float2* tables, Store store) {
  const float2* const turns = tables + kSize;
  for (int k = static_cast<int>(threadIdx.x); k <= kSize / 2; k += kWorkers<kSize>) {
    const float2 a = pairs[padded(k)];
    const float2 b = conjugate(pairs[padded((kSize - k) & (kSize - 1))]);
    const float2 sum = a + b;
    const float2 even{0.5F * sum.x, 0.5F * sum.y};
    const float2 difference = turned(a - b);
    const float2 odd = float2{0.5F * difference.x, 0.5F * difference.y} * __ldg(turns + k);
    store(k, even + odd);
    store(kSize - k, conjugate(even - odd));
  }
}

/// And back: twice the spectrum of the pairs, with real and imaginary parts exchanged, so that a
/// forward transform is the inverse one. load(k) is bin k.
template <int kSize, typename Load>
__device__ inline void put_together(float2* pairs, const float2* tables, Load load) {
  const float2* const turns = tables + kSize;
  for (int k = static_cast<int>(threadIdx.x); k <= kSize / 2; k += kWorkers<kSize>) {
    float2 a = load(k);
    float2 b = conjugate(load(kSize - k));
    if (k == 0) a.y = b.y = 0;
    const float2 even = a + b;
    const float2 odd = (a - b) * conjugate(__ldg(turns + k));
    pairs[padded(k)] = {even.y + odd.x, even.x - odd.y};
    if (k > 0) pairs[padded(kSize - k)] = {odd.x - even.y, even.x + odd.y};
  }
}

/// What put_together() leaves at one place.
template <int kSize, typename Load>
__device__ inline float2 pair_of(Place place, const float2* tables, Load load) {
  const bool lower = place.step < kSize / 2;
  const int k = lower ? place.base + place.step : kSize - place.step - place.base;
  float2 a = load(k);
  float2 b = conjugate(load(kSize - k));
  if (place.step == 0 && place.base == 0) a.y = b.y = 0;
  const float2 even = a + b;
  const float2 odd = (a - b) * conjugate(__ldg(tables + kSize + k));
  return lower ? float2{even.y + odd.x, even.x - odd.y} : float2{odd.x - even.y, even.x + odd.y};
}

}  // namespace metalaudio::dsp::cuda

#pragma once

namespace metalaudio::dsp::cuda {

// A complex FFT of one block of threads, Stockham's with passes of radix 8, which keep eight values
// of each thread in registers between two barriers; a first pass of radix 2 or 4 takes what is left.

/// Threads that work on a transform of kSize values.
template <int kSize>
constexpr int kWorkers = kSize / 8;
/// Whole warps of them.
template <int kSize>
constexpr int kBlock = kWorkers<kSize> < 32 ? 32 : kWorkers<kSize>;

/// A hole after every 16 values: strides of powers of two meet no bank twice.
__device__ constexpr int padded(int index) { return index + (index >> 4); }

/// Where a value of a transform lies: `step` is known to the compiler, which so counts addresses once
/// for all values of a thread. padded() of both together is the sum of each one's.
struct Place {
  int base;
  int step;

  __device__ operator int() const { return base + step; }
};
__device__ inline int padded(Place place) { return padded(place.base) + padded(place.step); }

__device__ inline float2 operator+(float2 a, float2 b) { return {a.x + b.x, a.y + b.y}; }
__device__ inline float2 operator-(float2 a, float2 b) { return {a.x - b.x, a.y - b.y}; }
__device__ inline float2 operator*(float2 a, float2 b) {
  return {a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x};
}
/// a · -i.
__device__ inline float2 turned(float2 a) { return {a.y, -a.x}; }

__device__ inline void butterfly(float2 (&v)[2]) {
  const float2 a = v[0];
  v[0] = a + v[1];
  v[1] = a - v[1];
}

__device__ inline void butterfly(float2 (&v)[4]) {
  const float2 a = v[0] + v[2];
  const float2 b = v[0] - v[2];
  const float2 c = v[1] + v[3];
  const float2 d = turned(v[1] - v[3]);
  v[0] = a + c;
  v[1] = b + d;
  v[2] = a - c;
  v[3] = b - d;
}

__device__ inline void butterfly(float2 (&v)[8]) {
  constexpr float kHalfRoot = 0.70710678118654752F;
  float2 even[4] = {v[0], v[2], v[4], v[6]};
  float2 odd[4] = {v[1], v[3], v[5], v[7]};
  butterfly(even);
  butterfly(odd);
  odd[1] = {kHalfRoot * (odd[1].x + odd[1].y), kHalfRoot * (odd[1].y - odd[1].x)};
  odd[2] = turned(odd[2]);
  odd[3] = {kHalfRoot * (odd[3].y - odd[3].x), -kHalfRoot * (odd[3].x + odd[3].y)};
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    v[k] = even[k] + odd[k];
    v[k + 4] = even[k] - odd[k];
  }
}

template <int kSize>
__host__ __device__ constexpr int first_radix() {
  int bits = 0;
  while ((1 << bits) < kSize) ++bits;
  return bits % 3 == 0 ? 8 : 1 << (bits % 3);
}

/// The pass of transforms of kSpan · radix values out of those of kSpan values. load(i) is value i
/// of the input, store(i, v) takes value i of the result; in place, all have been loaded when the
/// first is stored.
template <int kSize, int kSpan, int kRadix, bool kInPlace, typename Load, typename Store>
__device__ inline void pass(const float2* twiddles, Load load, Store store) {
  constexpr int kButterflies = 8 / kRadix;
  const int thread = static_cast<int>(threadIdx.x);
  const bool works = thread < kWorkers<kSize>;
  float2 values[kButterflies][kRadix];
  if (works) {
#pragma unroll
    for (int b = 0; b < kButterflies; ++b) {
      const int j = thread + b * kWorkers<kSize>;
      const float2* const turns = twiddles + j % kSpan;
#pragma unroll
      for (int r = 0; r < kRadix; ++r) {
        values[b][r] = load(Place{j, r * (kSize / kRadix)});
        if (kSpan > 1 && r > 0) {
          values[b][r] = values[b][r] * __ldg(turns + r * kSpan);
        }
      }
      butterfly(values[b]);
    }
  }
  if constexpr (kInPlace) __syncthreads();
  if (works) {
#pragma unroll
    for (int b = 0; b < kButterflies; ++b) {
      const int j = thread + b * kWorkers<kSize>;
      const int first = j / kSpan * (kSpan * kRadix) + j % kSpan;
#pragma unroll
      for (int r = 0; r < kRadix; ++r) store(Place{first, r * kSpan}, values[b][r]);
    }
  }
}

/// The whole transform from load(i) to store(i, v); between passes values lie in `shared`, which is
/// padded(kSize) long, and `twiddles` are make_twiddles()'s.
template <int kSize, int kSpan = 1, typename Load, typename Store>
__device__ inline void transform(const float2* twiddles, float2* shared, Load load, Store store) {
  constexpr int kRadix = kSpan == 1 ? first_radix<kSize>() : 8;
  if constexpr (kSpan * kRadix == kSize) {
    pass<kSize, kSpan, kRadix, true>(twiddles, load, store);
  } else {
    pass<kSize, kSpan, kRadix, true>(twiddles, load,
                                     [&](Place i, float2 v) { shared[padded(i)] = v; });
    __syncthreads();
    transform<kSize, kSpan * kRadix>(
        twiddles, shared, [&](Place i) { return shared[padded(i)]; }, store);
  }
}

/// The last pass, out of transforms of kSize / 8 values: store(r, v) takes value t + r · kSize / 8 in
/// thread t.
template <int kSize, typename Load, typename Store>
__device__ inline void last_pass(const float2* twiddles, Load load, Store store) {
  constexpr int kSpan = kSize / 8;
  const int thread = static_cast<int>(threadIdx.x);
  if (thread >= kWorkers<kSize>) return;
  const float2* const turns = twiddles + thread;
  float2 values[8];
#pragma unroll
  for (int r = 0; r < 8; ++r) {
    values[r] = load(Place{thread, r * kSpan});
    if (kSpan > 1 && r > 0) values[r] = values[r] * __ldg(turns + r * kSpan);
  }
  butterfly(values);
#pragma unroll
  for (int r = 0; r < 8; ++r) store(r, values[r]);
}

/// The same through two buffers, with a barrier a pass instead of two; what comes out of it stays
/// with its threads, as last_pass() has it. loaded() is called when the last value has been loaded.
/// Before the next transform through them there is to be a barrier.
template <int kSize, int kSpan = 1, typename Load, typename Store, typename Loaded>
__device__ inline void transform_between(const float2* twiddles, float2* shared, float2* other,
                                         Load load, Store store, Loaded loaded) {
  if constexpr (kSpan * 8 == kSize) {
    last_pass<kSize>(twiddles, load, store);
    if constexpr (kSpan == 1) {
      __syncthreads();
      loaded();
    }
  } else {
    constexpr int kRadix = kSpan == 1 ? first_radix<kSize>() : 8;
    pass<kSize, kSpan, kRadix, false>(twiddles, load,
                                      [&](Place i, float2 v) { shared[padded(i)] = v; });
    __syncthreads();
    if constexpr (kSpan == 1) loaded();
    transform_between<kSize, kSpan * kRadix>(
        twiddles, other, shared, [&](Place i) { return shared[padded(i)]; }, store, loaded);
  }
}

/// The values of last_pass() in each thread, added up over frames that begin a whole number of times
/// kSize / 8 values after one another.
struct FrameSums {
  float2 at[8] = {};

  /// Takes what the next frame does not reach, kParts · kSize / 8 values, by take(r, sum).
  template <int kParts, typename Take>
  __device__ void advance(Take take) {
#pragma unroll
    for (int r = 0; r < kParts; ++r) take(r, at[r]);
#pragma unroll
    for (int r = 0; r < 8; ++r) at[r] = r + kParts < 8 ? at[(r + kParts) % 8] : float2{0, 0};
  }
};

}  // namespace metalaudio::dsp::cuda

#pragma once

#include <metalaudio/nn/cuda/kernels/conv.h>
#include <metalaudio/nn/cuda/kernels/common.cuh>

namespace metalaudio::nn::cuda {

/// The type of the values that a product reads and writes.
template <Product P>
struct ValueOf {
  using Type = float;
};
template <>
struct ValueOf<Product::f16> {
  using Type = Half;
};
template <>
struct ValueOf<Product::bf16> {
  using Type = Bfloat;
};

__device__ __forceinline__ std::uint32_t shared_address(const void* pointer) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(pointer));
}

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
constexpr bool kBeforeAmpere = true;
#else
constexpr bool kBeforeAmpere = false;
#endif

/// Copies Bytes to shared memory in the background, or zeros; before Ampere at once.
template <int Bytes>
__device__ __forceinline__ void copy_async(std::uint32_t to, const void* from, bool there) {
  if constexpr (kBeforeAmpere) {
    using Words = Vector<std::uint32_t, Bytes / 4>;
    *static_cast<Words*>(__cvta_shared_to_generic(to)) =
        there ? *static_cast<const Words*>(from) : Words{};
  } else {
    const int size = there ? Bytes : 0;
    if constexpr (Bytes == 16) {
      asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(to), "l"(from),
                   "r"(size));
    } else {
      asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;\n" ::"r"(to), "l"(from),
                   "n"(Bytes), "r"(size));
    }
  }
}
__device__ __forceinline__ void end_copies() {
  if constexpr (!kBeforeAmpere) asm volatile("cp.async.commit_group;\n" ::);
}
template <int Left>
__device__ __forceinline__ void wait_for_copies() {
  if constexpr (!kBeforeAmpere) asm volatile("cp.async.wait_group %0;\n" ::"n"(Left));
}

__device__ __forceinline__ void load_matrices(std::uint32_t (&to)[4], std::uint32_t from) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];\n"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(from));
}

/// The same with each matrix turned over.
__device__ __forceinline__ void load_transposed(std::uint32_t (&to)[4], std::uint32_t from) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];\n"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(from));
}

/// A matrix of 8 x 8 values of 16 bits, spread over a warp, turned over.
__device__ __forceinline__ std::uint32_t transposed(std::uint32_t matrix) {
  std::uint32_t turned;
  asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;\n" : "=r"(turned) : "r"(matrix));
  return turned;
}

/// Two values side by side, the first one lower.
template <typename T>
__device__ __forceinline__ std::uint32_t pack(float low, float high) {
  if constexpr (kBeforeAmpere) {
    const Vector<T, 2> both{{from_float<T>(low), from_float<T>(high)}};
    return *reinterpret_cast<const std::uint32_t*>(&both);
  } else {
    std::uint32_t both;
    if constexpr (std::is_same_v<T, Half>) {
      asm("cvt.rn.f16x2.f32 %0, %1, %2;\n" : "=r"(both) : "f"(high), "f"(low));
    } else {
      asm("cvt.rn.bf16x2.f32 %0, %1, %2;\n" : "=r"(both) : "f"(high), "f"(low));
    }
    return both;
  }
}

/// What the tensor cores, which drop the low 13 bits, take for the nearest number. What is not finite
/// stays: a NaN of all bits would become zero.
__device__ __forceinline__ std::uint32_t near_tf32(std::uint32_t x) {
  return fabsf(__uint_as_float(x)) < INFINITY ? x + 0x1000U : x;
}

constexpr std::uint32_t kTf32Bits = 0xFFFF'E000U;

/// A float32 as the sum of two numbers of tf32, which keep 22 of its 24 bits.
__device__ __forceinline__ void split(std::uint32_t x, std::uint32_t& high, std::uint32_t& low) {
  high = near_tf32(x) & kTf32Bits;
  low = __float_as_uint(__uint_as_float(x) - __uint_as_float(high));
}

/// What they drop of a number that is not rounded.
__device__ __forceinline__ float cut_rest(float x) {
  return x - __uint_as_float(__float_as_uint(x) & kTf32Bits);
}

/// multiply() on the ordinary units, for types that the tensor cores before Ampere lack: 32 bytes of
/// the reduction, of which each lane holds the words lane % 4 and 4 on.
template <typename T>
__device__ __noinline__ void multiply_by_lanes(float (&c)[4], const std::uint32_t (&a)[4],
                                               std::uint32_t b0, std::uint32_t b1) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  constexpr unsigned kAll = 0xffffffffU;
  for (int word = 0; word < 8; ++word) {
    const bool later = word >= 4;
    const int from = word % 4;
    std::uint32_t rows[2];
    std::uint32_t columns[2];
    for (int i = 0; i < 2; ++i) {
      rows[i] = __shfl_sync(kAll, later ? a[2 + i] : a[i], lane / 4 * 4 + from);
      columns[i] = __shfl_sync(kAll, later ? b1 : b0, (lane % 4 * 2 + i) * 4 + from);
    }
    for (int i = 0; i < static_cast<int>(4 / sizeof(T)); ++i) {
      for (int e = 0; e < 4; ++e) {
        c[e] = fmaf(to_float(reinterpret_cast<const T*>(&rows[e / 2])[i]),
                    to_float(reinterpret_cast<const T*>(&columns[e % 2])[i]), c[e]);
      }
    }
  }
}

/// Multiplies 16 rows and 32 bytes of the reduction by 8 columns.
template <Product P>
__device__ __forceinline__ void multiply(float (&c)[4], const std::uint32_t (&a)[4],
                                         std::uint32_t b0, std::uint32_t b1) {
  if constexpr (kBeforeAmpere && P != Product::f16) {
    multiply_by_lanes<typename ValueOf<P>::Type>(c, a, b0, b1);
  } else if constexpr (kBeforeAmpere) {
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5}, {%8}, "
        "{%0,%1,%2,%3};\n"
        "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%6,%7}, {%9}, "
        "{%0,%1,%2,%3};\n"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  } else if constexpr (P == Product::f16) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
        "{%0,%1,%2,%3};\n"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  } else if constexpr (P == Product::bf16) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
        "{%8,%9}, {%0,%1,%2,%3};\n"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  } else {
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
        "{%8,%9}, {%0,%1,%2,%3};\n"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  }
}

/// The same of split numbers: all products but those of the lower ones with each other. The tensor
/// cores round towards zero when they add, so `sums` should take few additions; `small` takes what
/// has a lower factor.
__device__ __forceinline__ void multiply_split(float (&sums)[4], float (&small)[4],
                                               const std::uint32_t (&high)[4],
                                               const std::uint32_t (&low)[4],
                                               const std::uint32_t (&b0)[2],
                                               const std::uint32_t (&b1)[2]) {
  multiply<Product::tf32>(sums, high, b0[0], b1[0]);
  multiply<Product::tf32>(small, low, b0[0], b1[0]);
  multiply<Product::tf32>(small, high, b0[1], b1[1]);
}

}  // namespace metalaudio::nn::cuda

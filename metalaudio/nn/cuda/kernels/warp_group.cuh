#pragma once

#include <metalaudio/nn/cuda/kernels/tensor_core.cuh>

namespace metalaudio::nn::cuda {

// Products of a warp group, four warps that start at a multiple of four, on the tensor cores of
// compute capability 9.0. Factors in shared memory lie in tiles of rows of 64 bytes whose chunks are
// exchanged as by swizzled(), which start at a multiple of 512 bytes; or in narrow ones, of rows of
// 32 bytes exchanged as by narrow_place(), which start at a multiple of 256.

#ifdef __CUDA_ARCH_FEAT_SM90_ALL
constexpr bool kWarpGroups = true;
#else
constexpr bool kWarpGroups = false;
#endif

__device__ __forceinline__ std::uint64_t tile_descriptor(const void* tile) {
  // The address, eight rows of 64 bytes from one group of rows to the next, and the exchange.
  return static_cast<std::uint64_t>(shared_address(tile) >> 4) | std::uint64_t{1} << 16 |
         std::uint64_t{512 >> 4} << 32 | std::uint64_t{2} << 62;
}

/// Where chunk c (16 bytes) of row r lies in a narrow tile, so that eight rows of one chunk touch
/// every bank once, and so do four whole rows.
__device__ __forceinline__ constexpr int narrow_place(int row, int chunk) {
  return row * 32 + ((chunk ^ (row >> 2 & 1)) << 4);
}
/// A narrow tile whose rows are those of the product; or, turned over, its columns, of which the next
/// 16 lie in the tile `next` bytes on.
__device__ __forceinline__ std::uint64_t narrow_descriptor(const void* tile, int next = 16) {
  return static_cast<std::uint64_t>(shared_address(tile) >> 4) |
         static_cast<std::uint64_t>(next >> 4) << 16 | std::uint64_t{256 >> 4} << 32 |
         std::uint64_t{3} << 62;
}

/// What ordinary stores and copies of this thread wrote is seen by products after the next barrier.
__device__ __forceinline__ void publish_to_products() {
  asm volatile("fence.proxy.async.shared::cta;\n" ::: "memory");
}
__device__ __forceinline__ void begin_products() {
  asm volatile("wgmma.fence.sync.aligned;\n" ::: "memory");
}
__device__ __forceinline__ void end_products() {
  asm volatile("wgmma.commit_group.sync.aligned;\n" ::: "memory");
}
template <int Left>
__device__ __forceinline__ void wait_for_products() {
  asm volatile("wgmma.wait_group.sync.aligned %0;\n" ::"n"(Left) : "memory");
}

// The sums that one instruction adds to, by their number: names in the assembly, and operands.
#define METALAUDIO_NAMES_16 "{%0,%1,%2,%3,%4,%5,%6,%7}"
#define METALAUDIO_NAMES_32 "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15}"
#define METALAUDIO_NAMES_48                                                             \
  "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22," \
  "%23}"
#define METALAUDIO_NAMES_64                                                             \
  "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22," \
  "%23,%24,%25,%26,%27,%28,%29,%30,%31}"
#define METALAUDIO_NAMES_96                                                              \
  "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,"  \
  "%23,%24,%25,%26,%27,%28,%29,%30,%31,%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43," \
  "%44,%45,%46,%47}"
#define METALAUDIO_NAMES_128                                                             \
  "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,"  \
  "%23,%24,%25,%26,%27,%28,%29,%30,%31,%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43," \
  "%44,%45,%46,%47,%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63}"
#define METALAUDIO_NAMES_192                                                             \
  "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,"  \
  "%23,%24,%25,%26,%27,%28,%29,%30,%31,%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43," \
  "%44,%45,%46,%47,%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63,%64," \
  "%65,%66,%67,%68,%69,%70,%71,%72,%73,%74,%75,%76,%77,%78,%79,%80,%81,%82,%83,%84,%85," \
  "%86,%87,%88,%89,%90,%91,%92,%93,%94,%95}"
#define METALAUDIO_EIGHT(i)                                                                   \
  "+f"(c[i]), "+f"(c[i + 1]), "+f"(c[i + 2]), "+f"(c[i + 3]), "+f"(c[i + 4]), "+f"(c[i + 5]), \
      "+f"(c[i + 6]), "+f"(c[i + 7])
#define METALAUDIO_SUMS_16 METALAUDIO_EIGHT(0)
#define METALAUDIO_SUMS_32 METALAUDIO_SUMS_16, METALAUDIO_EIGHT(8)
#define METALAUDIO_SUMS_48 METALAUDIO_SUMS_32, METALAUDIO_EIGHT(16)
#define METALAUDIO_SUMS_64 METALAUDIO_SUMS_48, METALAUDIO_EIGHT(24)
#define METALAUDIO_SUMS_96 METALAUDIO_SUMS_64, METALAUDIO_EIGHT(32), METALAUDIO_EIGHT(40)
#define METALAUDIO_SUMS_128 METALAUDIO_SUMS_96, METALAUDIO_EIGHT(48), METALAUDIO_EIGHT(56)
#define METALAUDIO_SUMS_192                                                              \
  METALAUDIO_SUMS_128, METALAUDIO_EIGHT(64), METALAUDIO_EIGHT(72), METALAUDIO_EIGHT(80), \
      METALAUDIO_EIGHT(88)

/// Adds 64 rows and 32 bytes of the reduction by N columns; a lane's sums lie as those of multiply(),
/// tile of eight columns after tile, with warp w in rows 16 w on.
template <Product P, int N>
__device__ __forceinline__ void multiply_group(float (&c)[N / 2], std::uint64_t a,
                                               std::uint64_t b) {
#define METALAUDIO_PRODUCT(Type, Size, A, B)                                      \
  asm volatile("wgmma.mma_async.sync.aligned.m64n" #Size "k16.f32." Type "." Type \
               " " METALAUDIO_NAMES_##Size ", %" #A ", %" #B ", 1, 1, 1, 0, 0;\n" \
               : METALAUDIO_SUMS_##Size                                           \
               : "l"(a), "l"(b))
#define METALAUDIO_WIDTH(Size, A, B)          \
  if constexpr (N == Size) {                  \
    if constexpr (P == Product::f16) {        \
      METALAUDIO_PRODUCT("f16", Size, A, B);  \
    } else {                                  \
      METALAUDIO_PRODUCT("bf16", Size, A, B); \
    }                                         \
  }
  METALAUDIO_WIDTH(16, 8, 9)
  METALAUDIO_WIDTH(32, 16, 17)
  METALAUDIO_WIDTH(48, 24, 25)
  METALAUDIO_WIDTH(64, 32, 33)
  METALAUDIO_WIDTH(96, 48, 49)
  METALAUDIO_WIDTH(128, 64, 65)
  METALAUDIO_WIDTH(192, 96, 97)
#undef METALAUDIO_WIDTH
#undef METALAUDIO_PRODUCT
}

/// The same in tf32 with the rows in registers, as multiply() takes them. Begins: the sums are what
/// this product gives, whatever they held.
template <int N, bool Begins>
__device__ __forceinline__ void multiply_group_tf32(float (&c)[N / 2], const std::uint32_t (&a)[4],
                                                    std::uint64_t b) {
#define METALAUDIO_PRODUCT(Adds, Size, A, B, C, D, E)                                           \
  asm volatile("wgmma.mma_async.sync.aligned.m64n" #Size                                        \
               "k8.f32.tf32.tf32 " METALAUDIO_NAMES_##Size ", {%" #A ", %" #B ", %" #C ", %" #D \
                                                           "}, %" #E ", " Adds ", 1, 1;\n"      \
               : METALAUDIO_SUMS_##Size                                                         \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b))
#define METALAUDIO_WIDTH(Size, A, B, C, D, E)       \
  if constexpr (N == Size) {                        \
    if constexpr (Begins) {                         \
      METALAUDIO_PRODUCT("0", Size, A, B, C, D, E); \
    } else {                                        \
      METALAUDIO_PRODUCT("1", Size, A, B, C, D, E); \
    }                                               \
  }
  METALAUDIO_WIDTH(16, 8, 9, 10, 11, 12)
  METALAUDIO_WIDTH(32, 16, 17, 18, 19, 20)
  METALAUDIO_WIDTH(48, 24, 25, 26, 27, 28)
  METALAUDIO_WIDTH(64, 32, 33, 34, 35, 36)
  METALAUDIO_WIDTH(96, 48, 49, 50, 51, 52)
  METALAUDIO_WIDTH(128, 64, 65, 66, 67, 68)
  METALAUDIO_WIDTH(192, 96, 97, 98, 99, 100)
#undef METALAUDIO_WIDTH
#undef METALAUDIO_PRODUCT
}

/// multiply_group() with the rows in registers, as multiply() takes them. Begins: the sums are what
/// this product gives. Turned: each row of the columns' tile is one number of the reduction.
template <Product P, int N, bool Begins, bool Turned>
__device__ __forceinline__ void multiply_group_rows(float (&c)[N / 2], const std::uint32_t (&a)[4],
                                                    std::uint64_t b) {
#define METALAUDIO_PRODUCT(Type, Size, A, B, C, D, E, F, G)                                        \
  asm volatile("wgmma.mma_async.sync.aligned.m64n" #Size "k16.f32." Type "." Type                  \
               " " METALAUDIO_NAMES_##Size ", {%" #A ", %" #B ", %" #C ", %" #D "}, %" #E ", %" #F \
                                           ", 1, 1, %" #G ";\n"                                    \
               : METALAUDIO_SUMS_##Size                                                            \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "n"(Begins ? 0 : 1),          \
                 "n"(Turned ? 1 : 0))
#define METALAUDIO_WIDTH(Size, A, B, C, D, E, F, G)          \
  if constexpr (N == Size) {                                 \
    if constexpr (P == Product::f16) {                       \
      METALAUDIO_PRODUCT("f16", Size, A, B, C, D, E, F, G);  \
    } else {                                                 \
      METALAUDIO_PRODUCT("bf16", Size, A, B, C, D, E, F, G); \
    }                                                        \
  }
  METALAUDIO_WIDTH(16, 8, 9, 10, 11, 12, 13, 14)
  METALAUDIO_WIDTH(32, 16, 17, 18, 19, 20, 21, 22)
  METALAUDIO_WIDTH(48, 24, 25, 26, 27, 28, 29, 30)
  METALAUDIO_WIDTH(64, 32, 33, 34, 35, 36, 37, 38)
  METALAUDIO_WIDTH(96, 48, 49, 50, 51, 52, 53, 54)
  METALAUDIO_WIDTH(128, 64, 65, 66, 67, 68, 69, 70)
#undef METALAUDIO_WIDTH
#undef METALAUDIO_PRODUCT
}

/// What products that are complete have added to: nothing that reads it is moved ahead of the wait.
template <int N>
__device__ __forceinline__ void settle(float (&sums)[N]) {
#pragma unroll
  for (int i = 0; i < N; ++i) asm volatile("" : "+f"(sums[i])::"memory");
}

#undef METALAUDIO_EIGHT
#undef METALAUDIO_NAMES_16
#undef METALAUDIO_SUMS_16
#undef METALAUDIO_NAMES_32
#undef METALAUDIO_SUMS_32
#undef METALAUDIO_NAMES_48
#undef METALAUDIO_SUMS_48
#undef METALAUDIO_NAMES_64
#undef METALAUDIO_SUMS_64
#undef METALAUDIO_NAMES_96
#undef METALAUDIO_SUMS_96
#undef METALAUDIO_NAMES_128
#undef METALAUDIO_SUMS_128
#undef METALAUDIO_NAMES_192
#undef METALAUDIO_SUMS_192

}  // namespace metalaudio::nn::cuda

#pragma once

#include <metalaudio/nn/cuda/kernels/tensor_core.cuh>

namespace metalaudio::nn::cuda {

// Products of a warp group, four warps that start at a multiple of four, on the tensor cores of
// compute capability 9.0. Both factors lie in shared memory, in tiles of rows of 64 bytes whose
// chunks are exchanged as by swizzled(); a tile starts at a multiple of 512 bytes.

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

#define METALAUDIO_SUMS(i)                                                                    \
  "+f"(c[i]), "+f"(c[i + 1]), "+f"(c[i + 2]), "+f"(c[i + 3]), "+f"(c[i + 4]), "+f"(c[i + 5]), \
      "+f"(c[i + 6]), "+f"(c[i + 7])
#define METALAUDIO_PRODUCT(Size, Names, ...)                                                       \
  if constexpr (P == Product::f16) {                                                               \
    asm volatile("wgmma.mma_async.sync.aligned." Size ".f32.f16.f16 " Names ", 1, 1, 1, 0, 0;\n"   \
                 : __VA_ARGS__                                                                     \
                 : "l"(a), "l"(b));                                                                \
  } else {                                                                                         \
    asm volatile("wgmma.mma_async.sync.aligned." Size ".f32.bf16.bf16 " Names ", 1, 1, 1, 0, 0;\n" \
                 : __VA_ARGS__                                                                     \
                 : "l"(a), "l"(b));                                                                \
  }

/// Adds 64 rows and 32 bytes of the reduction by N columns; a lane's sums lie as those of multiply(),
/// tile of eight columns after tile, with warp w in rows 16 w on.
template <Product P, int N>
__device__ __forceinline__ void multiply_group(float (&c)[N / 2], std::uint64_t a,
                                               std::uint64_t b) {
  if constexpr (N == 16) {
    METALAUDIO_PRODUCT("m64n16k16", "{%0,%1,%2,%3,%4,%5,%6,%7}, %8, %9", METALAUDIO_SUMS(0))
  } else if constexpr (N == 32) {
    METALAUDIO_PRODUCT("m64n32k16",
                       "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15}, %16, %17",
                       METALAUDIO_SUMS(0), METALAUDIO_SUMS(8))
  } else if constexpr (N == 48) {
    METALAUDIO_PRODUCT(
        "m64n48k16",
        "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%"
        "23}, %24, %25",
        METALAUDIO_SUMS(0), METALAUDIO_SUMS(8), METALAUDIO_SUMS(16))
  } else if constexpr (N == 64) {
    METALAUDIO_PRODUCT(
        "m64n64k16",
        "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%"
        "23,%24,%25,%26,%27,%28,%29,%30,%31}, %32, %33",
        METALAUDIO_SUMS(0), METALAUDIO_SUMS(8), METALAUDIO_SUMS(16), METALAUDIO_SUMS(24))
  } else if constexpr (N == 96) {
    METALAUDIO_PRODUCT(
        "m64n96k16",
        "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%"
        "23,%24,%25,%26,%27,%28,%29,%30,%31,%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%"
        "44,%45,%46,%47}, %48, %49",
        METALAUDIO_SUMS(0), METALAUDIO_SUMS(8), METALAUDIO_SUMS(16), METALAUDIO_SUMS(24),
        METALAUDIO_SUMS(32), METALAUDIO_SUMS(40))
  } else if constexpr (N == 128) {
    METALAUDIO_PRODUCT(
        "m64n128k16",
        "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%"
        "23,%24,%25,%26,%27,%28,%29,%30,%31,%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%"
        "44,%45,%46,%47,%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63}, %64"
        ", %65",
        METALAUDIO_SUMS(0), METALAUDIO_SUMS(8), METALAUDIO_SUMS(16), METALAUDIO_SUMS(24),
        METALAUDIO_SUMS(32), METALAUDIO_SUMS(40), METALAUDIO_SUMS(48), METALAUDIO_SUMS(56))
  } else if constexpr (N == 192) {
    METALAUDIO_PRODUCT(
        "m64n192k16",
        "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%"
        "23,%24,%25,%26,%27,%28,%29,%30,%31,%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%"
        "44,%45,%46,%47,%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63,%64,%"
        "65,%66,%67,%68,%69,%70,%71,%72,%73,%74,%75,%76,%77,%78,%79,%80,%81,%82,%83,%84,%85,%"
        "86,%87,%88,%89,%90,%91,%92,%93,%94,%95}, %96, %97",
        METALAUDIO_SUMS(0), METALAUDIO_SUMS(8), METALAUDIO_SUMS(16), METALAUDIO_SUMS(24),
        METALAUDIO_SUMS(32), METALAUDIO_SUMS(40), METALAUDIO_SUMS(48), METALAUDIO_SUMS(56),
        METALAUDIO_SUMS(64), METALAUDIO_SUMS(72), METALAUDIO_SUMS(80), METALAUDIO_SUMS(88))
  }
}

#undef METALAUDIO_PRODUCT
#undef METALAUDIO_SUMS

}  // namespace metalaudio::nn::cuda

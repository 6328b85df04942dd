#include <metalaudio/core/instruction_sets.h>
#include <metalaudio/nn/cpu/gemm/pair_rate.h>

#if defined(__x86_64__)
#include <algorithm>
#include <chrono>
#endif

namespace metalaudio::nn::cpu {

#if defined(__x86_64__)

namespace {

// In assembly, so that it is the same in every build: sums of zeros that do not wait for one another,
// of twice as many instructions as two units have in flight.
#define METALAUDIO_SUMS(i)                                                                   \
  i "0\n" i "1\n" i "2\n" i "3\n" i "4\n" i "5\n" i "6\n" i "7\n" i "8\n" i "9\n" i "10\n" i \
    "11"                                                                                     \
    "\n"
// clang-format off
#define METALAUDIO_ROUNDS(count, instruction)                                              \
  __asm__ volatile("vpxor %%xmm12, %%xmm12, %%xmm12\n"                                     \
                   METALAUDIO_SUMS("vmulps %%zmm12, %%zmm12, %%zmm")                       \
                   "1:\n" METALAUDIO_SUMS(instruction " %%zmm12, %%zmm12, %%zmm")          \
                   "dec %0\njnz 1b\nvzeroupper\n"                                          \
                   : "+r"(count) : : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", \
                     "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12")
// clang-format on

/// Of some microseconds.
template <typename Work>
double seconds(Work&& work) noexcept {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  work(long{1024});
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

/// By the best of many rounds: what disturbs one only makes it longer.
double measure_pair_rate() noexcept {
  if (!InstructionSets::detect().avx512_bf16) return 0;
  double floats = 1;
  double pairs = 1;
  for (int i = 0; i < 20; ++i) {
    floats = std::min(floats, seconds([](long count) { METALAUDIO_ROUNDS(count, "vfmadd231ps"); }));
    pairs = std::min(pairs, seconds([](long count) { METALAUDIO_ROUNDS(count, "vdpbf16ps"); }));
  }
  return 2 * floats / pairs;
}

#else

double measure_pair_rate() noexcept { return 0; }

#endif

}  // namespace metalaudio::nn::cpu

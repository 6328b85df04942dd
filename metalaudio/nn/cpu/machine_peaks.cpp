#include <metalaudio/core/array.h>
#include <metalaudio/nn/cpu/vector_kernels.h>
#include <metalaudio/nn/machine_peaks.h>

#include <algorithm>
#include <chrono>
#include <cstring>

namespace metalaudio::nn {

namespace {

/// The best of five rounds of `work` on every thread, in seconds.
template <typename Work>
double best_seconds(ThreadPool* pool, Work&& work) {
  using Clock = std::chrono::steady_clock;
  double best = 1e9;
  for (int round = 0; round < 5; ++round) {
    const Clock::time_point start = Clock::now();
    if (pool == nullptr) {
      work(0);
    } else {
      pool->parallel_for(pool->threads(), [&](std::size_t index, std::size_t) { work(index); });
    }
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

}  // namespace

MachinePeaks measure_peaks(ThreadPool* pool) {
  const std::size_t threads = pool == nullptr ? 1 : pool->threads();
  constexpr std::size_t kRounds = 1 << 20;
  Array<float> results(16 * threads);
  const double flop_seconds = best_seconds(
      pool, [&](std::size_t i) { results[16 * i] = cpu::multiply_add_rounds(kRounds); });
  // Larger than the second-level caches; the last level is shared by more than these threads.
  constexpr std::size_t kBytes = std::size_t{64} << 20U;
  const Array<std::byte> from(kBytes);
  Array<std::byte> to(kBytes);
  const std::size_t part = kBytes / threads;
  const double copy_seconds = best_seconds(pool, [&](std::size_t i) {
    std::memcpy(to.data() + i * part, from.data() + i * part, part);
  });
  return {static_cast<double>(threads * kRounds) * cpu::operations_per_round() / flop_seconds,
          2.0 * static_cast<double>(part * threads) / copy_seconds};
}

}  // namespace metalaudio::nn

#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace metalaudio::bench {

/// Times `blocks` calls of something that an audio callback runs, one by one, beside as many of an
/// empty loop: {"name", "ns_per_sample", "median_ns", "p999_ns", "worst_ns", "empty_worst_ns"}.
inline nlohmann::json live_row(const std::string& name, std::size_t block_samples,
                               const std::function<void()>& run, std::size_t blocks = 100000) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> times(blocks);
  const auto measure = [&](const std::function<void()>& work) {
    for (double& time : times) {
      const auto start = Clock::now();
      work();
      time = std::chrono::duration<double, std::nano>(Clock::now() - start).count();
    }
    std::ranges::sort(times);
  };
  measure([] {});
  const double empty_worst = times.back();
  const double empty_median = times[blocks / 2];
  for (int i = 0; i < 1000; ++i) run();
  measure(run);
  // The clock's own time counts in every block.
  const double median = times[blocks / 2] - empty_median;
  return {{"name", name},
          {"ns_per_sample", median / static_cast<double>(block_samples)},
          {"median_ns", median},
          {"p99_ns", times[blocks * 99 / 100]},
          {"p999_ns", times[blocks * 999 / 1000]},
          {"worst_ns", times.back()},
          {"empty_worst_ns", empty_worst}};
}

}  // namespace metalaudio::bench

#include "convolution_bench.h"

#include <fmt/format.h>
#include <metalaudio/dsp/convolution.h>
#include <sys/resource.h>

#include <cmath>
#include <thread>
#include <vector>

#include "measure.h"
#ifdef METALAUDIO_BENCH_ZITA
#include <zita-convolver.h>
#endif

namespace metalaudio::bench {

namespace {

constexpr double kRate = 48000.0;

std::vector<float> response(std::size_t size) {
  std::vector<float> ir(size);
  unsigned state = 1;
  for (std::size_t i = 0; i < size; ++i) {
    state = state * 1664525U + 1013904223U;
    const float white = static_cast<float>(state >> 8) / 8388608.0F - 1.0F;
    ir[i] = white * std::exp(-6.0F * static_cast<float>(i) / static_cast<float>(size));
  }
  return ir;
}

/// In percent of real time.
struct Load {
  double average = 0.0;
  double worst = 0.0;
};

/// Each block's least time over several passes of the same blocks: what is left is the processor's
/// own work, without what the system did in between.
template <typename Prepare, typename Process>
Load measure(std::size_t block, std::size_t blocks, int passes, bool paced, Prepare prepare,
             Process process) {
  const double period_ns = 1e9 * static_cast<double>(block) / kRate;
  std::vector<double> least(blocks, 1e300);
  for (int pass = 0; pass < passes; ++pass) {
    prepare();
    double next = now_ns();
    for (std::size_t b = 0; b < blocks; ++b) {
      if (paced) {
        next += period_ns;
        const double wait = next - now_ns();
        if (wait > 0.0) std::this_thread::sleep_for(std::chrono::nanoseconds(long(wait)));
      }
      const double start = now_ns();
      process();
      least[b] = std::min(least[b], now_ns() - start);
    }
  }
  Load load;
  for (const double ns : least) {
    load.average += 100.0 * ns / period_ns / static_cast<double>(blocks);
    load.worst = std::max(load.worst, 100.0 * ns / period_ns);
  }
  return load;
}

#ifdef METALAUDIO_BENCH_ZITA
double process_cpu_ns() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto ns = [](const timeval& t) { return 1e9 * double(t.tv_sec) + 1e3 * double(t.tv_usec); };
  return ns(usage.ru_utime) + ns(usage.ru_stime);
}

/// The average counts its threads as well; the worst is one call's.
Load measure_zita(std::vector<float> ir, std::size_t block, std::size_t blocks) {
  Convproc zita;
  const auto quantum = static_cast<unsigned>(block);
  if (zita.configure(1, 1, static_cast<unsigned>(ir.size()), quantum, std::max(64U, quantum), 8192,
                     0.0F) != 0) {
    return {};
  }
  zita.impdata_create(0, 0, 1, ir.data(), 0, static_cast<int>(ir.size()));
  zita.start_process(0, 0);
  const double cpu = process_cpu_ns();
  Load load = measure(
      block, blocks, 1, false, [] {},
      [&] {
        float* in = zita.inpdata(0);
        for (std::size_t i = 0; i < block; ++i) in[i] = 0.1F * static_cast<float>(i % 7);
        zita.process(true);
      });
  const double real_ns = 1e9 * static_cast<double>(block * blocks) / kRate;
  load.average = 100.0 * (process_cpu_ns() - cpu) / real_ns;
  zita.stop_process();
  zita.cleanup();
  return load;
}
#endif

}  // namespace

void bench_convolution(double seconds, std::size_t block, bool paced, nlohmann::json& rows) {
  const auto ir = response(static_cast<std::size_t>(seconds * kRate));
  dsp::Convolution convolution(ir, {.block_samples = block});
  std::vector<float> x(block), y(block);
  for (std::size_t i = 0; i < block; ++i) x[i] = 0.1F * static_cast<float>(i % 7);
  const auto prepare = [&] { convolution.reset(); };
  const auto process = [&] { convolution.process(x, y); };
  // Two periods of the longest partition.
  const std::size_t blocks = std::max<std::size_t>(4 * 65536 / block, 64);
  const Load load = measure(block, blocks, 5, false, prepare, process);
  nlohmann::json row = {{"name", fmt::format("convolution/{:g}s/{}", seconds, block)},
                        {"average_percent", load.average},
                        {"worst_percent", load.worst}};
  fmt::print("{:<20} average {:.3f} %  worst {:.3f} %", row["name"].get<std::string>(),
             load.average, load.worst);
  if (paced) {
    const Load slow = measure(block, blocks / 2, 2, true, prepare, process);
    row["paced_average_percent"] = slow.average;
    row["paced_worst_percent"] = slow.worst;
    fmt::print("  paced {:.3f} %, {:.3f} %", slow.average, slow.worst);
  }
#ifdef METALAUDIO_BENCH_ZITA
  const Load zita = measure_zita(ir, block, blocks);
  row["zita_average_percent"] = zita.average;
  row["zita_worst_percent"] = zita.worst;
  fmt::print("  zita {:.2f} %, {:.1f} %", zita.average, zita.worst);
#endif
  fmt::print("\n");
  rows.push_back(row);
}

}  // namespace metalaudio::bench

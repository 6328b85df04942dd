#include "benchmarks/nn/amp_bench.h"

#include <fmt/format.h>
#include <metalaudio/models/amp/amp.h>

#include <span>
#include <string>
#include <vector>

#include "benchmarks/nn/amp_models.h"
#include "benchmarks/nn/live_rows.h"

namespace metalaudio::bench {
namespace {

constexpr std::size_t kBlock = 64;

void bench(const std::string& name, const nlohmann::json& file, models::AmpTanh tanh,
           nlohmann::json& rows, std::size_t block = kBlock) {
  const std::string text = file.dump();
  models::AmpOptions options;
  options.tanh = tanh;
  models::Amp amp(std::as_bytes(std::span<const char>(text)), options);
  const std::vector<float> noise = amp_models::random_weights(64 * block, 9, 0.5F);
  std::vector<float> out(block);
  std::size_t at = 0;
  const auto run = [&] {
    amp.process(std::span(noise).subspan(at * block, block), out);
    at = (at + 1) % 64;
  };
  nlohmann::json row = live_row(fmt::format("{}/{}", name, block), block, run);
  fmt::print("{:<28} {:8.1f} ns per sample, p99 {:5.2f}, p99.9 {:5.2f} medians, worst {:.1f} us\n",
             row["name"].get<std::string>(), row["ns_per_sample"].get<double>(),
             row["p99_ns"].get<double>() / row["median_ns"].get<double>(),
             row["p999_ns"].get<double>() / row["median_ns"].get<double>(),
             row["worst_ns"].get<double>() * 1e-3);
  rows.push_back(std::move(row));
}

}  // namespace

void bench_amps(nlohmann::json& rows) {
  using models::AmpTanh;
  const nlohmann::json a1 = amp_models::a1(16, 8, "Tanh");
  bench("nam/a1-standard", a1, AmpTanh::fast, rows);
  bench("nam/a1-standard-exact", a1, AmpTanh::exact, rows);
  bench("nam/a1-feather", amp_models::a1(8, 4, "Tanh"), AmpTanh::fast, rows);
  bench("nam/a1-nano", amp_models::a1(4, 2, "Tanh"), AmpTanh::fast, rows);
  bench("nam/a2-full", amp_models::a2(8), AmpTanh::fast, rows);
  bench("nam/a2-lite", amp_models::a2(3), AmpTanh::fast, rows);
  bench("nam/lstm-1x16", amp_models::lstm(1, 16), AmpTanh::fast, rows);
  bench("nam/lstm-1x16-exact", amp_models::lstm(1, 16), AmpTanh::exact, rows);
  bench("nam/lstm-2x8", amp_models::lstm(2, 8), AmpTanh::fast, rows);
  bench("rtneural/lstm-1x40", amp_models::keras_recurrent("lstm", 40), AmpTanh::fast, rows);
  bench("rtneural/gru-1x40", amp_models::keras_recurrent("gru", 40), AmpTanh::fast, rows);
}

}  // namespace metalaudio::bench

// bench_cuda_htdemucs [--devices LIST] [--most BATCH] [--seconds S] [--json FILE]: HTDemucs with
// random weights on GPUs: the latency of one segment, the time of a segment in batches of 1 to BATCH
// with uploads and downloads beside the computing, and how far each precision is from the CPU's
// float32. The table comes last.
#include <fmt/format.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/hardware_profile.h>
#include <metalaudio/models/htdemucs/htdemucs.h>
#include <metalaudio/models/open_devices.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <fstream>
#include <iostream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

namespace metalaudio {
namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

struct Options {
  std::string devices = "cuda";
  std::size_t most = 32;
  double seconds = 0.5;  ///< of each measurement
  std::string json;
};

Options read_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const std::string value = argv[i + 1];
    if (name == "--devices") {
      options.devices = value;
    } else if (name == "--most") {
      options.most = std::stoul(value);
    } else if (name == "--seconds") {
      options.seconds = std::stod(value);
    } else if (name == "--json") {
      options.json = value;
    } else {
      fail(ErrorCode::invalid_argument, "[bench_cuda_htdemucs] {}?", name);
    }
  }
  return options;
}

/// One configuration in one precision.
struct Row {
  std::string network;
  std::string precision;
  double worst_db = 0.0;                     ///< of the stems
  double first_ms = 0.0;                     ///< making it, and its first segment
  double latency_ms = 0.0;                   ///< the median
  std::map<std::size_t, double> batch_ms{};  ///< of a segment, by batch
};

std::vector<float> noise(std::size_t count) {
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& v : values) v = 0.2F * normal(random);
  return values;
}

std::vector<float> run(models::SegmentModel& model, const std::vector<float>& mix) {
  std::vector<float> stems(model.sources().size() * mix.size());
  model.run(mix, stems);
  return stems;
}

double worst_stem(const std::vector<float>& stems, const std::vector<float>& expected,
                  std::size_t sources) {
  double worst = std::numeric_limits<double>::infinity();
  const std::size_t size = stems.size() / sources;
  for (std::size_t s = 0; s < sources; ++s) {
    double signal = 0.0;
    double error = 0.0;
    for (std::size_t i = s * size; i < (s + 1) * size; ++i) {
      signal += std::pow(expected[i], 2);
      error += std::pow(static_cast<double>(stems[i]) - expected[i], 2);
    }
    const double decibels = 10.0 * std::log10(signal / error);
    worst = decibels < worst || std::isnan(decibels) ? decibels : worst;
  }
  return worst;
}

double median_latency(models::SegmentModel& model, const std::vector<float>& mix, double seconds) {
  std::vector<float> stems(model.sources().size() * mix.size());
  std::vector<double> runs;
  const Clock::time_point start = Clock::now();
  while (runs.size() < 5 || milliseconds_since(start) < 1e3 * seconds) {
    const Clock::time_point begin = Clock::now();
    model.run(mix, stems);
    runs.push_back(milliseconds_since(begin));
  }
  std::ranges::nth_element(runs, runs.begin() + static_cast<std::ptrdiff_t>(runs.size() / 2));
  return runs[runs.size() / 2];
}

/// All batches are underway all the time; every stem comes back.
double segment_ms(models::SegmentModel& model, const std::vector<float>& mix, std::size_t batch,
                  double seconds) {
  const auto batches = model.make_batches(1U << 20U);
  if (!batches || batches->capacity() != batch) return std::numeric_limits<double>::quiet_NaN();
  for (std::size_t b = 0; b < batches->batches(); ++b) {
    for (std::size_t s = 0; s < batch; ++s) std::ranges::copy(mix, batches->mix(b, s).begin());
    batches->start(b, batch);
  }
  const auto round = [&] {
    for (std::size_t b = 0; b < batches->batches(); ++b) {
      for (std::size_t s = 0; s < batch; ++s) batches->stems(b, s);
      batches->start(b, batch);
    }
  };
  round();
  const Clock::time_point start = Clock::now();
  std::size_t segments = 0;
  while (segments < 3 * batch || milliseconds_since(start) < 1e3 * seconds) {
    round();
    segments += batches->batches() * batch;
  }
  return milliseconds_since(start) / static_cast<double>(segments);
}

Row measure(const std::string& network, const models::HTDemucsConfig& config,
            models::Precision precision, const std::vector<float>& mix,
            const std::vector<float>& expected, const Options& options, ThreadPool& pool) {
  models::ModelOptions choice;
  choice.precision = precision;
  choice.devices = models::open_devices(options.devices).gpus;
  choice.notice = [](const std::string& line) { fmt::print(stderr, "{}\n", line); };
  Row row{network, std::string(nn::to_string(precision))};
  const Clock::time_point start = Clock::now();
  const auto model = models::make_random_htdemucs(config, 1, choice, pool);
  row.worst_db = worst_stem(run(*model, mix), expected, config.sources.size());
  row.first_ms = milliseconds_since(start);
  row.latency_ms = median_latency(*model, mix, options.seconds);
  for (std::size_t batch = 1; batch <= options.most; batch *= 2) {
    choice.batch = batch;
    const auto batched = models::make_random_htdemucs(config, 1, choice, pool);
    row.batch_ms[batch] = segment_ms(*batched, mix, batch, options.seconds);
    fmt::print(stderr, "{} {}: {} at a time, {:.3f} ms each\n", network, row.precision, batch,
               row.batch_ms[batch]);
  }
  return row;
}

void print_table(const std::vector<Row>& rows, const std::string& devices, double audio_ms) {
  fmt::print("\n{}; ms a segment of {:.1f} s, and times real time\n", devices, audio_ms / 1e3);
  fmt::print("{:<12} {:<5} {:>7} {:>9} {:>8}", "network", "type", "SNR dB", "first ms", "one");
  for (const auto& [batch, ms] : rows.front().batch_ms) fmt::print(" {:>15}", batch);
  fmt::print("\n");
  for (const Row& row : rows) {
    fmt::print("{:<12} {:<5} {:>7.1f} {:>9.0f} {:>8.3f}", row.network, row.precision, row.worst_db,
               row.first_ms, row.latency_ms);
    for (const auto& [batch, ms] : row.batch_ms)
      fmt::print(" {:>15}", fmt::format("{:.3f} {:.0f}x", ms, audio_ms / ms));
    fmt::print("\n");
  }
}

void write_json(const std::vector<Row>& rows, const std::string& devices, double audio_ms,
                const std::string& path) {
  nlohmann::json json = {{"devices", devices}, {"segment_ms", audio_ms}};
  for (const Row& row : rows) {
    nlohmann::json line = {{"network", row.network},
                           {"precision", row.precision},
                           {"worst_stem_snr_db", row.worst_db},
                           {"first_ms", row.first_ms},
                           {"latency_ms", row.latency_ms}};
    for (const auto& [batch, ms] : row.batch_ms)
      line["batches"].push_back(
          {{"batch", batch}, {"segment_ms", ms}, {"times_real_time", audio_ms / ms}});
    json["rows"].push_back(std::move(line));
  }
  std::ofstream(path) << json.dump(2) << "\n";
}

int bench(const Options& options) {
  ThreadPool pool(HardwareProfile::detect().usable_cores);
  const std::string devices = models::open_devices(options.devices).text;
  std::vector<Row> rows;
  double audio_ms = 0.0;
  for (const auto& [network, config] :
       {std::pair{"htdemucs", models::HTDemucsConfig::htdemucs()},
        std::pair{"htdemucs_6s", models::HTDemucsConfig::htdemucs_6s()}}) {
    const auto cpu = models::make_random_htdemucs(config, 1, {}, pool);
    const std::vector<float> mix = noise(cpu->channels() * cpu->segment_samples());
    const std::vector<float> expected = run(*cpu, mix);
    audio_ms = 1e3 * static_cast<double>(cpu->segment_samples()) / cpu->sample_rate_hz();
    for (const models::Precision precision : {models::Precision::fp32, models::Precision::tf32,
                                              models::Precision::fp16, models::Precision::bf16})
      rows.push_back(measure(network, config, precision, mix, expected, options, pool));
  }
  print_table(rows, devices, audio_ms);
  if (!options.json.empty()) write_json(rows, devices, audio_ms, options.json);
  return 0;
}

}  // namespace
}  // namespace metalaudio

int main(int argc, char** argv) try {
  return metalaudio::bench(metalaudio::read_options(argc, argv));
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 1;
}

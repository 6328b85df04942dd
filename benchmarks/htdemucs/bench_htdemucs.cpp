// bench_htdemucs CONFIGURATION THREADS PRECISION [MODE]: builds a model with random weights, then
// separates one segment for each line on standard input and answers with its milliseconds and the
// peak memory of the process, so that run.py can alternate it with a peer.
#include <fmt/format.h>
#include <metalaudio/core/error.h>
#include <metalaudio/models/htdemucs/htdemucs.h>

#include <chrono>
#include <exception>
#include <fstream>
#include <iostream>
#include <random>
#include <string>
#include <vector>

namespace metalaudio {
namespace {

models::HTDemucsConfig config_of(const std::string& name) {
  if (name == "htdemucs") return models::HTDemucsConfig::htdemucs();
  if (name == "htdemucs_6s") return models::HTDemucsConfig::htdemucs_6s();
  if (name == "original") return models::HTDemucsConfig::original();
  fail(ErrorCode::invalid_argument, "[bench_htdemucs] {}: expected htdemucs, htdemucs_6s, original",
       name);
}

double peak_mib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) / 1024.0;
  return 0.0;
}

int run(const std::string& name, std::size_t threads, const std::string& precision,
        const std::string& mode) {
  ThreadPool pool(threads);
  models::ModelOptions options;
  options.precision = precision == "bf16" ? models::Precision::bf16 : models::Precision::fp32;
  if (mode == "time-only") options.mode = models::Mode::time_only;
  models::HTDemucs model = models::random_htdemucs(config_of(name), 1, options, pool);

  std::vector<float> mix(model.channels() * model.segment_samples());
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  for (float& sample : mix) sample = normal(random);
  std::vector<float> stems(model.sources().size() * mix.size());

  fmt::print("ready\n");
  std::cout.flush();
  for (std::string line; std::getline(std::cin, line);) {
    const auto start = std::chrono::steady_clock::now();
    model.run(mix, stems);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    std::cout << fmt::format("{:.2f} {:.1f}", took.count(), peak_mib()) << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace metalaudio

int main(int argc, char** argv) try {
  if (argc != 4 && argc != 5) {
    std::cerr << "usage: bench_htdemucs CONFIGURATION THREADS fp32|bf16 [full|time-only]\n";
    return 2;
  }
  return metalaudio::run(argv[1], std::stoul(argv[2]), argv[3], argc == 5 ? argv[4] : "full");
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 1;
}

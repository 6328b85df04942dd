// bench_htdemucs MODEL THREADS PRECISION [MODE [MIX]]: builds a configuration with random weights, or
// reads a file, then separates one segment for each line on standard input and answers with its
// milliseconds and the peak memory of the process, so that run.py can alternate it with a peer. A
// line "run FILE" leaves the stems in a file, as MIX is: float32, one channel after the other.
#include <fmt/format.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/instruction_sets.h>
#include <metalaudio/models/htdemucs/htdemucs.h>
#include <metalaudio/models/load_model.h>

#include <chrono>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
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

std::unique_ptr<models::SegmentModel> model_of(const std::string& name,
                                               const models::ModelOptions& options,
                                               ThreadPool& pool) {
  if (std::filesystem::path(name).has_extension()) return models::load_model(name, options, pool);
  return models::make_random_htdemucs(config_of(name), 1, options, pool);
}

std::vector<float> mix_of(const std::string& file, std::size_t samples) {
  std::vector<float> mix(samples);
  if (file.empty()) {
    std::mt19937 random(2);
    std::normal_distribution<float> normal;
    for (float& sample : mix) sample = normal(random);
  } else if (!std::ifstream(file, std::ios::binary)
                  .read(reinterpret_cast<char*>(mix.data()),
                        static_cast<std::streamsize>(samples * sizeof(float)))) {
    fail(ErrorCode::io, "[bench_htdemucs] {}: fewer than {} samples", file, samples);
  }
  return mix;
}

int run(const std::string& name, std::size_t threads, const std::string& precision,
        const std::string& mode, const std::string& file) {
  limit_instruction_sets_by_environment();
  ThreadPool pool(threads);
  models::ModelOptions options;
  options.precision = precision == "bf16"   ? models::Precision::bf16
                      : precision == "auto" ? models::Precision::automatic
                                            : models::Precision::fp32;
  if (mode == "time-only") options.mode = models::Mode::time_only;
  const std::unique_ptr<models::SegmentModel> model = model_of(name, options, pool);
  const std::vector<float> mix = mix_of(file, model->channels() * model->segment_samples());
  std::vector<float> stems(model->sources().size() * mix.size());

  fmt::print("ready\n");
  std::cout.flush();
  for (std::string line; std::getline(std::cin, line);) {
    const auto start = std::chrono::steady_clock::now();
    model->run(mix, stems);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    if (line.starts_with("run ") && line.size() > 4) {
      std::ofstream(line.substr(4), std::ios::binary)
          .write(reinterpret_cast<const char*>(stems.data()),
                 static_cast<std::streamsize>(stems.size() * sizeof(float)));
    }
    std::cout << fmt::format("{:.2f} {:.1f}", took.count(), peak_mib()) << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace metalaudio

int main(int argc, char** argv) try {
  if (argc < 4 || argc > 6) {
    std::cerr << "usage: bench_htdemucs MODEL THREADS fp32|auto|bf16 [full|time-only [MIX]]\n";
    return 2;
  }
  return metalaudio::run(argv[1], std::stoul(argv[2]), argv[3], argc > 4 ? argv[4] : "full",
                         argc > 5 ? argv[5] : "");
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 1;
}

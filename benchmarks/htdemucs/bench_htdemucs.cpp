// bench_htdemucs SHAPES THREADS PRECISION: builds the model that SHAPES.json describes with random
// weights, then separates one segment for each line on standard input and answers with its
// milliseconds and the peak memory of the process, so that run.py can alternate it with a peer.
#include <fmt/format.h>
#include <metalaudio/core/error.h>
#include <metalaudio/models/htdemucs/htdemucs.h>

#include <chrono>
#include <cmath>
#include <exception>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace metalaudio {
namespace {

/// Weights at which activations stay near 1: no denormals, no overflow.
void fill(Tensor& tensor, std::mt19937& random) {
  const bool vector = tensor.shape().rank() < 2;
  const auto inputs =
      vector ? 1.0F : static_cast<float>(tensor.size()) / static_cast<float>(tensor.shape()[0]);
  std::uniform_real_distribution<float> uniform(vector ? 0.1F : -1.7F / std::sqrt(inputs),
                                                vector ? 0.5F : 1.7F / std::sqrt(inputs));
  for (float& value : tensor.values()) value = uniform(random);
}

nn::Checkpoint random_checkpoint(const std::string& path) {
  std::ifstream file(path);
  if (!file) fail(ErrorCode::not_found, "[bench_htdemucs] {}: cannot be opened", path);
  const nlohmann::json json = nlohmann::json::parse(file);
  nn::Checkpoint checkpoint{
      "demucs.htdemucs.HTDemucs", nlohmann::json::array(), json["kwargs"], {}};
  std::mt19937 random(1);
  for (const auto& [name, extents] : json["state"].items()) {
    Tensor tensor{Shape(extents.get<std::vector<std::int64_t>>())};
    fill(tensor, random);
    checkpoint.state.emplace(name, std::move(tensor));
  }
  return checkpoint;
}

double peak_mib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) / 1024.0;
  return 0.0;
}

int run(const std::string& shapes, std::size_t threads, const std::string& precision) {
  ThreadPool pool(threads);
  models::HTDemucsOptions options;
  options.precision = precision == "bf16" ? models::Precision::bf16 : models::Precision::fp32;
  models::HTDemucs model(random_checkpoint(shapes), options, pool);

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
  if (argc != 4) {
    std::cerr << "usage: bench_htdemucs SHAPES.json THREADS fp32|bf16\n";
    return 2;
  }
  return metalaudio::run(argv[1], std::stoul(argv[2]), argv[3]);
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 1;
}

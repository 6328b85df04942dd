// usage: bench_nn [--only PREFIX] [--target ssse3|avx2|avx512] [OUT.json]
#include <fmt/format.h>
#include <hwy/targets.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "benchmarks/nn/amp_bench.h"

namespace {

void choose_target(const std::string& name) {
  if (name == "ssse3") hwy::SetSupportedTargetsForTest(HWY_SSSE3);
  if (name == "avx2") hwy::SetSupportedTargetsForTest(HWY_AVX2);
  if (name == "avx512") hwy::SetSupportedTargetsForTest(HWY_AVX3);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace metalaudio::bench;
  std::string only;
  std::string out;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--only" && i + 1 < argc) {
      only = argv[++i];
    } else if (word == "--target" && i + 1 < argc) {
      choose_target(argv[++i]);
    } else if (!word.starts_with("--")) {
      out = word;
    } else {
      fmt::print(stderr, "bench_nn: unknown option {}\n", word);
      return 2;
    }
  }
  nlohmann::json rows = nlohmann::json::array();
  if (only.empty() || only == "amps") bench_amps(rows);
  if (!out.empty()) std::ofstream(out) << rows.dump(1) << "\n";
  return 0;
}

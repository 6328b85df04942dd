// usage: bench_nn [--only PREFIX] [OUT.json]
#include <fmt/format.h>
#include <metalaudio/core/instruction_sets.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "benchmarks/nn/amp_bench.h"

int main(int argc, char** argv) {
  using namespace metalaudio::bench;
  metalaudio::limit_instruction_sets_by_environment();
  std::string only;
  std::string out;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--only" && i + 1 < argc) {
      only = argv[++i];
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

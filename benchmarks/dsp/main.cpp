// usage: bench_dsp [--quick] [--only PREFIX] [OUT.json]
#include <fmt/format.h>
#include <metalaudio/core/instruction_sets.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "biquad_bench.h"
#include "block_times_bench.h"
#include "convolution_bench.h"
#include "fft_bench.h"
#include "resampler_bench.h"

namespace {

struct Arguments {
  bool quick = false;
  std::string only;
  std::string out;
};

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--quick") {
      arguments.quick = true;
    } else if (word == "--only" && i + 1 < argc) {
      arguments.only = argv[++i];
    } else if (!word.starts_with("--")) {
      arguments.out = word;
    } else {
      fmt::print(stderr, "bench_dsp: unknown option {}\n", word);
      std::exit(2);
    }
  }
  return arguments;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace metalaudio::bench;
  const Arguments arguments = parse(argc, argv);
  metalaudio::limit_instruction_sets_by_environment();
  const auto wanted = [&](const char* part) {
    return arguments.only.empty() || arguments.only == part;
  };
  nlohmann::json rows = nlohmann::json::array();
  if (wanted("fft")) {
    for (std::size_t n = 64; n <= 65536; n *= 2) bench_fft(n, !arguments.quick, rows);
    for (const std::size_t n : {480U, 960U, 1920U, 4410U, 48000U}) {
      bench_fft(n, !arguments.quick, rows);
    }
    for (const std::size_t n : {256U, 1024U, 4096U}) bench_fft_batch(n, 16, rows);
  }
  if (wanted("convolution")) {
    const bool paced = !arguments.quick;
    bench_convolution(2.0, 64, paced, rows);
    for (const std::size_t block : {32U, 64U, 128U, 512U}) {
      bench_convolution(10.0, block, paced && block == 64, rows);
    }
  }
  if (wanted("biquad")) bench_biquads(rows);
  if (wanted("resampler")) bench_resampler(rows);
  if (wanted("blocks")) bench_block_times(rows);
  if (!arguments.out.empty()) std::ofstream(arguments.out) << rows.dump(1) << "\n";
  return 0;
}

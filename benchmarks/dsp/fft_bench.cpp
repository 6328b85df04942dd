#include "fft_bench.h"

#include <fftw3.h>
#include <fmt/format.h>
#include <kissfft/kiss_fftr.h>
#include <metalaudio/core/array.h>
#include <metalaudio/dsp/fft.h>

#include <cmath>
#include <complex>
#include <map>
#include <vector>

#include "measure.h"

namespace metalaudio::bench {

namespace {

using Complex = std::complex<float>;

/// The least time of any library, natural order and any order, on the Xeon of the marks, in ns.
struct Mark {
  double ordered, unordered;
};
const std::map<std::size_t, Mark> kMarks = {
    {64, {38, 38}},          {256, {114, 92}},        {1024, {428, 340}}, {4096, {1942, 1875}},
    {16384, {10196, 10196}}, {65536, {45039, 45039}}, {480, {217, 217}},  {1920, {968, 968}},
    {4410, {5404, 5404}},    {48000, {30251, 30251}},
};

/// Memory on cache lines, as each library's own allocator gives it.
using metalaudio::Array;

Array<float> ramp(std::size_t n) {
  Array<float> x(n);
  for (std::size_t i = 0; i < n; ++i) x[i] = std::sin(0.1F * static_cast<float>(i * i % 1009));
  return x;
}

double planning_ns(std::size_t n) {
  double best = 1e300;
  for (int i = 0; i < 5; ++i) {
    const double start = now_ns();
    const dsp::Fft fft(n);
    best = std::min(best, now_ns() - start);
  }
  return best;
}

}  // namespace

void bench_fft(std::size_t n, bool patient, nlohmann::json& rows) {
  dsp::Fft fft(n);
  Array<Complex> spectrum(fft.bins());
  Array<float> unordered(fft.unordered_size());
  Array<float> back(n);

  float* in = fftwf_alloc_real(n);
  fftwf_complex* out = fftwf_alloc_complex(n / 2 + 1);
  fftwf_plan plan =
      fftwf_plan_dft_r2c_1d(static_cast<int>(n), in, out, patient ? FFTW_PATIENT : FFTW_MEASURE);
  const auto x = ramp(n);
  std::copy(x.begin(), x.end(), in);
  kiss_fftr_cfg kiss = kiss_fftr_alloc(static_cast<int>(n), 0, nullptr, nullptr);
  std::vector<kiss_fft_cpx> kiss_out(n / 2 + 1);

  Race race;
  race.add([&] { fft.forward(x, spectrum); });
  race.add([&] { fft.forward_unordered(x, unordered); });
  race.add([&] { fft.inverse(spectrum, back); });
  race.add([&] { fftwf_execute(plan); });
  race.add([&] { kiss_fftr(kiss, x.data(), kiss_out.data()); });
  const auto ns = race.run();
  fftwf_destroy_plan(plan);
  fftwf_free(in);
  fftwf_free(out);
  kiss_fftr_free(kiss);

  const double planning = planning_ns(n);
  nlohmann::json row = {{"name", fmt::format("fft/real/{}", n)},
                        {"ns", ns[0]},
                        {"unordered_ns", ns[1]},
                        {"inverse_ns", ns[2]},
                        {"fftw_ns", ns[3]},
                        {"kissfft_ns", ns[4]},
                        {"planning_ns", planning}};
  std::string mark = "";
  if (const auto at = kMarks.find(n); at != kMarks.end()) {
    row["mark_ns"] = at->second.ordered;
    row["mark_unordered_ns"] = at->second.unordered;
    mark = fmt::format("  mark {:.0f}/{:.0f}", at->second.ordered, at->second.unordered);
  }
  fmt::print(
      "{:<16} {:>9.0f} ns  unordered {:>9.0f}  inverse {:>9.0f}  FFTW {:>9.0f} ({:.2f}x)  "
      "KissFFT {:>9.0f} ({:.2f}x)  plan {:>6.0f} us{}\n",
      row["name"].get<std::string>(), ns[0], ns[1], ns[2], ns[3], ns[3] / ns[0], ns[4],
      ns[4] / ns[0], planning * 1e-3, mark);
  rows.push_back(row);
}

void bench_fft_batch(std::size_t n, std::size_t channels, nlohmann::json& rows) {
  const dsp::Fft fft(n);
  auto scratch = fft.make_scratch();
  const auto x = ramp(n * channels);
  Array<Complex> spectra(fft.bins() * channels);
  Race race;
  race.add([&] { fft.forward_batch(x, spectra, scratch); });
  const double ns = race.run()[0];
  const double points = static_cast<double>(n * channels);
  const double gflops = 2.5 * points * std::log2(static_cast<double>(n)) / ns;
  nlohmann::json row = {
      {"name", fmt::format("fft/batch{}/{}", channels, n)}, {"ns", ns}, {"gflops", gflops}};
  fmt::print("{:<20} {:>9.0f} ns  {:.1f} GFLOP/s\n", row["name"].get<std::string>(), ns, gflops);
  rows.push_back(row);
}

}  // namespace metalaudio::bench

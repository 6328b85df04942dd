// bench_cuda_dsp [--json FILE]: the batched transforms on a GPU beside cuFFT in the same run, in turns.
// Each figure is the median of nine turns of as many calls as take a few milliseconds.
#include <cuda_runtime_api.h>
#include <cufft.h>
#include <fmt/format.h>
#include <metalaudio/core/tensor.h>
#include <metalaudio/dsp/batched_complex_fft.h>
#include <metalaudio/dsp/batched_convolution.h>
#include <metalaudio/dsp/batched_fft.h>
#include <metalaudio/dsp/batched_filter_bank.h>
#include <metalaudio/dsp/batched_stft.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

using namespace metalaudio;
using namespace metalaudio::dsp;

namespace {

constexpr int kTurns = 9;
constexpr std::int64_t kSamples = std::int64_t{1} << 26;

std::shared_ptr<AudioDevice> gpu;

Tensor room(const Shape& shape) { return {shape, DataType::f32, gpu}; }

double microseconds(const std::function<void()>& call, int calls) {
  gpu->synchronize();
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < calls; ++i) call();
  gpu->synchronize();
  const std::chrono::duration<double, std::micro> taken = std::chrono::steady_clock::now() - start;
  return taken.count() / calls;
}

/// Medians of two calls that take turns.
std::pair<double, double> compare(const std::function<void()>& one,
                                  const std::function<void()>& other) {
  std::vector<double> a, b;
  const int calls = std::clamp(static_cast<int>(3000 / microseconds(one, 3)), 3, 200);
  microseconds(other, 3);
  for (int turn = 0; turn < kTurns; ++turn) {
    a.push_back(microseconds(one, calls));
    b.push_back(microseconds(other, calls));
  }
  std::ranges::sort(a);
  std::ranges::sort(b);
  return {a[kTurns / 2], b[kTurns / 2]};
}

/// A plan of cuFFT on the device's stream.
struct Plan {
  Plan(cufftType type, std::int64_t size, std::int64_t batch) {
    auto points = static_cast<int>(size);
    const cufftResult made = cufftPlanMany(&handle, 1, &points, nullptr, 1, 0, nullptr, 1, 0, type,
                                           static_cast<int>(batch));
    if (made != CUFFT_SUCCESS) throw std::runtime_error(fmt::format("cuFFT: error {}", int(made)));
    cufftSetStream(handle, static_cast<cudaStream_t>(gpu->stream()));
  }
  ~Plan() { cufftDestroy(handle); }
  cufftHandle handle = 0;
};

float* floats(Tensor& tensor) { return static_cast<float*>(tensor.view().handle()); }
cufftComplex* bins(Tensor& tensor) { return static_cast<cufftComplex*>(tensor.view().handle()); }

nlohmann::json rows = nlohmann::json::array();

void row(const std::string& what, std::int64_t size, std::pair<double, double> times) {
  const double ratio = times.second / times.first;
  fmt::print("{:44} {:7} points: cuFFT {:8.1f} us, MetalAudio {:8.1f} us, {:.2f} of it\n", what,
             size, times.first, times.second, ratio);
  std::fflush(stdout);
  rows.push_back({{"what", what},
                  {"points", size},
                  {"cufft_us", times.first},
                  {"metalaudio_us", times.second}});
}

void race_ffts(std::int64_t size, bool complex) {
  const std::int64_t count = kSamples / size;
  Tensor x = room({count, size});
  Tensor spectra = room({count, size / 2 + 1, 2});
  BatchedFft fft(static_cast<std::size_t>(size), {.device = gpu});
  {
    const Plan plan(CUFFT_R2C, size, count);
    row("real, forward", size,
        compare([&] { cufftExecR2C(plan.handle, floats(x), bins(spectra)); },
                [&] { fft.forward(x.view(), spectra.view()); }));
  }
  {
    const Plan plan(CUFFT_C2R, size, count);
    row("real, inverse", size,
        compare([&] { cufftExecC2R(plan.handle, bins(spectra), floats(x)); },
                [&] { fft.inverse(spectra.view(), x.view()); }));
  }
  if (!complex) return;
  Tensor from = room({count / 2, size, 2});
  Tensor to = room({count / 2, size, 2});
  BatchedComplexFft own(static_cast<std::size_t>(size), {.device = gpu});
  const Plan plan(CUFFT_C2C, size, count / 2);
  row("complex, forward", size,
      compare([&] { cufftExecC2C(plan.handle, bins(from), bins(to), CUFFT_FORWARD); },
              [&] { own.forward(from.view(), to.view()); }));
}

/// Framing and window on our side; cuFFT transforms as many frames that lie ready.
void race_stft(std::int64_t size, std::int64_t hop) {
  const std::int64_t count = kSamples / size;
  const std::int64_t channels = 8;
  const std::int64_t frames = count / channels;
  StftOptions options;
  options.fft_size = static_cast<std::size_t>(size);
  options.hop_samples = static_cast<std::size_t>(hop);
  options.window.shape = WindowShape::hamming;
  options.center = false;
  BatchedStft stft(options, {.device = gpu});
  Tensor signal = room({channels, (frames - 1) * hop + size});
  Tensor cut = room({count, size});
  Tensor spectra = room({channels, frames, size / 2 + 1, 2});
  {
    const Plan plan(CUFFT_R2C, size, count);
    row(fmt::format("framing, window and FFT, hop {}", hop), size,
        compare([&] { cufftExecR2C(plan.handle, floats(cut), bins(spectra)); },
                [&] { stft.forward(signal.view(), spectra.view()); }));
  }
  const Plan plan(CUFFT_C2R, size, count);
  row(fmt::format("inverse, window and overlap-add, hop {}", hop), size,
      compare([&] { cufftExecC2R(plan.handle, bins(spectra), floats(cut)); },
              [&] { stft.inverse(spectra.view(), signal.view()); }));
}

/// Channels through third-octave bands, in blocks and whole seconds.
void time_filters(std::int64_t channels, std::int64_t frames) {
  const std::vector<FilterSections> bands =
      design_band_passes(octave_bands(OctaveFraction::third_octave, 20, 20000), 48000.0, 3);
  BatchedFilterBank bank(bands, static_cast<std::size_t>(channels), {.device = gpu});
  const auto count = static_cast<std::int64_t>(bands.size());
  Tensor in = room({channels, frames});
  Tensor out = room({channels, count, frames});
  const auto call = [&] { bank.process(in.view(), out.view()); };
  const double time = compare(call, call).first;
  fmt::print("{:4} channels, {} bands of 3 sections, {:6} frames: {:8.1f} us, {:.1f} G samples/s\n",
             channels, count, frames, time,
             static_cast<double>(channels * count * frames) / time / 1e3);
  rows.push_back({{"what", "filter bank"},
                  {"channels", channels},
                  {"bands", count},
                  {"frames", frames},
                  {"metalaudio_us", time}});
}

/// One response for all channels.
void time_convolution(std::int64_t channels, std::int64_t taps, std::int64_t block,
                      std::int64_t frames) {
  const std::vector<float> ir(static_cast<std::size_t>(taps), 1e-3F);
  const std::span<const float> irs[] = {ir};
  BatchedConvolution convolution(irs,
                                 {.channels = static_cast<std::size_t>(channels),
                                  .block_samples = static_cast<std::size_t>(block)},
                                 {.device = gpu});
  Tensor in = room({channels, frames});
  Tensor out = room({channels, frames});
  const auto call = [&] { convolution.process(in.view(), out.view()); };
  const double time = compare(call, call).first;
  fmt::print("{:4} channels, {} taps, partitions of {}, {:7} frames: {:8.1f} us\n", channels, taps,
             block, frames, time);
  rows.push_back({{"what", "convolution"},
                  {"channels", channels},
                  {"taps", taps},
                  {"block", block},
                  {"frames", frames},
                  {"metalaudio_us", time}});
}

void run(const std::string& json) {
  gpu = open_device(DeviceType::cuda);
  fmt::print("{}\n", gpu->properties().name);
  for (std::int64_t size = 16; size <= 16384; size *= 2) race_ffts(size, size <= 8192);
  for (const std::int64_t size : {480, 1000, 1920, 65536}) race_ffts(size, false);
  for (const std::int64_t size : {1024, 2048, 4096}) {
    race_stft(size, size / 4);
    race_stft(size, size);
  }
  race_stft(1920, 480);
  time_filters(2, 512);
  time_filters(64, 512);
  time_filters(64, 48000);
  time_convolution(64, 48000, 512, 512);
  time_convolution(64, 48000, 512, 512 * 94);
  time_convolution(2, 480000, 8192, 8192 * 352);
  if (!json.empty()) {
    std::ofstream(json) << nlohmann::json{{"device", gpu->properties().name}, {"rows", rows}}.dump(
                               2)
                        << '\n';
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(argc == 3 && std::string(argv[1]) == "--json" ? argv[2] : "");
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

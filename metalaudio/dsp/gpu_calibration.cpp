#include <metalaudio/core/accelerator.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/staging_buffer.h>
#include <metalaudio/core/tensor.h>
#include <metalaudio/dsp/batched/gpu_threshold.h>
#include <metalaudio/dsp/batched_fft.h>
#include <metalaudio/dsp/fft.h>
#include <metalaudio/dsp/gpu_calibration.h>

#include <algorithm>
#include <chrono>
#include <complex>
#include <limits>
#include <vector>

namespace metalaudio::dsp {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kLeastPoints = 256;
constexpr std::size_t kMostPoints = std::size_t{1} << 20;
/// More points are more transforms of this size, as the frames of a signal are.
constexpr std::size_t kLongest = 4096;

/// The best of many, so that what else the machine does falls out.
template <typename Work>
double best_seconds(Work&& work) {
  double best = std::numeric_limits<double>::max();
  const Clock::time_point end = Clock::now() + std::chrono::milliseconds(20);
  for (int run = 0; run < 3 || Clock::now() < end; ++run) {
    const Clock::time_point start = Clock::now();
    work();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

double cpu_seconds(std::size_t points) {
  Fft fft(std::min(points, kLongest));
  FftScratch<float> scratch = fft.make_scratch();
  const std::vector<float> x(points, 0.5F);
  std::vector<std::complex<float>> spectra(points / fft.size() * fft.bins());
  return best_seconds([&] { fft.forward_batch(x, spectra, scratch); });
}

/// There and back: samples in host memory to spectra in host memory.
double gpu_seconds(const std::shared_ptr<AudioDevice>& gpu, std::size_t points) {
  BatchedFft fft(std::min(points, kLongest), {.device = gpu});
  const auto count = static_cast<std::int64_t>(points / fft.size());
  Tensor x({count, static_cast<std::int64_t>(fft.size())}, DataType::f32, gpu);
  Tensor spectra({count, static_cast<std::int64_t>(fft.bins()), 2}, DataType::f32, gpu);
  const StagingBuffer in(x.bytes(), gpu);
  StagingBuffer out(spectra.bytes(), gpu);
  return best_seconds([&] {
    in.upload(x.view());
    fft.forward(x.view(), spectra.view());
    out.download(spectra.view());
    gpu->synchronize();
  });
}

}  // namespace

std::size_t find_gpu_threshold(std::size_t least, std::size_t most,
                               const std::function<double(std::size_t)>& cpu_seconds,
                               const std::function<double(std::size_t)>& gpu_seconds) {
  std::size_t threshold = 0;
  for (std::size_t size = least; size <= most; size *= 2) {
    if (cpu_seconds(size) <= gpu_seconds(size)) threshold = size;
  }
  return threshold == most ? std::numeric_limits<std::size_t>::max() : threshold;
}

std::size_t measure_gpu_threshold(const std::shared_ptr<AudioDevice>& gpu) {
  if (gpu->accelerator() == nullptr) {
    fail(ErrorCode::invalid_argument, "[measure_gpu_threshold] {} is no GPU",
         gpu->properties().name);
  }
  return find_gpu_threshold(kLeastPoints, kMostPoints, cpu_seconds,
                            [&](std::size_t points) { return gpu_seconds(gpu, points); });
}

}  // namespace metalaudio::dsp

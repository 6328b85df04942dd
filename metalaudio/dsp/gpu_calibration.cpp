#include <metalaudio/core/accelerator.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/pipeline.h>
#include <metalaudio/core/staging_buffer.h>
#include <metalaudio/dsp/fft.h>
#include <metalaudio/dsp/gpu_calibration.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <complex>
#include <limits>
#include <utility>
#include <vector>

namespace metalaudio::dsp {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kLeastSize = 256;
constexpr std::size_t kMostSize = std::size_t{1} << 20;

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

double cpu_seconds(std::size_t size) {
  Fft fft(size);
  const std::vector<float> x(size, 0.5F);
  std::vector<std::complex<float>> spectrum(fft.bins());
  return best_seconds([&] { fft.forward(x, spectrum); });
}

const KernelSource& pass_source() {
  static const KernelSource source{
      R"(extern "C" __global__ void pass(const float* in, float* out, int values) {
           int i = blockIdx.x * blockDim.x + threadIdx.x;
           if (i < values) out[i] = 0.5f * in[i] + 0.25f;
         })",
      "pass"};
  return source;
}

double gpu_seconds(const std::shared_ptr<AudioDevice>& gpu, const Kernel& pass, std::size_t size) {
  Accelerator& accelerator = *gpu->accelerator();
  StagingBuffer x(size * sizeof(float), gpu), y(size * sizeof(float), gpu);
  Buffer a(x.bytes(), gpu), b(x.bytes(), gpu);
  void* from = a.handle();
  void* to = b.handle();
  auto values = static_cast<int>(size);
  const std::array<void*, 4> arguments{&from, &to, &values, &values};
  const LaunchShape shape{.blocks = static_cast<std::uint32_t>((size + 255) / 256)};
  // A pass does four levels of the transform's butterflies.
  const int passes = (std::bit_width(size) + 3) / 4;
  return best_seconds([&] {
    accelerator.upload_async(from, 0, x.data(), x.bytes());
    for (int i = 0; i < passes; ++i) {
      pass.launch(shape, arguments);
      std::swap(from, to);
    }
    accelerator.download_async(y.data(), from, 0, y.bytes());
    gpu->synchronize();
  });
}

}  // namespace

std::size_t measure_gpu_threshold(const std::shared_ptr<AudioDevice>& gpu) {
  if (gpu->accelerator() == nullptr) {
    fail(ErrorCode::invalid_argument, "[measure_gpu_threshold] {} is no GPU",
         gpu->properties().name);
  }
  const auto pipeline = gpu->pipeline({pass_source(), {}});
  std::size_t threshold = 0;
  for (std::size_t size = kLeastSize; size <= kMostSize; size *= 2) {
    if (cpu_seconds(size) <= gpu_seconds(gpu, *pipeline->kernel(), size)) threshold = size;
  }
  return threshold == kMostSize ? std::numeric_limits<std::size_t>::max() : threshold;
}

}  // namespace metalaudio::dsp

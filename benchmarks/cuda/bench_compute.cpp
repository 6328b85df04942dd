// bench_compute: what blocks of 512 samples take from an audio callback to the GPU and back, what a
// launch from the callback itself would cost it, and what compiling a kernel at run time takes.
#include <fmt/format.h>
#include <metalaudio/core/accelerator.h>
#include <metalaudio/core/compute_context.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

using namespace metalaudio;
using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kValues = 512;
constexpr double kBlockMicroseconds = 64 / 48e3 * 1e6;
constexpr auto kBlockTime = 1333us;
constexpr int kWarmUp = 200;

double microseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

void spin_until(Clock::time_point time) {
  while (Clock::now() < time) {
  }
}

struct Times {
  std::vector<double> microseconds;

  double at(double share) {
    std::ranges::sort(microseconds);
    const auto index = static_cast<std::size_t>(share * double(microseconds.size() - 1));
    return microseconds[index];
  }
  void print(const std::string& what) {
    fmt::print("{:58} median {:7.1f} us, p99.9 {:7.1f} us, most {:8.1f} us\n", what, at(0.5),
               at(0.999), at(1));
  }
};

KernelSource gain(int factor) {
  return {R"(extern "C" __global__ void gain(const float* in, float* out, int n) {
               int i = blockIdx.x * blockDim.x + threadIdx.x;
               if (i < n) out[i] = FACTOR * in[i];
             })",
          "gain",
          {"-DFACTOR=" + std::to_string(factor)}};
}

/// From try_execute_async() to the result, with a callback every `pause`.
void round_trips(const std::shared_ptr<AudioDevice>& device, const CpuFunction& cpu,
                 std::chrono::microseconds poll, std::chrono::microseconds pause, int count,
                 const std::string& what) {
  ComputeContext context(device, device->pipeline({gain(2), cpu}), {.poll_period = poll});
  Times trip, call;
  Clock::time_point next = Clock::now();
  for (int i = 0; i < count + kWarmUp; ++i) {
    spin_until(next);
    const std::uint64_t finished = context.finished();
    context.with_read_buffer([](std::span<const float>) {});
    const auto start = Clock::now();
    context.try_execute_async([](std::span<float> x) { std::ranges::fill(x, 1.0F); });
    const double called = microseconds_since(start);
    while (context.finished() == finished) {
    }
    const double done = microseconds_since(start);
    next = std::max(next + pause, Clock::now());
    if (i < kWarmUp) continue;
    call.microseconds.push_back(called);
    trip.microseconds.push_back(done);
  }
  trip.print(fmt::format("{}, polled every {} us", what, poll.count()));
  call.print("  of which the callback's own");
  fmt::print("  latency in blocks of 64 at 48 kHz: {} by the median, {} by p99.9\n",
             std::ceil(trip.at(0.5) / kBlockMicroseconds),
             std::ceil(trip.at(0.999) / kBlockMicroseconds));
}

/// What the hand-over spares the callback: the same three calls, made by itself.
void direct_launches(const std::shared_ptr<AudioDevice>& device) {
  const auto pipeline = device->pipeline({gain(2), {}});
  Accelerator& gpu = *device->accelerator();
  StagingBuffer in(kValues * sizeof(float), device), out(kValues * sizeof(float), device);
  Buffer device_in(in.bytes(), device), device_out(out.bytes(), device);
  void* from = device_in.handle();
  void* to = device_out.handle();
  int values = kValues;
  const std::array<void*, 3> arguments{&from, &to, &values};
  Times call, trip;
  Clock::time_point next = Clock::now();
  for (int i = 0; i < 3000 + kWarmUp; ++i) {
    spin_until(next);
    const auto start = Clock::now();
    gpu.upload_async(from, 0, in.data(), in.bytes());
    pipeline->kernel()->launch({.blocks = 2}, arguments);
    gpu.download_async(out.data(), to, 0, out.bytes());
    const double called = microseconds_since(start);
    device->synchronize();
    const double done = microseconds_since(start);
    next = std::max(next + kBlockTime, Clock::now());
    if (i < kWarmUp) continue;
    call.microseconds.push_back(called);
    trip.microseconds.push_back(done);
  }
  trip.print("GPU, launched by the callback itself, which waits");
  call.print("  of which the three calls, which lock and enter the kernel");
}

void compile_times(const std::shared_ptr<AudioDevice>& device) {
  const auto timed = [&](AudioDevice& on, int factor) {
    const auto start = Clock::now();
    const auto pipeline = on.pipeline({gain(factor), {}});
    return microseconds_since(start);
  };
  const double first = timed(*device, 100);
  double last = 0;
  for (int factor = 101; factor < 110; ++factor) last = timed(*device, factor);
  const double remembered = timed(*device, 100);
  const auto other = open_device(DeviceType::cuda);
  fmt::print(
      "compiling a kernel: first {:.1f} ms, tenth {:.1f} ms; from disk {:.2f} ms, from "
      "memory {:.1f} us\n",
      first / 1e3, last / 1e3, timed(*other, 100) / 1e3, remembered);
  Times firsts, tenths;
  const std::vector<float> in(kValues, 1.0F);
  std::vector<float> out(kValues);
  for (int factor = 200; factor < 230; ++factor) {
    ComputeContext context(device, device->pipeline({gain(factor), {}}), {.poll_period = 10us});
    for (int call = 0; call < 10; ++call) {
      const auto start = Clock::now();
      static_cast<void>(context.execute(in, out));
      if (call == 0) firsts.microseconds.push_back(microseconds_since(start));
      if (call == 9) tenths.microseconds.push_back(microseconds_since(start));
    }
  }
  fmt::print("execute() on a new context: first call {:.1f} us, tenth {:.1f} us (medians)\n",
             firsts.at(0.5), tenths.at(0.5));
}

}  // namespace

int main() try {
  std::string cache = (std::filesystem::temp_directory_path() / "bench_compute-XXXXXX").string();
  if (::mkdtemp(cache.data()) == nullptr) return std::perror("a cache of its own"), 1;
  ::setenv("XDG_CACHE_HOME", cache.c_str(), 1);
  const CpuFunction twice = [](std::span<const float> in, std::span<float> out) {
    std::ranges::transform(in, out.begin(), [](float x) { return 2 * x; });
  };
  round_trips(open_device(DeviceType::cpu), twice, 50us, kBlockTime, 3000,
              "CPU, 512 samples every 1.33 ms");
  const auto device = open_device(DeviceType::cuda);
  fmt::print("{}\n", device->properties().name);
  round_trips(device, {}, 50us, kBlockTime, 5000, "GPU, 512 samples every 1.33 ms");
  round_trips(device, {}, 1us, kBlockTime, 5000, "GPU, 512 samples every 1.33 ms");
  round_trips(device, {}, 1us, 0us, 20000, "GPU, 512 samples without a pause");
  direct_launches(device);
  compile_times(device);
  std::filesystem::remove_all(cache);
} catch (const std::exception& error) {
  return std::fprintf(stderr, "%s\n", error.what()), 1;
}

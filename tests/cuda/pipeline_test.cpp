#include <gtest/gtest.h>
#include <metalaudio/core/accelerator.h>
#include <metalaudio/core/pipelines/disk_cache.h>
#include <metalaudio/core/tensor.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <thread>
#include <vector>

#include "tests/cuda/kernels.h"
#include "tests/support/test_folder.h"

namespace metalaudio {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Each test has a disk cache of its own.
class CudaPipeline : public ::testing::Test {
 protected:
  CudaPipeline() { ::setenv("XDG_CACHE_HOME", folder_.path().c_str(), 1); }
  ~CudaPipeline() override { ::unsetenv("XDG_CACHE_HOME"); }

  std::vector<std::filesystem::path> kept() const {
    std::vector<std::filesystem::path> files;
    std::error_code error;
    for (const auto& entry :
         std::filesystem::directory_iterator(DiskCache::default_folder(), error))
      files.push_back(entry.path());
    return files;
  }

  TestFolder folder_;
};

std::vector<float> run(const std::shared_ptr<AudioDevice>& device, const Kernel& kernel,
                       std::vector<float> values, const LaunchShape& shape = {.blocks = 4}) {
  const Shape size{static_cast<std::int64_t>(values.size())};
  Tensor in(size, DataType::f32, device), out(size, DataType::f32, device);
  in.copy_from(values);
  void* from = in.view().handle();
  void* to = out.view().handle();
  auto count = static_cast<int>(values.size());
  const std::array<void*, 3> arguments{&from, &to, &count};
  kernel.launch(shape, arguments);
  out.copy_to(values);
  return values;
}

TEST_F(CudaPipeline, RunsAUsersKernel) {
  const auto device = gpu();
  const auto pipeline = device->pipeline({scale_source(5), {}});
  ASSERT_NE(pipeline->kernel(), nullptr);
  EXPECT_EQ(run(device, *pipeline->kernel(), {1, 2, 3}), (std::vector<float>{5, 10, 15}));
}

TEST_F(CudaPipeline, TheEntryMayBeATemplate) {
  const auto device = gpu();
  const char* const source = R"(namespace mine {
    template <int N> __global__ void power(const float* in, float* out, int n) {
      int i = blockIdx.x * blockDim.x + threadIdx.x;
      if (i >= n) return;
      float y = 1;
      for (int k = 0; k < N; ++k) y *= in[i];
      out[i] = y;
    } })";
  for (const auto& [entry, expected] :
       {std::pair{"mine::power<2>", 9.0F}, std::pair{"mine::power<3>", 27.0F}}) {
    const auto pipeline = device->pipeline({{source, entry}, {}});
    EXPECT_EQ(run(device, *pipeline->kernel(), {3}), (std::vector<float>{expected}));
  }
}

TEST_F(CudaPipeline, EightThreadsGetOneKernel) {
  const auto device = gpu();
  std::vector<std::shared_ptr<const Pipeline>> pipelines(8);
  std::vector<std::thread> threads;
  for (auto& pipeline : pipelines) {
    threads.emplace_back([&] { pipeline = device->pipeline({scale_source(7), {}}); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& pipeline : pipelines) EXPECT_EQ(pipeline->kernel(), pipelines[0]->kernel());
  EXPECT_EQ(kept().size(), 1U);
}

TEST_F(CudaPipeline, TheCompilersLogIsInTheError) {
  const auto device = gpu();
  const auto message = [&](const KernelSource& source) -> std::string {
    try {
      device->pipeline({source, thrice});
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      return error.what();
    }
    return "no error";
  };
  const std::string wrong = message({"__global__ void f() { nonsense; }", "f"});
  EXPECT_NE(wrong.find("\"nonsense\" is undefined"), std::string::npos) << wrong;
  EXPECT_NE(wrong.find("f.cu(1)"), std::string::npos) << wrong;
  EXPECT_NE(message({"__global__ void f() {}", "g"}).find("\"g\" is undefined"), std::string::npos);
  EXPECT_NE(message({"__global__ void f() {}", "f", {"--nonsense"}}), "no error");
  EXPECT_TRUE(kept().empty());
}

TEST_F(CudaPipeline, IsKeptOnDiskForTheNextProcess) {
  const KernelSource source = scale_source(11);
  const auto start = Clock::now();
  gpu()->pipeline({source, {}});
  const double compiled = seconds_since(start);
  ASSERT_EQ(kept().size(), 1U);
  const auto written = std::filesystem::last_write_time(kept()[0]);
  const auto next = gpu();  // remembers nothing of the first
  const auto again = Clock::now();
  const auto pipeline = next->pipeline({source, {}});
  const double loaded = seconds_since(again);
  EXPECT_EQ(run(next, *pipeline->kernel(), {1}), (std::vector<float>{11}));
  EXPECT_EQ(std::filesystem::last_write_time(kept()[0]), written);
  std::cout << "compiled in " << 1e3 * compiled << " ms, from disk in " << 1e3 * loaded << " ms\n";
}

TEST_F(CudaPipeline, ADamagedOrUnwritableDiskIsNoTrouble) {
  const KernelSource source = scale_source(13);
  gpu()->pipeline({source, {}});
  ASSERT_EQ(kept().size(), 1U);
  std::string bytes = read_text(kept()[0]);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  write_text(kept()[0], bytes);
  auto device = gpu();
  EXPECT_EQ(run(device, *device->pipeline({source, {}})->kernel(), {1}), (std::vector<float>{13}));
  EXPECT_NE(read_text(kept()[0]), bytes);
  ::setenv("XDG_CACHE_HOME", "/proc/nowhere", 1);
  device = gpu();
  EXPECT_EQ(run(device, *device->pipeline({source, {}})->kernel(), {1}), (std::vector<float>{13}));
}

/// Whole, and of the right key, but no code that a driver takes.
TEST_F(CudaPipeline, CodeThatTheDriverRefusesIsCompiledAgain) {
  const KernelSource source = scale_source(17);
  gpu()->pipeline({source, {}});
  ASSERT_EQ(kept().size(), 1U);
  const std::string whole = read_text(kept()[0]);
  std::uint64_t key_bytes = 0;
  std::memcpy(&key_bytes, whole.data() + 8, sizeof(key_bytes));
  const std::string key = whole.substr(32, key_bytes);
  DiskCache(DiskCache::default_folder()).store(key, std::string("scale\0nonsense", 14));
  const auto device = gpu();
  EXPECT_EQ(run(device, *device->pipeline({source, {}})->kernel(), {1}), (std::vector<float>{17}));
}

TEST_F(CudaPipeline, AShapeThatTheDeviceRefusesLosesNothing) {
  const auto device = gpu();
  const auto pipeline = device->pipeline({scale_source(2), {}});
  for (const LaunchShape& shape : {LaunchShape{.threads = 5000}, LaunchShape{.blocks = 0},
                                   LaunchShape{.shared_bytes = 100 << 20}}) {
    EXPECT_THROW(run(device, *pipeline->kernel(), {1}, shape), Error);
  }
  EXPECT_EQ(run(device, *pipeline->kernel(), {1}), (std::vector<float>{2}));
  // More than the 48 KiB that need no asking.
  EXPECT_EQ(run(device, *pipeline->kernel(), {1}, {.shared_bytes = 60 << 10}),
            (std::vector<float>{2}));
}

TEST_F(CudaPipeline, OutlivesItsDevice) {
  auto device = gpu();
  const auto pipeline = device->pipeline({scale_source(2), {}});
  device.reset();
  EXPECT_NE(pipeline->kernel(), nullptr);
}

/// 70 kernels go through a memory of 64; each still does its own work.
TEST_F(CudaPipeline, MoreKernelsThanAreRemembered) {
  const auto device = gpu();
  for (int round = 0; round < 2; ++round) {
    for (int factor = 1; factor <= 70; ++factor) {
      const auto pipeline = device->pipeline({scale_source(factor), {}});
      ASSERT_EQ(run(device, *pipeline->kernel(), {1})[0], static_cast<float>(factor));
    }
  }
}

}  // namespace
}  // namespace metalaudio

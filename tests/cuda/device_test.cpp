#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/core/accelerator.h>
#include <metalaudio/core/gpu_profile.h>
#include <metalaudio/core/staging_buffer.h>
#include <metalaudio/core/tensor.h>
#include <metalaudio/core/tolerance_configuration.h>

#include <cstdlib>
#include <iostream>
#include <limits>
#include <numeric>
#include <vector>

#include "tests/cuda/kernels.h"
#include "tests/support/test_folder.h"

namespace metalaudio {
namespace {

TEST(CudaDevice, SaysWhatItIs) {
  const auto device = gpu();
  const DeviceProperties& properties = device->properties();
  EXPECT_EQ(properties.type, DeviceType::cuda);
  EXPECT_FALSE(properties.name.empty());
  EXPECT_FALSE(properties.host_memory);
  EXPECT_GT(properties.compute_units, 0);
  EXPECT_GT(properties.clock_mhz, 0);
  EXPECT_THAT(properties.architecture, ::testing::MatchesRegex("[0-9]+\\.[0-9]"));
  const GpuState state = device->accelerator()->state();
  ASSERT_TRUE(state.free_memory_bytes);
  EXPECT_GT(*state.free_memory_bytes, 0U);
  EXPECT_LE(*state.free_memory_bytes, properties.memory_bytes);
  if (state.celsius) {
    EXPECT_GT(*state.celsius, 0);
    EXPECT_LT(*state.celsius, 120);
  }
  std::cout << properties.name << ", " << properties.compute_units << " units, up to "
            << properties.clock_mhz << " MHz, now " << state.clock_mhz.value_or(-1) << ", memory "
            << state.memory_clock_mhz.value_or(-1) << " MHz, " << state.celsius.value_or(-1)
            << " °C of " << state.slowdown_celsius.value_or(-1) << ", "
            << (*state.free_memory_bytes >> 20U) << " MiB free\n";
}

TEST(CudaDevice, IsInTheSurveyAndInTheList) {
  const GpuSurvey survey = survey_gpus();
  EXPECT_EQ(survey.trouble, "");
  ASSERT_FALSE(survey.gpus.empty());
  EXPECT_EQ(survey.gpus[0].trouble, "");
  EXPECT_EQ(survey.gpus[0].properties.name, gpu()->properties().name);
  EXPECT_EQ(list_devices().size(), survey.gpus.size() + 1);
  expect_error(ErrorCode::backend_unavailable, "counted from 0",
               [] { open_device(DeviceType::cuda, 99); });
  expect_error(ErrorCode::backend_unavailable, "counted from 0",
               [] { open_device(DeviceType::cuda, -1); });
}

TEST(CudaDevice, IsUsedForWhatIsLargeEnough) {
  const auto device = gpu();
  EXPECT_TRUE(device->should_use_gpu(std::numeric_limits<std::size_t>::max() / 2, {}));
  EXPECT_FALSE(device->should_use_gpu(1, {}));
}

TEST(CudaDevice, StagingMemoryTakesTensorsThereAndBackWithoutWaiting) {
  const auto device = gpu();
  constexpr std::int64_t kValues = 4 << 20;
  StagingBuffer there(kValues * sizeof(float), device), back(kValues * sizeof(float), device);
  std::iota(there.floats().begin(), there.floats().end(), 1.0F);
  Tensor a({kValues}, DataType::f32, device), b({kValues}, DataType::f32, device);
  for (int round = 0; round < 20; ++round) {
    there.upload(a.view());
    copy(a.view(), b.view());
    back.download(b.view());
    device->synchronize();
    ASSERT_TRUE(std::ranges::equal(there.floats(), back.floats()));
    std::ranges::fill(back.floats(), 0.0F);
    there.floats()[0] += 1;
  }
}

TEST(CudaDevice, TensorsAndBuffersLieThereAndAreZeroWhenMade) {
  const auto device = gpu();
  const Tensor zero({1000}, DataType::f32, device);
  std::vector<float> values(1000, 1.0F);
  zero.copy_to(values);
  EXPECT_THAT(values, ::testing::Each(0.0F));
  std::iota(values.begin(), values.end(), 0.0F);
  Tensor tensor({1000}, DataType::f32, device);
  tensor.copy_from(values);
  const Tensor twin = tensor;
  std::vector<float> read(1000);
  twin.copy_to(read);
  EXPECT_EQ(read, values);
  expect_error(ErrorCode::out_of_memory, "MiB", [&] { Buffer(std::size_t{1} << 50U, device); });
  twin.copy_to(read);  // the device goes on
}

TEST(CudaDevice, AnEmptyListOfVisibleDevicesIsToldInAChildProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        ::setenv("CUDA_VISIBLE_DEVICES", "", 1);
        const std::string trouble = survey_gpus().trouble;
        std::cerr << trouble;
        std::exit(list_devices().size() == 1 ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "CUDA_VISIBLE_DEVICES is empty");
}

}  // namespace
}  // namespace metalaudio

#include <gtest/gtest.h>
#include <metalaudio/core/staging_buffer.h>
#include <metalaudio/core/tensor.h>

#include <memory>
#include <numeric>

#include "tests/support/fake_device.h"
#include "tests/support/fake_gpu.h"
#include "tests/support/test_folder.h"

namespace metalaudio {
namespace {

void round_trip(const std::shared_ptr<AudioDevice>& device) {
  StagingBuffer there(8 * sizeof(float), device);
  StagingBuffer back(8 * sizeof(float), device);
  EXPECT_EQ(there.floats()[7], 0.0F);
  std::iota(there.floats().begin(), there.floats().end(), 1.0F);
  Tensor tensor({2, 3}, DataType::f32, device);
  there.upload(tensor.view());
  back.download(tensor.view());
  if (device) device->synchronize();
  EXPECT_EQ(back.floats()[5], 6.0F);
  EXPECT_EQ(back.floats()[6], 0.0F);
}

TEST(StagingBuffer, TakesTensorsToAnyPlaceAndBack) {
  round_trip(nullptr);
  round_trip(open_device(DeviceType::cpu));
  round_trip(std::make_shared<FakeDevice>());
  round_trip(std::make_shared<FakeGpu>());
}

TEST(StagingBuffer, IsTheGpusOwnHostMemoryAndItsCopiesWaitForNobody) {
  const auto gpu = std::make_shared<FakeGpu>();
  Tensor tensor({4}, DataType::f32, gpu);
  {
    StagingBuffer staging(16, gpu);
    staging.floats()[0] = 1;
    StagingBuffer copy = staging;
    EXPECT_EQ(copy.floats()[0], 1.0F);
    const StagingBuffer moved = std::move(copy);
    EXPECT_EQ(gpu->staging, 2);
    moved.upload(tensor.view());
    staging.floats()[0] = 2;
    staging.download(tensor.view());
    EXPECT_EQ(staging.floats()[0], 2.0F);
    gpu->synchronize();
    EXPECT_EQ(staging.floats()[0], 1.0F);
  }
  EXPECT_EQ(gpu->staging, 0);
  const StagingBuffer none(0, gpu);
  none.upload(Tensor({0}, DataType::f32, gpu).view());
  EXPECT_EQ(gpu->staging, 0);
}

TEST(StagingBuffer, RefusesTensorsThatAreLargerOrElsewhere) {
  const auto gpu = std::make_shared<FakeGpu>();
  StagingBuffer staging(16, gpu);
  Tensor large({5}, DataType::f32, gpu), elsewhere({4});
  expect_error(ErrorCode::invalid_argument, "20 bytes", [&] { staging.upload(large.view()); });
  expect_error(ErrorCode::invalid_argument, "20 bytes", [&] { staging.download(large.view()); });
  expect_error(ErrorCode::invalid_argument, "another", [&] { staging.upload(elsewhere.view()); });
}

}  // namespace
}  // namespace metalaudio

#include <gtest/gtest.h>
#include <metalaudio/core/audio_device.h>
#include <metalaudio/core/error.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace metalaudio {
namespace {

TEST(AudioDevice, TheCpuComesFirstInTheList) {
  const auto devices = list_devices();
  ASSERT_FALSE(devices.empty());
  EXPECT_EQ(devices[0].type, DeviceType::cpu);
  EXPECT_FALSE(devices[0].name.empty());
  EXPECT_GT(devices[0].memory_bytes, 0U);
  EXPECT_TRUE(devices[0].host_memory);
}

TEST(AudioDevice, AutomaticOpensSomethingThatIsListed) {
  const auto device = open_device(DeviceType::automatic);
  EXPECT_EQ(device->properties().type, list_devices().back().type);
}

TEST(AudioDevice, TheCpuAllocatesClearsAndCopies) {
  const auto device = open_device(DeviceType::cpu);
  void* const handle = device->allocate(100);
  auto* const data = static_cast<unsigned char*>(handle);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(data) % 64, 0U);
  std::fill_n(data, 100, static_cast<unsigned char>(9));
  device->clear(handle, 10, 90);
  EXPECT_EQ(data[9], 9);
  EXPECT_EQ(data[10], 0);
  const std::array<unsigned char, 3> from{1, 2, 3};
  device->upload(handle, 97, from.data(), from.size());
  device->copy(handle, 20, handle, 98, 2);
  std::array<unsigned char, 4> back{};
  device->download(back.data(), handle, 19, back.size());
  device->synchronize();
  EXPECT_EQ(data[96], 0);
  EXPECT_EQ(data[99], 3);
  EXPECT_EQ(back, (std::array<unsigned char, 4>{0, 2, 3, 0}));
  EXPECT_EQ(device->stream(), nullptr);
  device->deallocate(handle);
}

TEST(AudioDevice, WhatIsNotThereIsABackendUnavailable) {
  for (const auto& [type, index] : {std::pair{DeviceType::cpu, 1}, {DeviceType::cuda, 999}}) {
    try {
      open_device(type, index);
      ADD_FAILURE() << "opened device " << index;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::backend_unavailable);
    }
  }
}

}  // namespace
}  // namespace metalaudio

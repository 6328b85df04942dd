#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/core/array.h>
#include <metalaudio/core/buffer.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/half.h>

#include <algorithm>
#include <array>
#include <complex>
#include <cstdint>
#include <limits>
#include <memory>
#include <type_traits>
#include <utility>

#include "tests/support/fake_device.h"

namespace metalaudio {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

static_assert(!std::is_copy_constructible_v<Buffer> && !std::is_copy_assignable_v<Buffer>);
static_assert(std::is_nothrow_move_constructible_v<Buffer>);

template <typename Call>
ErrorCode code_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::cancelled;
}

TEST(Buffer, IsZeroAndAlignedWhenMade) {
  for (const std::size_t bytes : {1, 63, 64, 65, 4097}) {
    const Buffer buffer(bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % 64, 0U);
    EXPECT_EQ(buffer.bytes(), bytes);
    EXPECT_TRUE(std::all_of(buffer.data(), buffer.data() + bytes,
                            [](std::byte byte) { return byte == std::byte{0}; }));
    EXPECT_TRUE(buffer.in_host_memory());
    EXPECT_EQ(buffer.device(), nullptr);
  }
}

TEST(Buffer, MayHaveNoBytes) {
  const auto device = std::make_shared<FakeDevice>();
  EXPECT_EQ(Buffer().bytes(), 0U);
  EXPECT_EQ(Buffer(0).handle(), nullptr);
  const Buffer there(0, device);
  EXPECT_EQ(there.handle(), nullptr);
  EXPECT_EQ(there.device(), device);
  EXPECT_EQ(device->allocations, 0);
}

TEST(Buffer, MovesLeaveItEmpty) {
  Buffer first(8);
  first.data()[7] = std::byte{5};
  Buffer second = std::move(first);
  EXPECT_EQ(second.data()[7], std::byte{5});
  EXPECT_EQ(first.bytes(), 0U);  // NOLINT(bugprone-use-after-move): moved-from is specified
  EXPECT_EQ(first.handle(), nullptr);
  Buffer third(100);
  third = std::move(second);
  EXPECT_EQ(third.bytes(), 8U);
  EXPECT_EQ(third.data()[7], std::byte{5});
}

TEST(Buffer, LivesOnADeviceAndGivesItsMemoryBack) {
  const auto device = std::make_shared<FakeDevice>();
  {
    const Buffer buffer(10, device);
    EXPECT_FALSE(buffer.in_host_memory());
    EXPECT_EQ(device->allocations, 1);
    std::array<std::uint8_t, 10> back{};
    back.fill(9);
    device->download(back.data(), buffer.handle(), 0, back.size());
    EXPECT_THAT(back, Each(0));
  }
  EXPECT_EQ(device->allocations, 0);
}

/// A device whose memory was allocated and then could not be cleared.
TEST(Buffer, LeavesNothingBehindWhenTheDeviceFails) {
  const auto device = std::make_shared<FakeDevice>();
  device->lost = true;
  EXPECT_EQ(code_of([&] { Buffer(10, device); }), ErrorCode::backend_unavailable);
  EXPECT_EQ(device->allocations, 0);
}

TEST(Buffer, OnAnOpenCpuDeviceIsHostMemory) {
  Buffer buffer(3, open_device(DeviceType::cpu));
  EXPECT_TRUE(buffer.in_host_memory());
  EXPECT_EQ(buffer.data()[2], std::byte{0});
}

TEST(Buffer, MoreThanAnyMachineHasIsOutOfMemory) {
  constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();
  EXPECT_EQ(code_of([] { Buffer{kMost}; }), ErrorCode::out_of_memory);
  EXPECT_EQ(code_of([] { Buffer{kMost / 2}; }), ErrorCode::out_of_memory);
}

TEST(Array, IsZeroAndAlignedWhenMade) {
  const Array<std::complex<double>> array(5);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(array.data()) % 64, 0U);
  EXPECT_EQ(array.size(), 5U);
  EXPECT_THAT(array, Each(std::complex<double>(0.0)));
  EXPECT_TRUE(Array<float>().empty());
  EXPECT_TRUE(Array<float>(0).empty());
}

TEST(Array, HoldsWhatATypeStartsWith) {
  struct Section {
    float gain = 1.0F;
    std::int16_t lanes = 4;
  };
  for (const Section& section : Array<Section>(3)) {
    EXPECT_EQ(section.gain, 1.0F);
    EXPECT_EQ(section.lanes, 4);
  }
}

TEST(Array, CopiesAreDeepAndMovesLeaveItEmpty) {
  Array<float> first(std::array{1.0F, 2.0F});
  Array<float> copy = first;
  copy[0] = 9.0F;
  EXPECT_THAT(first, ElementsAre(1.0F, 2.0F));
  const Array<float> moved = std::move(first);
  EXPECT_THAT(moved, ElementsAre(1.0F, 2.0F));
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): moved-from is specified
  copy = moved;
  EXPECT_THAT(copy, ElementsAre(1.0F, 2.0F));
  const Array<float>& same = copy;
  copy = same;
  EXPECT_THAT(copy, ElementsAre(1.0F, 2.0F));
}

TEST(Array, IsTakenForASpan) {
  Array<Float16> array(4);
  const std::span<Float16> span = array;
  span[3] = Float16(2.0F);
  const Array<Float16>& read = array;
  const std::span<const Float16> same = read;
  EXPECT_EQ(static_cast<float>(same[3]), 2.0F);
  EXPECT_EQ(same.size(), 4U);
}

TEST(Array, MoreThanAnyMachineHasIsOutOfMemory) {
  EXPECT_EQ(code_of([] { Array<double>{std::size_t{1} << 61}; }), ErrorCode::out_of_memory);
  EXPECT_EQ(code_of([] { Array<double>{std::size_t{1} << 58}; }), ErrorCode::out_of_memory);
}

}  // namespace
}  // namespace metalaudio

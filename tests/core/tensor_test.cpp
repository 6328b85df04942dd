#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/tensor.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "tests/support/fake_device.h"

namespace metalaudio {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// The error that `call` throws; one with code cancelled if it throws none.
template <typename Call>
Error error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  return {ErrorCode::cancelled, "nothing was thrown"};
}

TEST(Tensor, IsZeroAndAlignedWhenMade) {
  const Tensor tensor({3, 7});
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.data()) % 64, 0U);
  EXPECT_EQ(tensor.values().size(), 21U);
  EXPECT_THAT(tensor.values(), Each(0.0F));
  EXPECT_TRUE(tensor.in_host_memory());
}

TEST(Tensor, AnEmptyOneHasNoValues) {
  EXPECT_EQ(Tensor().size(), 0U);
  EXPECT_EQ(Tensor({4, 0}).values().size(), 0U);
}

TEST(Tensor, CopiesAreDeepAndMovesLeaveItEmpty) {
  Tensor first({2});
  first.copy_from(std::array{1.0F, 2.0F});
  Tensor copy = first;
  copy.values()[0] = 9.0F;
  EXPECT_THAT(first.values(), ElementsAre(1.0F, 2.0F));
  const Tensor moved = std::move(first);
  EXPECT_THAT(moved.values(), ElementsAre(1.0F, 2.0F));
  EXPECT_EQ(first.size(), 0U);  // NOLINT(bugprone-use-after-move): moved-from is specified
  copy = moved;
  EXPECT_THAT(copy.values(), ElementsAre(1.0F, 2.0F));
}

TEST(Tensor, CopyFromAnotherSizeSaysBoth) {
  Tensor tensor({2, 4});
  const std::vector<float> seven(7);
  const Error error = error_of([&] { tensor.copy_from(seven); });
  EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
  EXPECT_STREQ(error.what(), "[Tensor] 7 values copied with shape [2, 4]: expected 8");
}

TEST(Tensor, CopyToAnotherSizeIsRejected) {
  std::vector<float> three(3);
  EXPECT_EQ(error_of([&] { Tensor({2}).copy_to(three); }).code(), ErrorCode::invalid_argument);
}

TEST(Tensor, CopyFromNanSaysWhereAndChangesNothing) {
  Tensor tensor({3});
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Error error = error_of([&] { tensor.copy_from(std::array{1.0F, nan, 2.0F}); });
  EXPECT_EQ(error.code(), ErrorCode::invalid_data);
  EXPECT_THAT(error.what(), HasSubstr("value 1 is"));
  EXPECT_THAT(tensor.values(), Each(0.0F));
}

TEST(Tensor, CopyToFindsAnInfinityAtTheEnd) {
  Tensor tensor({2});
  tensor.values()[1] = -std::numeric_limits<float>::infinity();
  std::vector<float> two(2);
  const Error error = error_of([&] { tensor.copy_to(two); });
  EXPECT_EQ(error.code(), ErrorCode::invalid_data);
  EXPECT_STREQ(error.what(), "[Tensor] value 1 is -inf");
}

TEST(Tensor, CopyFromATensorOfAnotherShapeIsRejectedEvenAtTheSameSize) {
  Tensor tensor({2, 3});
  const Error error = error_of([&] { tensor.copy_from(Tensor({3, 2})); });
  EXPECT_STREQ(error.what(), "[Tensor] f32 of shape [3, 2] copied to f32 of shape [2, 3]");
}

TEST(Tensor, LivesOnADeviceAndComesBack) {
  const auto device = std::make_shared<FakeDevice>();
  {
    Tensor there({2}, DataType::f32, device);
    EXPECT_FALSE(there.in_host_memory());
    there.copy_from(std::array{3.0F, 4.0F});
    const Tensor copy = there;
    EXPECT_EQ(copy.device(), device);
    std::array<float, 2> back{};
    copy.copy_to(back);
    EXPECT_THAT(back, ElementsAre(3.0F, 4.0F));
    EXPECT_EQ(device->allocations, 2);
    EXPECT_EQ(device->copies, 3);
  }
  EXPECT_EQ(device->allocations, 0);
}

TEST(Tensor, MovesBetweenHostAndDevice) {
  const auto device = std::make_shared<FakeDevice>();
  Tensor here({2});
  here.copy_from(std::array{5.0F, 6.0F});
  Tensor there({2}, DataType::f32, device);
  there.copy_from(here);
  Tensor back({2});
  back.copy_from(there);
  EXPECT_THAT(back.values(), ElementsAre(5.0F, 6.0F));
  EXPECT_EQ(device->copies, 2);
}

TEST(Tensor, HoldsEveryTypeAsZero) {
  for (const DataType type : {DataType::f16, DataType::f64, DataType::i64, DataType::boolean}) {
    const Tensor tensor({3, 5}, type);
    EXPECT_EQ(tensor.type(), type);
    EXPECT_EQ(tensor.bytes(), 15 * size_of(type));
    visit_type(type, [&]<typename T>(std::type_identity<T>) {
      for (const T& value : tensor.values_as<T>()) EXPECT_EQ(static_cast<float>(value), 0.0F);
    });
  }
  EXPECT_EQ(Tensor({2}).type(), DataType::f32);
}

TEST(Tensor, ACopyKeepsTheType) {
  Tensor first({2}, DataType::i32);
  first.values_as<std::int32_t>()[1] = 7;
  Tensor copy;
  copy = first;
  EXPECT_THAT(copy.values_as<std::int32_t>(), ElementsAre(0, 7));
  const Tensor moved = std::move(copy);
  EXPECT_THAT(moved.values_as<std::int32_t>(), ElementsAre(0, 7));
}

TEST(Tensor, CopiesOfFloatsWantATensorOfFloats) {
  Tensor tensor({2}, DataType::f64);
  std::array<float, 2> two{};
  EXPECT_EQ(error_of([&] { tensor.copy_from(two); }).code(), ErrorCode::invalid_argument);
  EXPECT_STREQ(error_of([&] { tensor.copy_to(two); }).what(),
               "[Tensor] f32 values copied with type f64");
}

TEST(Tensor, CopyFromATensorOfAnotherTypeIsRejected) {
  Tensor tensor({2}, DataType::u32);
  EXPECT_STREQ(error_of([&] { tensor.copy_from(Tensor({2}, DataType::i32)); }).what(),
               "[Tensor] i32 of shape [2] copied to u32 of shape [2]");
}

TEST(Tensor, TheCheckForFiniteValuesCanBeWaived) {
  const float infinity = std::numeric_limits<float>::infinity();
  Tensor mask({2});
  mask.copy_from(std::array{0.0F, -infinity}, Allow::any);
  EXPECT_EQ(mask.values()[1], -infinity);
  std::array<float, 2> back{};
  mask.copy_to(back, Allow::any);
  EXPECT_EQ(back[1], -infinity);
}

TEST(Tensor, MovesBetweenTwoDevices) {
  const auto one = std::make_shared<FakeDevice>();
  const auto other = std::make_shared<FakeDevice>();
  Tensor there({2}, DataType::f32, one);
  there.copy_from(std::array{3.0F, 4.0F});
  Tensor elsewhere({2}, DataType::f32, other);
  elsewhere.copy_from(there);
  std::array<float, 2> back{};
  elsewhere.copy_to(back);
  EXPECT_THAT(back, ElementsAre(3.0F, 4.0F));
}

TEST(Tensor, AnEmptyOneOnADeviceIsCopiedWithoutIt) {
  const auto device = std::make_shared<FakeDevice>();
  const Tensor none({0, 3}, DataType::f32, device);
  const Tensor copy = none;
  EXPECT_EQ(copy.device(), device);
  EXPECT_EQ(device->copies, 0);
}

TEST(Tensor, MoreThanAnyMachineHasIsOutOfMemory) {
  // One is more than a size can say, the other more than there is: both are told in words.
  for (const std::int64_t size : {std::int64_t{1} << 62, std::int64_t{1} << 58}) {
    EXPECT_THAT(error_of([&] { Tensor({size}); }).what(), HasSubstr("not enough memory for "));
  }
  EXPECT_EQ(error_of([] { Tensor({std::int64_t{1} << 62}); }).code(), ErrorCode::out_of_memory);
  EXPECT_EQ(error_of([] { Tensor({std::int64_t{1} << 58}); }).code(), ErrorCode::out_of_memory);
  EXPECT_EQ(error_of([] { Tensor({std::int64_t{1} << 61}, DataType::f64); }).code(),
            ErrorCode::out_of_memory);
}

}  // namespace
}  // namespace metalaudio

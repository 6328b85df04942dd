#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/tensor.h>

#include <array>
#include <concepts>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "tests/support/fake_device.h"

namespace metalaudio {
namespace {

using ::testing::ElementsAre;

static_assert(std::convertible_to<TensorView, ConstTensorView>);
static_assert(!std::convertible_to<ConstTensorView, TensorView>);
static_assert(!std::constructible_from<TensorView, std::span<const float>, Shape>);

TEST(TensorView, WritesWhatTheTensorOwns) {
  Tensor tensor({2, 2}, DataType::i16);
  const TensorView view = tensor.view();
  EXPECT_EQ(view.type(), DataType::i16);
  EXPECT_EQ(view.shape(), (Shape{2, 2}));
  EXPECT_EQ(view.bytes(), 8U);
  view.values_as<std::int16_t>()[3] = 5;
  const ConstTensorView read = view;
  EXPECT_THAT(read.values_as<std::int16_t>(), ElementsAre(0, 0, 0, 5));
  EXPECT_EQ(tensor.data_as<std::int16_t>()[3], 5);
}

TEST(TensorView, StandsForNothingByDefault) {
  EXPECT_EQ(TensorView().size(), 0U);
  EXPECT_EQ(ConstTensorView().handle(), nullptr);
}

TEST(TensorView, IsMadeOfHostMemoryOfAnyType) {
  std::vector<float> floats{1.0F, 2.0F};
  const TensorView view(floats, {2, 1});
  view.data_as<float>()[0] = 3.0F;
  EXPECT_EQ(floats[0], 3.0F);
  EXPECT_TRUE(view.in_host_memory());
  const std::array<std::int64_t, 3> shape{1, 2, 3};
  const ConstTensorView integers{std::span(shape), {3}};
  EXPECT_EQ(integers.type(), DataType::i64);
  EXPECT_THAT(integers.values_as<std::int64_t>(), ElementsAre(1, 2, 3));
}

TEST(TensorView, HasAnOffsetInHostMemory) {
  Tensor tensor({4});
  tensor.copy_from(std::array{1.0F, 2.0F, 3.0F, 4.0F});
  const TensorView all = tensor.view();
  const TensorView last(DataType::f32, {2}, all.handle(), 2 * sizeof(float));
  EXPECT_THAT(last.values_as<float>(), ElementsAre(3.0F, 4.0F));
}

TEST(TensorView, CopiesPartsOfADevicesMemory) {
  const auto device = std::make_shared<FakeDevice>();
  Tensor there({4}, DataType::f32, device);
  there.copy_from(std::array{1.0F, 2.0F, 3.0F, 4.0F});
  const TensorView all = there.view();
  EXPECT_FALSE(all.in_host_memory());
  const TensorView first(DataType::f32, {2}, all.handle(), 0, all.device());
  const TensorView last(DataType::f32, {2}, all.handle(), 2 * sizeof(float), all.device());
  copy(last, first);
  const std::array two{8.0F, 9.0F};
  copy({two, {2}}, last);
  std::array<float, 2> back{};
  copy(first, {back, {2}});
  EXPECT_THAT(back, ElementsAre(3.0F, 4.0F));
  copy(last, {back, {2}});
  EXPECT_THAT(back, ElementsAre(8.0F, 9.0F));
}

}  // namespace
}  // namespace metalaudio

#include <metalaudio/core/half.h>
#include <metalaudio/nn/io/tensor_data.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

#include "tests/support/test_folder.h"

namespace metalaudio::nn {
namespace {

float widened_half(std::uint16_t half) {
  float value = 0.0F;
  widen(DataType::f16, std::as_bytes(std::span(&half, 1)), {&value, 1});
  return value;
}

std::uint16_t to_half(float value) { return Float16(value).bits; }

template <typename Stored>
std::vector<float> widened(DataType type, const std::vector<Stored>& stored) {
  std::vector<float> values(stored.size());
  widen(type, std::as_bytes(std::span(stored)), values);
  return values;
}

TEST(TensorData, EveryHalfSurvivesTheWayThroughFloat) {
  for (std::uint32_t half = 0; half < 0x10000; ++half) {
    const float value = widened_half(static_cast<std::uint16_t>(half));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(widened_half(to_half(value))));
    } else {
      ASSERT_EQ(to_half(value), half) << value;
    }
  }
}

TEST(TensorData, ManyHalvesAreWidenedAsEachIs) {
  std::vector<std::uint16_t> all(0x10001);  // not a whole number of vectors
  std::iota(all.begin(), all.end(), std::uint16_t{0});
  const auto bits = [](float value) { return std::bit_cast<std::uint32_t>(value); };
  const std::vector<float> halves = widened(DataType::f16, all);
  const std::vector<float> upper = widened(DataType::bf16, all);
  for (std::size_t i = 0; i < all.size(); ++i) {
    ASSERT_EQ(bits(halves[i]), bits(static_cast<float>(std::bit_cast<Float16>(all[i])))) << i;
    ASSERT_EQ(bits(upper[i]), bits(static_cast<float>(std::bit_cast<BFloat16>(all[i])))) << i;
  }
}

TEST(TensorData, HalvesHaveTheValuesOfIeee754) {
  EXPECT_EQ(widened_half(0x3C00), 1.0F);
  EXPECT_EQ(widened_half(0xC000), -2.0F);
  EXPECT_EQ(widened_half(0x7BFF), 65504.0F);
  EXPECT_EQ(widened_half(0x0001), 0x1p-24F);
  EXPECT_EQ(widened_half(0x8400), -0x1p-14F);
  EXPECT_EQ(widened_half(0x7C00), std::numeric_limits<float>::infinity());
}

TEST(TensorData, RoundingToHalfIsToNearestTiesToEven) {
  EXPECT_EQ(to_half(1.0F + 0x1p-11F), 0x3C00);             // a tie, down to even
  EXPECT_EQ(to_half(1.0F + 0x1p-10F + 0x1p-11F), 0x3C02);  // a tie, up to even
  EXPECT_EQ(to_half(1.0F + 0x1.1p-11F), 0x3C01);
  EXPECT_EQ(to_half(65519.0F), 0x7BFF);
  EXPECT_EQ(to_half(65520.0F), 0x7C00);
  EXPECT_EQ(to_half(0x1.8p-24F), 0x0002);
  EXPECT_EQ(to_half(-0x1p-25F), 0x8000);
}

TEST(TensorData, WidensEveryType) {
  EXPECT_EQ(widened<double>(DataType::f64, {0.5, -3.0}), (std::vector<float>{0.5F, -3.0F}));
  EXPECT_EQ(widened<float>(DataType::f32, {0.5F}), (std::vector<float>{0.5F}));
  EXPECT_EQ(widened<std::uint16_t>(DataType::bf16, {0x3FC0, 0xC000}),
            (std::vector<float>{1.5F, -2.0F}));
  EXPECT_EQ(widened<std::int64_t>(DataType::i64, {-7}), (std::vector<float>{-7.0F}));
  EXPECT_EQ(widened<std::int32_t>(DataType::i32, {1 << 20}), (std::vector<float>{0x1p20F}));
  EXPECT_EQ(widened<std::int16_t>(DataType::i16, {-9}), (std::vector<float>{-9.0F}));
  EXPECT_EQ(widened<std::int8_t>(DataType::i8, {-9}), (std::vector<float>{-9.0F}));
  EXPECT_EQ(widened<std::uint16_t>(DataType::u16, {65535}), (std::vector<float>{65535.0F}));
  EXPECT_EQ(widened<std::uint32_t>(DataType::u32, {1U << 31U}), (std::vector<float>{0x1p31F}));
  EXPECT_EQ(widened<std::uint64_t>(DataType::u64, {1ULL << 63U}), (std::vector<float>{0x1p63F}));
  EXPECT_EQ(widened<std::uint8_t>(DataType::u8, {200}), (std::vector<float>{200.0F}));
  EXPECT_EQ(widened<std::uint8_t>(DataType::boolean, {0, 2}), (std::vector<float>{0.0F, 1.0F}));
}

TEST(TensorData, PrintableTextIsOneShortLine) {
  EXPECT_EQ(printable("a\nb\x1b[0m"), "a?b?[0m");
  EXPECT_EQ(printable(std::string(200, 'x')).size(), 83U);
}

}  // namespace
}  // namespace metalaudio::nn

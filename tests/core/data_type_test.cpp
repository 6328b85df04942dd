#include <gtest/gtest.h>
#include <metalaudio/core/data_type.h>

#include <array>
#include <string>
#include <type_traits>

namespace metalaudio {
namespace {

constexpr std::array kAll{DataType::f16,    DataType::bf16, DataType::f32, DataType::f64,
                          DataType::i8,     DataType::i16,  DataType::i32, DataType::i64,
                          DataType::u8,     DataType::u16,  DataType::u32, DataType::u64,
                          DataType::boolean};

TEST(DataType, HasANameThatSaysItsKindAndSize) {
  for (const DataType type : kAll) {
    std::string name(is_integer(type) ? (is_signed(type) ? "i" : "u") : "f");
    if (type == DataType::boolean) {
      name = "bool";
    } else {
      name += std::to_string(8 * size_of(type));
      if (type == DataType::bf16) name.insert(0, "b");
    }
    EXPECT_EQ(to_string(type), name);
  }
}

TEST(DataType, IsAnyOneOfFloatingIntegerAndBool) {
  for (const DataType type : kAll) {
    EXPECT_EQ(is_floating(type) + is_integer(type) + (type == DataType::boolean), 1)
        << to_string(type);
  }
  EXPECT_TRUE(is_signed(DataType::bf16));
  EXPECT_FALSE(is_signed(DataType::u8));
  EXPECT_FALSE(is_signed(DataType::boolean));
}

TEST(DataType, IsVisitedWithTheTypeThatItNames) {
  for (const DataType type : kAll) {
    const DataType back = visit_type(
        type, []<typename T>(std::type_identity<T>) -> DataType { return kDataTypeOf<T>; });
    EXPECT_EQ(back, type);
    visit_type(type, [&]<typename T>(std::type_identity<T>) {
      EXPECT_EQ(sizeof(T), size_of(type));
      if constexpr (std::is_arithmetic_v<T>) {
        EXPECT_EQ(std::is_signed_v<T>, is_signed(type));
        EXPECT_EQ(std::is_floating_point_v<T>, is_floating(type));
      }
    });
  }
}

TEST(DataType, AVisitReturnsWhatTheFunctionReturns) {
  int value = 3;
  int& same = visit_type(DataType::i8, [&](auto) -> int& { return value; });
  EXPECT_EQ(&same, &value);
}

}  // namespace
}  // namespace metalaudio

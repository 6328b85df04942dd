#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/shape.h>

#include <limits>

namespace metalaudio {
namespace {

ErrorCode code_of_shape(std::initializer_list<std::int64_t> extents) {
  try {
    const Shape shape(extents);
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "the shape was accepted";
  return ErrorCode::cancelled;
}

TEST(Shape, KnowsItsExtentsAndTheirProduct) {
  const Shape shape{2, 3, 4};
  EXPECT_EQ(shape.rank(), 3U);
  EXPECT_EQ(shape.size(), 24);
  EXPECT_EQ(shape[1], 3);
  EXPECT_EQ(shape.back(), 4);
  EXPECT_EQ(shape.to_string(), "[2, 3, 4]");
}

TEST(Shape, AScalarHasRankZeroAndOneElement) {
  EXPECT_EQ(Shape().rank(), 0U);
  EXPECT_EQ(Shape().size(), 1);
  EXPECT_EQ(Shape().to_string(), "[]");
}

TEST(Shape, AnEmptyExtentMakesItEmpty) { EXPECT_EQ((Shape{5, 0, 7}).size(), 0); }

TEST(Shape, ComparesRankAndExtents) {
  EXPECT_EQ((Shape{2, 3}), (Shape{2, 3}));
  EXPECT_NE((Shape{2, 3}), (Shape{3, 2}));
  EXPECT_NE((Shape{2, 3}), (Shape{2, 3, 1}));
}

TEST(Shape, RejectsANegativeExtent) {
  EXPECT_EQ(code_of_shape({2, -1}), ErrorCode::invalid_argument);
}

TEST(Shape, RejectsMoreThanEightExtents) {
  EXPECT_EQ((Shape{1, 1, 1, 1, 1, 1, 1, 1}).rank(), Shape::kMaxRank);
  EXPECT_EQ(code_of_shape({1, 1, 1, 1, 1, 1, 1, 1, 1}), ErrorCode::invalid_argument);
}

TEST(Shape, RejectsAProductThatOverflowsEvenBesideAZero) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(code_of_shape({kMost, 2}), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of_shape({0, kMost, 2}), ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace metalaudio

#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/separation/overlap_weights.h>

#include <cmath>
#include <limits>
#include <vector>

namespace metalaudio::separation {
namespace {

class WeightsOfAllSegments : public testing::TestWithParam<double> {};

TEST_P(WeightsOfAllSegments, AddUpToOne) {
  for (const std::size_t segment : {40U, 41U, 401U}) {
    OverlapWeights weights(segment, GetParam(), 2.0);
    std::vector<float> sums(5 * segment);
    for (std::size_t k = 0; k * weights.stride_samples() < sums.size(); ++k) {
      const auto part = weights.of_segment(static_cast<std::int64_t>(k));
      const std::size_t first = k * weights.stride_samples();
      for (std::size_t i = 0; i < segment && first + i < sums.size(); ++i)
        sums[first + i] += part[i];
    }
    // A few dozen float additions of parts of 1.
    for (const float sum : sums) EXPECT_NEAR(sum, 1.0F, 1e-5F);
  }
}

INSTANTIATE_TEST_SUITE_P(Overlaps, WeightsOfAllSegments, testing::Values(0.0, 0.1, 0.25, 0.5, 0.9));

TEST(OverlapWeights, RejectsOptionsOutOfRange) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double overlap : {-0.1, 1.0, 2.0, nan})
    EXPECT_THROW(OverlapWeights(400, overlap, 1.0), Error) << overlap;
  for (const double power : {0.5, nan})
    EXPECT_THROW(OverlapWeights(400, 0.25, power), Error) << power;
  EXPECT_THROW(OverlapWeights(400, 0.999, 1.0), Error);  // a stride of 0.4 samples
}

TEST(OverlapWeights, StrideIsCutToWholeSamples) {
  EXPECT_EQ(OverlapWeights(343980, 0.25, 1.0).stride_samples(), 257985U);
  EXPECT_EQ(OverlapWeights(10, 0.25, 1.0).stride_samples(), 7U);
}

}  // namespace
}  // namespace metalaudio::separation

#include <gtest/gtest.h>
#include <metalaudio/separation/scores.h>

#include <cmath>

namespace metalaudio::separation {
namespace {

TEST(SeparationScores, RatioIsTenLogTen) {
  EXPECT_DOUBLE_EQ(signal_to_error_db(100.0, 1.0), 20.0);
  EXPECT_TRUE(std::isinf(signal_to_error_db(1.0, 0.0)));
  EXPECT_TRUE(std::isnan(signal_to_error_db(0.0, 1.0))) << "a silent reference has no ratio";
}

TEST(SeparationScores, MeanAndMedianLeaveUndefinedOut) {
  EXPECT_DOUBLE_EQ(mean({1.0, kUndefined, 3.0}), 2.0);
  EXPECT_DOUBLE_EQ(median({9.0, 1.0, kUndefined, 2.0}), 2.0);
  EXPECT_DOUBLE_EQ(median({9.0, 1.0}), 5.0);
  EXPECT_TRUE(std::isnan(mean({kUndefined})));
}

TEST(SeparationScores, SummarizesStemsOverTracksAndThenStems) {
  const std::vector<TrackScore> tracks = {
      {"one", {{"drums", 8.0, 0.0}, {"bass", 4.0, -6.0}}, -20.0},
      {"two", {{"drums", 6.0, -4.0}, {"bass", kUndefined, kUndefined}}, -20.0},
  };
  const std::vector<StemSummary> summaries = summarize(tracks);
  ASSERT_EQ(summaries.size(), 3U);
  EXPECT_EQ(summaries[0].stem, "drums");
  EXPECT_DOUBLE_EQ(summaries[0].mean_db, 7.0);
  EXPECT_DOUBLE_EQ(summaries[0].mean_improvement_db, 9.0);
  EXPECT_DOUBLE_EQ(summaries[1].mean_db, 4.0);
  EXPECT_EQ(summaries[2].stem, "mean");
  EXPECT_DOUBLE_EQ(summaries[2].mean_db, 5.5);
}

}  // namespace
}  // namespace metalaudio::separation

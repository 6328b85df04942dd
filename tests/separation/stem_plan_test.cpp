#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/separation/stem_plan.h>

namespace metalaudio::separation {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<std::string> kSources = {"drums", "bass", "other", "vocals"};

std::vector<std::string> names(const StemPlan& plan) {
  std::vector<std::string> result;
  for (const StemOutput& output : plan.outputs) result.push_back(output.name);
  return result;
}

TEST(StemPlan, WritesEverySourceUnlessToldOtherwise) {
  const StemPlan plan = plan_stems({}, kSources);
  EXPECT_EQ(names(plan), kSources);
  EXPECT_THAT(plan.needed_sources, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(plan.outputs[1].source_weights, ElementsAre(0, 1, 0, 0));
  EXPECT_FALSE(plan.needs_mix);
}

TEST(StemPlan, WritesOnlyTheStemsNamedInTheModelsOrder) {
  const StemPlan plan = plan_stems({{"vocals", "drums", "vocals"}, "", OtherMethod::add}, kSources);
  EXPECT_THAT(names(plan), ElementsAre("drums", "vocals"));
  EXPECT_THAT(plan.needed_sources, ElementsAre(0, 3));
}

TEST(StemPlan, AddsTheOtherStems) {
  const StemPlan plan = plan_stems({{}, "vocals", OtherMethod::add}, kSources);
  EXPECT_THAT(names(plan), ElementsAre("vocals", "no_vocals"));
  EXPECT_THAT(plan.outputs[1].source_weights, ElementsAre(1, 1, 1, 0));
  EXPECT_THAT(plan.needed_sources, ElementsAre(0, 1, 2, 3));
}

TEST(StemPlan, SubtractsTheStemFromTheMix) {
  const StemPlan plan = plan_stems({{}, "bass", OtherMethod::minus}, kSources);
  EXPECT_THAT(names(plan), ElementsAre("minus_bass", "bass"));
  EXPECT_FLOAT_EQ(plan.outputs[0].mix_weight, 1.0F);
  EXPECT_THAT(plan.outputs[0].source_weights, ElementsAre(0, -1, 0, 0));
  EXPECT_THAT(plan.needed_sources, ElementsAre(1)) << "the other stems are not needed";
  EXPECT_TRUE(plan.needs_mix);
}

TEST(StemPlan, CanLeaveTheRemainderOut) {
  const StemPlan plan = plan_stems({{}, "bass", OtherMethod::none}, kSources);
  EXPECT_THAT(names(plan), ElementsAre("bass"));
  EXPECT_THAT(plan.needed_sources, ElementsAre(1));
}

TEST(StemPlan, NamesTheModelsStemsWhenOneIsUnknown) {
  for (const StemChoice& choice :
       {StemChoice{{"guitar"}, "", OtherMethod::add}, StemChoice{{}, "guitar", OtherMethod::add}}) {
    try {
      plan_stems(choice, kSources);
      FAIL() << "accepted a stem that is not there";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      EXPECT_THAT(error.what(), HasSubstr("\"guitar\" is not in the model; it has drums, bass"));
    }
  }
}

}  // namespace
}  // namespace metalaudio::separation

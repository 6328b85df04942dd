#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/separation/stem_container.h>

#include "tests/support/test_folder.h"

namespace metalaudio::separation {
namespace {

using Weights = std::vector<float>;

void expect_output(const StemPlan& plan, std::size_t index, const std::string& name, float mix,
                   const Weights& sources) {
  EXPECT_EQ(plan.outputs[index].name, name);
  EXPECT_EQ(plan.outputs[index].mix_weight, mix) << name;
  EXPECT_EQ(plan.outputs[index].source_weights, sources) << name;
}

TEST(StemContainer, OfFourSourcesHoldsTheMixAndEachOfThem) {
  const StemPlan plan = plan_stem_container({"drums", "bass", "other", "vocals"});
  ASSERT_EQ(plan.outputs.size(), 5U);
  EXPECT_TRUE(plan.needs_mix);
  expect_output(plan, 0, "mix", 1.0F, {0, 0, 0, 0});
  expect_output(plan, 1, "Drums", 0.0F, {1, 0, 0, 0});
  expect_output(plan, 2, "Bass", 0.0F, {0, 1, 0, 0});
  expect_output(plan, 3, "Other", 0.0F, {0, 0, 1, 0});
  expect_output(plan, 4, "Vox", 0.0F, {0, 0, 0, 1});
}

TEST(StemContainer, GuitarAndPianoAreInOther) {
  const StemPlan plan =
      plan_stem_container({"drums", "bass", "other", "vocals", "guitar", "piano"});
  ASSERT_EQ(plan.outputs.size(), 5U);
  expect_output(plan, 3, "Other", 0.0F, {0, 0, 1, 0, 1, 1});
  EXPECT_EQ(plan.needed_sources, (std::vector<std::size_t>{0, 1, 2, 3, 4, 5}));
}

TEST(StemContainer, OrderDoesNotMatter) {
  const StemPlan plan = plan_stem_container({"vocals", "guitar", "drums", "bass"});
  expect_output(plan, 1, "Drums", 0.0F, {0, 0, 1, 0});
  expect_output(plan, 3, "Other", 0.0F, {0, 1, 0, 0});
  expect_output(plan, 4, "Vox", 0.0F, {1, 0, 0, 0});
}

TEST(StemContainer, OfOtherSourcesIsRefused) {
  expect_error(ErrorCode::unsupported, "the model has vocals, accompaniment", [] {
    plan_stem_container({"vocals", "accompaniment"});
  });
  expect_error(ErrorCode::unsupported, "the model has drums, bass, vocals", [] {
    plan_stem_container({"drums", "bass", "vocals"});
  });
}

TEST(StemContainer, HasALabelForEachStem) {
  const auto labels = stem_labels(plan_stem_container({"drums", "bass", "other", "vocals"}));
  ASSERT_EQ(labels.size(), 4U);
  EXPECT_EQ(labels[0].name, "Drums");
  EXPECT_EQ(labels[3].name, "Vox");
  for (const audio::StemLabel& label : labels) EXPECT_EQ(label.color.size(), 7U);
}

}  // namespace
}  // namespace metalaudio::separation

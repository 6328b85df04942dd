#include <metalaudio/repository/model_bag.h>

#include "tests/support/test_folder.h"

namespace metalaudio::repository {
namespace {

void expect_refused(std::string_view reason, const std::string& yaml) {
  expect_error(ErrorCode::invalid_data, reason, [&] { parse_bag(yaml); });
}

TEST(Bag, ReadsModelsWeightsAndSegment) {
  const BagDescription bag = parse_bag(
      "models: ['f7e0c4bc', d12395a8]\n"
      "weights: [\n  [1., 0., 0.5, 0.],\n  [0., 1., 0., 0.],\n]\nsegment: 44\n");
  EXPECT_EQ(bag.models, (std::vector<std::string>{"f7e0c4bc", "d12395a8"}));
  EXPECT_EQ(bag.weights, (std::vector<std::vector<double>>{{1, 0, 0.5, 0}, {0, 1, 0, 0}}));
  EXPECT_EQ(bag.segment, 44.0);
}

TEST(Bag, WeightsAndSegmentMayBeLeftOut) {
  const BagDescription bag = parse_bag("models: ['75fc33f5']\nweights: null\nother: [1]\n");
  EXPECT_TRUE(bag.weights.empty());
  EXPECT_FALSE(bag.segment);
}

TEST(Bag, RefusesWhatCannotBe) {
  expect_refused("not YAML", "models: [");
  expect_refused("no 'models'", "segment: 44");
  expect_refused("no 'models'", "[1, 2]");
  expect_refused("no 'models'", "");
  expect_refused("not a list of 1 to 64", "models: []");
  expect_refused("not a list of 1 to 64", "models: htdemucs");
  expect_refused("'../etc/passwd' is not a model's signature", "models: [../etc/passwd]");
  expect_refused("'' is not a model's signature", "models: [[a]]");
  expect_refused("one row for each of 1 model", "models: [a]\nweights: [[1], [2]]");
  expect_refused("one row for each of 1 model", "models: [a]\nweights: 3");
  expect_refused("list of 1 to 64 numbers", "models: [a]\nweights: [[]]");
  expect_refused("differ in length", "models: [a, b]\nweights: [[1, 2], [1]]");
  expect_refused("one of 'weights' is not a number", "models: [a]\nweights: [[x]]");
  expect_refused("one of 'weights' is not a number", "models: [a]\nweights: [[.nan]]");
  expect_refused("'segment' is not a number", "models: [a]\nsegment: [1]");
  expect_refused("'segment' is not above zero", "models: [a]\nsegment: 0");
  expect_refused("at most 65536 allowed", std::string(100'000, ' '));
  expect_refused("not YAML", std::string(60'000, '['));
}

TEST(Bag, AnErrorNamesTheFile) {
  const TestFolder folder;
  write_text(folder / "bad.yaml", "models: 3");
  expect_error(ErrorCode::invalid_data, "bad.yaml: 'models' is not",
               [&] { load_bag(folder / "bad.yaml"); });
  expect_error(ErrorCode::not_found, "none.yaml: No such file",
               [&] { load_bag(folder / "none.yaml"); });
}

}  // namespace
}  // namespace metalaudio::repository

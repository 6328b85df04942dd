#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/nn/cpu_backend.h>

#include <nlohmann/json.hpp>

#include "separate_setting.h"

namespace metalaudio::apps {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class BenchCommand : public ::testing::Test {
 protected:
  ProgramResult run(std::vector<std::string> arguments,
                    const std::map<std::string, std::string>& environment = {}) const {
    arguments.insert(arguments.begin(), {"bench", "--threads", "1", "--runs", "2"});
    ProgramSetting setting = setting_.setting();
    setting.environment = environment;
    setting.environment["METALAUDIO_MODEL_DIR"] = (setting_ / "models").string();
    return run_program(arguments, setting);
  }

  SeparateSetting setting_;
};

TEST_F(BenchCommand, SaysHowFastAModelIsBesideTheMachine) {
  const ProgramResult result = run({"tiny"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out,
              ContainsRegex("HTDemucs: 0.50 s of 2 channels at 8000 Hz a run, 1 thread, .*\n"));
  EXPECT_THAT(result.out, ContainsRegex("[0-9.]+ ms a run .* x real time"));
  EXPECT_THAT(result.out, ContainsRegex("[0-9.]+ GFLOP and [0-9.]+ GB a run"));
  EXPECT_THAT(result.out, ContainsRegex("GFLOP/s, [0-9]+ % of the [0-9.]+ that"));
  EXPECT_THAT(result.out, Not(HasSubstr("outside the plan")));
}

/// Where bf16 would be slower than float32 it is float32, which a figure needs to say.
TEST_F(BenchCommand, SaysWhatItMultipliesWith) {
  const std::vector<std::string> bf16 = {"tiny", "--precision", "bf16"};
  EXPECT_THAT(run(bf16, {{"METALAUDIO_MAX_ISA", "avx2"}}).out, HasSubstr("1 thread, fp32\n"));
  const nlohmann::json json =
      nlohmann::json::parse(run({"tiny", "--precision", "bf16", "--json"}).out);
  EXPECT_EQ(json.at("arithmetic"), nn::cpu_arithmetic(nn::Precision::bf16));
}

TEST_F(BenchCommand, TheProfileNamesEveryStepAndTheShareOfEachKind) {
  const ProgramResult result = run({"tiny", "--profile", "--precision", "bf16"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("operations in"));
  EXPECT_THAT(result.out, HasSubstr("outside the plan"));
}

TEST_F(BenchCommand, JsonHasTheSameFiguresAndTheyAgree) {
  const ProgramResult result = run({"tiny", "--profile", "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  const nlohmann::json json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json.at("family"), "HTDemucs");
  EXPECT_EQ(json.at("threads"), 1);
  const double milliseconds = json.at("milliseconds");
  EXPECT_GE(milliseconds, json.at("fastest_milliseconds").get<double>());
  EXPECT_NEAR(json.at("times_real_time").get<double>(), 500.0 / milliseconds, 1e-6);
  EXPECT_NEAR(json.at("gflop_per_second").get<double>(),
              1e3 * json.at("gflop").get<double>() / milliseconds, 1e-6);
  EXPECT_GT(json.at("peak_gflop_per_second").get<double>(), 0.1);
  EXPECT_GT(json.at("peak_gigabytes_per_second").get<double>(), 0.1);
  double steps = 0.0;
  double gflop = 0.0;
  for (const nlohmann::json& step : json.at("steps")) {
    steps += step.at("milliseconds").get<double>();
    gflop += step.at("gflop").get<double>();
  }
  double kinds = 0.0;
  for (const nlohmann::json& kind : json.at("kinds"))
    if (kind.at("kind") != "outside the plan") kinds += kind.at("milliseconds").get<double>();
  EXPECT_GT(steps, 0.0);
  EXPECT_NEAR(steps, kinds, 1e-9);
  EXPECT_NEAR(gflop, json.at("gflop").get<double>(), 1e-9);
}

TEST_F(BenchCommand, TakesAPathAndMeasuresEveryMemberOfABag) {
  EXPECT_EQ(run({(setting_ / "models/tiny.safetensors").string(), "--json"}).status, 0);
  const ProgramResult bag = run({"bag", "--json"});
  ASSERT_EQ(bag.status, 0) << bag.err;
  EXPECT_EQ(std::ranges::count(bag.out, '\n'), 4);
}

TEST_F(BenchCommand, SaysWhatItCannotRun) {
  EXPECT_EQ(run({"nothing"}).status, 1);
  EXPECT_EQ(run({"tiny", "--precision", "fp7"}).status, 2);
  EXPECT_EQ(run({"tiny", "--runs", "0"}).status, 2);
  EXPECT_EQ(run({}).status, 2);
}

}  // namespace
}  // namespace metalaudio::apps

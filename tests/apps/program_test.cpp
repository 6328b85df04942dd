#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/core/gpu_profile.h>
#include <metalaudio/core/tolerance_configuration.h>

#include "program.h"
#include "tests/support/test_folder.h"

namespace metalaudio::apps {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

TEST(Program, TellsItsVersion) {
  const ProgramResult result = run_program({"--version"});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.out, MatchesRegex("metalaudio [0-9.]+\n"
                                       "commit [^\n]+\n"
                                       "libsndfile [0-9.]+\n"
                                       "libavformat [0-9.]+\n(.+ .+\n)+"));
}

TEST(Program, UsageErrorsAreOneLineAndStatusTwo) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"transmogrify"}, {"info", "--nonsense"}, {"evaluate"}}) {
    const ProgramResult result = run_program(arguments);
    EXPECT_EQ(result.status, 2) << arguments[0];
    EXPECT_THAT(result.err, StartsWith("metalaudio: "));
    EXPECT_EQ(result.err.find('\n'), result.err.size() - 1) << result.err;
  }
}

TEST(Program, WithoutArgumentsShowsItsHelp) {
  const ProgramResult result = run_program({});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("Subcommands:"));
}

TEST(Program, InfoNamesTheLibraries) {
  const ProgramResult result = run_program({"info"});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.out, HasSubstr("libsndfile"));
}

TEST(Program, KeepsToTheInstructionSetThatTheEnvironmentNames) {
  const auto info = [](const char* isa) {
    return run_program({"info"}, {.folder = {}, .environment = {{"METALAUDIO_MAX_ISA", isa}}});
  };
  EXPECT_THAT(info("ssse3").out, HasSubstr("baseline only"));
  EXPECT_THAT(info("avx2").out, Not(HasSubstr("AVX-512")));
  EXPECT_EQ(info("avx3").status, 2);
  EXPECT_EQ(info("avx3").err,
            "metalaudio: METALAUDIO_MAX_ISA is \"avx3\"; it must be ssse3, avx2, "
            "avx512, avx512_bf16 or amx\n");
}

TEST(Program, InfoListsTheGpusOrSaysWhyThereIsNone) {
  const GpuSurvey survey = survey_gpus();
  const ProgramResult result = run_program({"info"});
  EXPECT_THAT(result.out, HasSubstr(survey.gpus.empty() ? "none: " + survey.trouble : "cuda:0"));
  EXPECT_EQ(survey.gpus.empty(), !survey.trouble.empty());
}

TEST(Program, CalibrateWritesWhatToleranceConfigurationLoads) {
  const TestFolder folder;
  const auto path = folder / "deep" / "tolerances.json";
  const ProgramResult result = run_program({"calibrate", "-o", path.string()});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("written to " + path.string()));
  const ToleranceConfiguration measured = ToleranceConfiguration::load(path);
  EXPECT_GE(measured.linear_batch_threshold, 1U);
  EXPECT_NE(measured.cpu_mflop_rate, ToleranceConfiguration{}.cpu_mflop_rate);
  if (survey_gpus().gpus.empty()) {
    EXPECT_EQ(measured.gpu_cpu_threshold, ToleranceConfiguration{}.gpu_cpu_threshold);
    EXPECT_EQ(measured.gpu_step_ns, ToleranceConfiguration{}.gpu_step_ns);
  } else {
    EXPECT_THAT(result.out, HasSubstr("on the GPU"));
  }
}

TEST(Program, CalibrateSaysWhereItCannotWrite) {
  const ProgramResult result = run_program({"calibrate", "-o", "/proc/nowhere/tolerances.json"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("/proc/nowhere/tolerances.json cannot be written"));
}

}  // namespace
}  // namespace metalaudio::apps

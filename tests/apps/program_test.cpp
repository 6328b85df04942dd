#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.h"

namespace metalaudio::apps {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Program, TellsItsVersion) {
  const ProgramResult result = run_program({"--version"});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.out, StartsWith("metalaudio "));
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

}  // namespace
}  // namespace metalaudio::apps

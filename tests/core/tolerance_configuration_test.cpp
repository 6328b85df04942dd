#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/tolerance_configuration.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

#include "tests/support/test_folder.h"

namespace metalaudio {
namespace {

TEST(ToleranceConfiguration, StartsWithTheOriginalsFigures) {
  const ToleranceConfiguration defaults;
  EXPECT_EQ(defaults.gpu_cpu_threshold, 2048U);
  EXPECT_EQ(defaults.linear_batch_threshold, 4U);
  EXPECT_EQ(defaults.conv_tile_taps, 16U);
}

TEST(ToleranceConfiguration, LoadsWhatItSaved) {
  const TestFolder folder;
  const ToleranceConfiguration saved{4096, 7, 3, 11, 12, 13, 14, 15, 16, 17, 18, 19};
  saved.save(folder / "a" / "b.json");
  EXPECT_EQ(ToleranceConfiguration::load(folder / "a" / "b.json"), saved);
}

TEST(ToleranceConfiguration, IsTheDefaultsWithoutAFileAndKeepsThemForWhatAFileLacks) {
  const TestFolder folder;
  EXPECT_EQ(ToleranceConfiguration::load(folder / "none.json"), ToleranceConfiguration{});
  std::ofstream(folder / "one.json") << R"({"conv_tile_taps": 5})";
  ToleranceConfiguration expected;
  expected.conv_tile_taps = 5;
  EXPECT_EQ(ToleranceConfiguration::load(folder / "one.json"), expected);
}

/// As that of another user, whose folder a container's process may not look into. (A link to itself
/// stops root too.)
TEST(ToleranceConfiguration, IsTheDefaultsWhereTheFileCannotBeLookedFor) {
  const TestFolder folder;
  std::filesystem::create_symlink("home", folder / "home");
  EXPECT_EQ(ToleranceConfiguration::load(folder / "home" / "tolerances.json"),
            ToleranceConfiguration{});
}

TEST(ToleranceConfiguration, RefusesWhatIsNotOne) {
  const TestFolder folder;
  for (const char* text : {"", "[]", "{\"conv_tile_taps\": -1}", "{\"conv_tile_taps\": \"5\"}",
                           "{\"conv_tile_taps\": 1.5}", "{"}) {
    std::ofstream(folder / "bad.json") << text;
    try {
      ToleranceConfiguration::load(folder / "bad.json");
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_data) << text;
      EXPECT_THAT(error.what(), ::testing::HasSubstr("bad.json"));
    }
  }
}

/// A named pipe would be waited for.
TEST(ToleranceConfiguration, RefusesWhatIsNoFile) {
  const TestFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_THROW(ToleranceConfiguration::load(folder / "pipe"), Error);
  EXPECT_THROW(ToleranceConfiguration::load(folder.path()), Error);
}

TEST(ToleranceConfiguration, LiesInTheUsersConfiguration) {
  ::setenv("XDG_CONFIG_HOME", "/somewhere", 1);
  EXPECT_EQ(ToleranceConfiguration::default_path(), "/somewhere/metalaudio/tolerances.json");
  ::unsetenv("XDG_CONFIG_HOME");
}

}  // namespace
}  // namespace metalaudio

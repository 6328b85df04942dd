#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/core/cpu/system_files.h>

#include <filesystem>
#include <fstream>

namespace metalaudio {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(SystemFiles, ParsesLists) {
  EXPECT_THAT(parse_index_list("0-3,8"), ElementsAre(0, 1, 2, 3, 8));
  EXPECT_THAT(parse_index_list("5"), ElementsAre(5));
}

TEST(SystemFiles, AListThatMakesNoSenseIsEmpty) {
  for (const char* text : {"", "a-b", "3-1", "-1", "0-99999999999", "1,,2"}) {
    EXPECT_THAT(parse_index_list(text), IsEmpty()) << text;
  }
}

TEST(SystemFiles, ReadsTheValueOfAWholeKeyOnly) {
  const auto file = std::filesystem::path(::testing::TempDir()) / "system_files_test";
  std::ofstream(file) << "inactive_file_all 1\ninactive_file 22\nmodel name\t: A: B\nempty:\n";
  EXPECT_EQ(read_value(file, "inactive_file"), "22");
  EXPECT_EQ(read_value(file, "model name"), "A: B");
  EXPECT_EQ(read_value(file, "empty"), "");
  EXPECT_EQ(read_value(file, "absent"), std::nullopt);
  std::filesystem::remove(file);
  EXPECT_EQ(read_value(file, "inactive_file"), std::nullopt);
}

}  // namespace
}  // namespace metalaudio

#include "apps/help/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iterator>
#include <sstream>

#include "apps/commands/commands.h"
#include "apps/help/option_text.h"

namespace metalaudio::apps {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;

using Words = std::vector<std::string>;

class CompletionTest : public ::testing::Test {
 protected:
  CompletionTest() { add_commands(app_, status_); }

  Completion complete(const Words& words) const { return complete_words(app_, words); }

  Words offered(const Words& words) const {
    Words all;
    for (const auto& candidate : complete(words).candidates) all.push_back(candidate.word);
    return all;
  }

  CLI::App app_{"", "metalaudio"};
  int status_ = 0;
};

TEST_F(CompletionTest, CommandsAreThoseOfTheHelp) {
  EXPECT_THAT(offered({""}), IsSupersetOf({"separate", "models", "info"}));
  EXPECT_THAT(offered({""}), Not(Contains("complete")));
  EXPECT_THAT(offered({"models", ""}), ElementsAre("list", "get", "path"));
  EXPECT_THAT(offered({"no_command", ""}), IsEmpty());
}

TEST_F(CompletionTest, OptionsThatAreGivenOrExcludedAreNotOffered) {
  EXPECT_THAT(offered({"separate", "--mp3"}),
              ElementsAre("--mp3", "--mp3-bitrate", "--mp3-preset"));
  EXPECT_THAT(offered({"separate", "--mp3", "--mp3"}),
              ElementsAre("--mp3-bitrate", "--mp3-preset"));
  EXPECT_THAT(offered({"separate", "--flac", "--mp3"}),
              ElementsAre("--mp3-bitrate", "--mp3-preset"));
  EXPECT_THAT(offered({"separate", "-q", "--verb"}), IsEmpty());
  // Filters add up.
  EXPECT_THAT(offered({"filter", "--peak", "80:1:1", "--pea"}), ElementsAre("--peak"));
}

TEST_F(CompletionTest, ValuesFollowTheirOptionHoweverItIsWritten) {
  const Words all{"auto", "bf16", "fp16", "fp32", "tf32"};
  EXPECT_EQ(offered({"separate", "--precision", ""}), all);
  EXPECT_EQ(offered({"separate", "--prec", ""}), all);
  EXPECT_THAT(offered({"separate", "--precision=b"}), ElementsAre("--precision=bf16"));
  EXPECT_THAT(offered({"separate", "-dcp"}), ElementsAre("-dcpu"));
  EXPECT_THAT(offered({"separate", "-vd", "cp"}), ElementsAre("cpu"));
  EXPECT_THAT(offered({"amp", "--oversample", ""}), ElementsAre("1", "2", "4", "8"));
  // A value that looks like nothing that is known is no option, and no command.
  EXPECT_THAT(offered({"separate", "--out", "models", ""}), IsEmpty());
}

TEST_F(CompletionTest, WhatIsAFileSaysSo) {
  EXPECT_EQ(complete({"separate", ""}).also, Completion::Also::files);
  EXPECT_EQ(complete({"separate", "a.wav", "b"}).also, Completion::Also::files);
  EXPECT_EQ(complete({"separate", "--", "--b"}).also, Completion::Also::files);
  EXPECT_EQ(complete({"separate", "-o", ""}).also, Completion::Also::folders);
  EXPECT_EQ(complete({"separate", "--out=x"}).also, Completion::Also::folders);
  EXPECT_EQ(complete({"run", "model.onnx", "--tensor", ""}).also, Completion::Also::files);
  EXPECT_EQ(complete({"separate", "--threads", ""}).also, Completion::Also::nothing);
  EXPECT_EQ(complete({"info", ""}).also, Completion::Also::nothing);
  EXPECT_EQ(complete({"convolve", "a", "b", ""}).also, Completion::Also::nothing);
}

TEST_F(CompletionTest, AModelThatIsNotThereHasNoStems) {
  EXPECT_THAT(offered({"separate", "-n", "nothing_of_this_name", "--stems", ""}), IsEmpty());
  EXPECT_THAT(offered({"separate", "--repo", "/no/folder", "-n", ""}), IsEmpty());
}

TEST_F(CompletionTest, ADeviceListGoesOn) {
  EXPECT_THAT(offered({"separate", "-d", "c"}), IsSupersetOf({"cpu", "cuda"}));
  EXPECT_THAT(offered({"separate", "-d", "cuda,cuda"}), Not(Contains("cuda,cuda")));
}

/// Every option of every command says what its value is.
void expect_kinds(const CLI::App& command) {
  for (const CLI::Option* option : command.get_options()) {
    const std::string kind = value_name(*option);
    EXPECT_THAT((Words{"TEXT", "INT", "UINT", "FLOAT"}), Each(Not(kind)))
        << command_name(command) << " " << option->get_name();
    EXPECT_EQ(kind.find(" in ["), std::string::npos) << kind;
    EXPECT_EQ(kind.find(":{"), std::string::npos) << kind;
  }
  for (const CLI::App* below : shown_commands(command)) expect_kinds(*below);
}

TEST_F(CompletionTest, EveryValueHasAKind) { expect_kinds(app_); }

TEST_F(CompletionTest, ExamplesNameOptionsThatThereAre) {
  for (const CLI::App* command : shown_commands(app_)) {
    std::istringstream lines(command->get_footer());
    for (std::string line; std::getline(lines, line);) {
      std::istringstream text(line);
      Words words{std::istream_iterator<std::string>(text), {}};
      ASSERT_GE(words.size(), 3U) << line;
      EXPECT_EQ(words[0] + words[1], "metalaudio" + command->get_name());
      for (const std::string& word : words)
        if (word.starts_with("--")) {
          EXPECT_THAT(offered({words[1], word}), Contains(word)) << line;
        }
    }
  }
}

TEST(HelpText, LinesAreCutAtSpaces) {
  EXPECT_THAT(wrapped("one two three", 7), ElementsAre("one two", "three"));
  EXPECT_THAT(wrapped("one two", 7), ElementsAre("one two"));
  EXPECT_THAT(wrapped("unbreakable text", 5), ElementsAre("unbreakable", "text"));
  EXPECT_THAT(wrapped("", 5), ElementsAre(""));
}

}  // namespace
}  // namespace metalaudio::apps

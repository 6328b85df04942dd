#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/core/error.h>

#include <filesystem>

#include "apps/options/arguments.h"

namespace metalaudio::apps {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

using Words = std::vector<std::string>;

/// A program with two commands, as ours has.
struct Commands {
  Commands() {
    app.require_subcommand(1);
    for (const char* name : {"work", "info"}) {
      CLI::App* command = app.add_subcommand(name, "");
      command->add_option("FILE", files, "");
      command->add_option("-n,--name", name_, "");
      command->add_option("--list", list, "")->allow_extra_args(false)->expected(1);
      command->add_flag("-v,--verbose", verbose, "");
      command->add_flag("--verse", verse, "");
    }
  }

  CLI::App app{"", "metalaudio"};
  std::vector<std::filesystem::path> files;
  std::string name_;
  Words list;
  bool verbose = false;
  bool verse = false;
};

Words names(const Commands& commands) {
  Words names;
  for (const auto& file : commands.files) names.push_back(file.string());
  return names;
}

std::string refusal(const Words& arguments) {
  Commands commands;
  try {
    parse_arguments(commands.app, arguments);
  } catch (const Error& error) {
    return error.what();
  } catch (const CLI::ParseError& error) {
    return error.what();
  }
  return "";
}

const Words kOdd = {"[Live]", "[a,b]", "[]",    "{}",    "%%",    "++",       "info",
                    "work",   "/n",    "/n:x",  "=x",    "a=b",   "",         " ",
                    "-",      "-5",    "-.5",   "- a b", "a\nb",  "\xFF\xFE", "\"a\"",
                    "'a'",    "`a`",   "a\\nb", "true",  "false", "#c",       ";c",
                    "@file",  "a,b",   "$HOME", "~",     "*",     "\x1b[31m", "..."};

TEST(Arguments, ReachTheirOptionByteForByte) {
  Words positional = {"work"};
  positional.insert(positional.end(), kOdd.begin(), kOdd.end());
  Commands all;
  parse_arguments(all.app, positional);
  EXPECT_THAT(names(all), ElementsAreArray(kOdd));
  for (const std::string& odd : kOdd) {
    SCOPED_TRACE(odd);
    for (const Words& form :
         {Words{"--name", odd}, {"--name=" + odd}, {"-n", odd}, {"-n=" + odd}}) {
      Commands commands;
      parse_arguments(commands.app, {"work", form[0], form.size() > 1 ? form[1] : "-v", "-v"});
      EXPECT_EQ(commands.name_, odd);
    }
    Commands listed;
    parse_arguments(listed.app, {"work", "--list", odd, "file"});
    EXPECT_THAT(listed.list, ElementsAre(odd));
    EXPECT_THAT(names(listed), ElementsAre("file"));
  }
}

TEST(Arguments, AreReadAsArgparseReadsThem) {
  Commands commands;
  parse_arguments(commands.app, {"work", "a", "--nam", "x", "b", "--verb", "c"});
  EXPECT_THAT(names(commands), ElementsAre("a", "b", "c"));
  EXPECT_EQ(commands.name_, "x");
  EXPECT_TRUE(commands.verbose);
  EXPECT_FALSE(commands.verse);

  Commands joined;
  parse_arguments(joined.app, {"work", "-vnx=y", "--vers"});
  EXPECT_EQ(joined.name_, "x=y");
  EXPECT_TRUE(joined.verbose);
  EXPECT_TRUE(joined.verse);

  Commands ended;
  parse_arguments(ended.app, {"work", "-v", "--", "--name", "-n", "--", "info"});
  EXPECT_THAT(names(ended), ElementsAre("--name", "-n", "--", "info"));
  EXPECT_EQ(ended.name_, "");
}

TEST(Arguments, AreRefusedInOneLineThatNamesThem) {
  EXPECT_THAT(refusal({"work", "--ver"}), HasSubstr("--verbose or --verse"));
  EXPECT_THAT(refusal({"work", "--nope"}), HasSubstr("--nope"));
  EXPECT_THAT(refusal({"work", "-song.wav"}), HasSubstr("-song.wav"));
  EXPECT_THAT(refusal({"work", "-v5"}), HasSubstr("-5"));
  EXPECT_THAT(refusal({"work", "--verbose=1"}), HasSubstr("--verbose"));
  EXPECT_THAT(refusal({"work", "--name"}), HasSubstr("--name: expected a value"));
  EXPECT_THAT(refusal({"work", "--name", "-v"}), HasSubstr("--name: expected a value"));
  EXPECT_THAT(refusal({"work", "--name", "--", "x"}), HasSubstr("--name: expected a value"));
  EXPECT_THAT(refusal({"[work]"}), HasSubstr("\"[work]\""));
  EXPECT_THAT(refusal({"++"}), HasSubstr("\"++\""));
  EXPECT_NE(refusal({}), "");
  Commands commands;
  CLI::App* one = commands.app.add_subcommand("one", "");
  std::string value;
  one->add_option("ONE", value, "");
  try {
    parse_arguments(commands.app, {"one", "[a]", "b"});
    ADD_FAILURE() << "took two";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("\"b\" is one argument too many"));
  }
}

}  // namespace
}  // namespace metalaudio::apps

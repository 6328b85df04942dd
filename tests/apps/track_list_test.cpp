#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <set>
#include <thread>
#include <tuple>

#include "separate_setting.h"
#include "tests/support/sounds.h"

namespace metalaudio::apps {
namespace {

namespace fs = std::filesystem;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

constexpr int kRateHz = 8000;

/// What --list takes.
class Lists : public ::testing::Test {
 protected:
  using Names = std::set<std::string>;

  void make_track(const std::string& name) {
    write_sound(setting_ / name, make_music(2, 0.6, kRateHz), kRateHz);
  }
  void make_tracks(int count) {
    for (int i = 0; i < count; ++i) make_track("in/" + std::to_string(i) + ".wav");
  }
  /// The stems that are there.
  Names stems() const {
    Names names;
    const fs::path folder = setting_ / "separated/tiny";
    for (const auto& entry : fs::recursive_directory_iterator(folder))
      if (entry.path().extension() == ".wav")
        names.insert(entry.path().lexically_relative(folder).string());
    return names;
  }

  SeparateSetting setting_;
};

TEST_F(Lists, HoldPathsOrJson) {
  make_tracks(4);
  setting_.write(
      "list.txt",
      "\xEF\xBB\xBFin/0.wav\r\n\n{\"path\": \"in/1.wav\"}\nin/0.wav\n{\"track\": \"in/2.wav\", "
      "\"status\": \"failed\"}\n\"in/3.wav\"");
  const ProgramResult result = setting_.separate({"--list", "list.txt", "--stems", "bass"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(stems(), (Names{"0/bass.wav", "1/bass.wav", "2/bass.wav", "3/bass.wav"}));
}

TEST_F(Lists, WithMissingFilesDoTheOthers) {
  make_tracks(2);
  setting_.write("list.txt", "in/0.wav\nin/none.wav\nin/1.wav\n");
  const ProgramResult result =
      setting_.separate({"--list", "list.txt", "--stems", "bass", "--manifest", "m.jsonl"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("metalaudio: in/none.wav: "));
  EXPECT_EQ(stems(), (Names{"0/bass.wav", "1/bass.wav"}));
  EXPECT_THAT(read_text(setting_ / "m.jsonl"),
              ContainsRegex("\"status\":\"failed\".*\"track\":\"in/none.wav\""));
}

TEST_F(Lists, ThatAreNone) {
  setting_.write("empty.txt", "\n\n");
  setting_.write("brace.txt", "{in/0.wav\n");
  setting_.write("number.txt", "\"a.wav\"\n{\"path\": 7}\n");
  for (const auto& [list, status, text] : std::vector<std::tuple<std::string, int, std::string>>{
           {"empty.txt", 2, "no track is in it"},
           {"brace.txt", 1, "line 1"},
           {"number.txt", 1, "line 2"},
           {"models", 1, "is a folder"},
           {"none.txt", 1, "--list none.txt: No such file"},
           {"/dev/zero", 1, "--list /dev/zero: more than"}}) {
    const ProgramResult result = setting_.separate({"--list", list});
    EXPECT_EQ(result.status, status) << list;
    EXPECT_THAT(result.err, HasSubstr(text));
  }
}

/// As players write them: their folder is where relative paths start.
TEST_F(Lists, ThatArePlaylistsHaveComments) {
  for (const char* name : {"a.wav", "b c.wav", "\"d\".wav", "#e.wav", "f%20.wav"})
    make_track(std::string("music/in/") + name);
  const std::string folder = (setting_ / "music/in").string();
  setting_.write("music/list.M3U8",
                 "#EXTM3U\n#EXTINF:1,Band - Song\nin/a.wav\r\n# in/#e.wav\nfile://" + folder +
                     "/b%20c.wav\nin/\"d\".wav\nin/f%20.wav\nfile://localhost" + folder +
                     "/%23e.wav\n");
  const ProgramResult result = setting_.separate({"--list", "music/list.M3U8", "--stems", "bass"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(stems(), (Names{"a/bass.wav", "b c/bass.wav", "\"d\"/bass.wav", "#e/bass.wav",
                            "f%20/bass.wav"}));
}

TEST_F(Lists, OfOtherNamesHaveNoComments) {
  make_track("#1.wav");
  make_track("a%20.wav");
  setting_.write("list.txt", "#1.wav\na%20.wav\n");
  const ProgramResult result = setting_.separate({"--list", "list.txt", "--stems", "bass"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(stems(), (Names{"#1/bass.wav", "a%20/bass.wav"}));
}

/// Waits for whoever writes, and takes a playlist by its first line.
TEST_F(Lists, ComeThroughNamedPipes) {
  make_tracks(2);
  ASSERT_EQ(::mkfifo((setting_ / "pipe").c_str(), 0600), 0);
  Program program(setting_.arguments({"--list", "pipe", "--stems", "bass"}), setting_.setting());
  std::ofstream(setting_ / "pipe") << "#EXTM3U\n#EXTINF:1,Song\nin/0.wav\nin/1.wav\n";
  const ProgramResult result = program.wait();
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(stems(), (Names{"0/bass.wav", "1/bass.wav"}));
}

TEST_F(Lists, ThatNobodyWritesAreWaitedForUntilASignal) {
  ASSERT_EQ(::mkfifo((setting_ / "pipe").c_str(), 0600), 0);
  for (const std::string input : {"pipe", "- <> pipe"}) {
    std::string program = METALAUDIO_PROGRAM;
    for (const std::string& argument : setting_.arguments({"--list"})) program += " " + argument;
    setting_.write("line.sh", "cd " + setting_.path().string() + "\n" + program + " " + input +
                                  " & sleep 0.5; kill -TERM $!; wait $!\n");
    const std::string line = "sh " + (setting_ / "line.sh").string();
    EXPECT_EQ(WEXITSTATUS(std::system(line.c_str())), 128 + SIGTERM) << input;
  }
}

}  // namespace
}  // namespace metalaudio::apps

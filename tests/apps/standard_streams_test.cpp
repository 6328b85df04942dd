#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>

#include "separate_setting.h"
#include "tests/support/sounds.h"

namespace metalaudio::apps {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr int kRateHz = 8000;

/// A song, and the program behind and before pipes.
class StandardStreams : public ::testing::Test {
 protected:
  StandardStreams() {
    write_sound(setting_ / "song.wav", make_music(2, 1.3, kRateHz), kRateHz);
    write_sound(setting_ / "song.flac", make_music(2, 1.3, kRateHz), kRateHz);
    write_sound(setting_ / "song.mp3", make_music(2, 1.3, kRateHz), kRateHz);
  }

  /// A line for bash in which $separate stands for the program; its error output is kept.
  int shell(const std::string& line) {
    std::string separate = METALAUDIO_PROGRAM;
    for (const std::string& argument : setting_.arguments({})) separate += " " + argument;
    const std::string script =
        "cd " + setting_.path().string() +
        "\nset -o pipefail\nexport XDG_DATA_HOME=$PWD/data TMPDIR=$PWD\nseparate=\"" + separate +
        "\"\n" + line + "\n";
    setting_.write("line.sh", script);
    const int status = std::system(
        ("bash " + (setting_ / "line.sh").string() + " 2> " + (setting_ / "err").string()).c_str());
    return WEXITSTATUS(status);
  }
  std::string err() const {
    std::ifstream file(setting_ / "err");
    return {std::istreambuf_iterator<char>(file), {}};
  }
  AudioBuffer sound(const std::string& name) const { return read_sound(setting_ / name); }

  SeparateSetting setting_;
};

TEST_F(StandardStreams, ATrackComesThroughAPipe) {
  for (const std::string type : {"wav", "flac", "mp3"}) {
    ASSERT_EQ(shell("cat song." + type + " | $separate - --float32 --clip-mode none -o piped"), 0)
        << err();
    EXPECT_THAT(err(), HasSubstr("standard input: 0:01 of audio"));
    EXPECT_THAT(err(), Not(HasSubstr("/proc/")));
    ASSERT_EQ(shell("$separate song." + type + " --float32 --clip-mode none -o plain --overwrite"),
              0)
        << err();
    EXPECT_GT(agreement_db(sound("plain/tiny/song/bass.wav"), sound("piped/tiny/stdin/bass.wav")),
              200.0);
    ASSERT_EQ(shell("rm -r piped"), 0);
  }
  ASSERT_EQ(shell("$separate - -o file < song.flac"), 0) << err();
  EXPECT_EQ(sound("file/tiny/stdin/bass.wav").frames(), 10400U);
}

TEST_F(StandardStreams, AWavOfUnknownLengthComesThroughAPipe) {
  // As ffmpeg and sox write it into a pipe.
  ASSERT_EQ(shell("printf '\\xff\\xff\\xff\\xff' > ff; cp song.wav open.wav; "
                  "dd if=ff of=open.wav bs=1 seek=4 conv=notrunc status=none; "
                  "at=$(grep -abo data open.wav | head -1 | cut -d: -f1); "
                  "dd if=ff of=open.wav bs=1 seek=$((at + 4)) conv=notrunc status=none; "
                  "cat open.wav | $separate - -o piped"),
            0)
      << err();
  EXPECT_EQ(sound("piped/tiny/stdin/bass.wav").frames(), 10400U);
}

TEST_F(StandardStreams, ThePipeOfTheGuideWorks) {
  ASSERT_EQ(shell("ffmpeg -v error -i song.flac -f wav - | $separate - --stems vocals -o - | "
                  "ffmpeg -v error -f wav -i - out.wav"),
            0)
      << err();
  ASSERT_EQ(shell("$separate song.flac"), 0) << err();
  EXPECT_GT(agreement_db(sound("separated/tiny/song/vocals.wav"), sound("out.wav")), 200.0);
}

TEST_F(StandardStreams, OneStemGoesThroughAPipeInAnyFormat) {
  ASSERT_EQ(shell("$separate song.wav --stems bass"), 0) << err();
  for (const std::string type : {"wav", "flac", "ogg", "m4a"}) {
    const std::string option = type == "wav" ? "" : " --" + type;
    ASSERT_EQ(shell("$separate song.wav --stems bass -o -" + option + " | cat > out." + type), 0)
        << err();
    const AudioBuffer out = sound("out." + type);
    EXPECT_EQ(out.channels(), 2U);
    EXPECT_EQ(out.frames(), 10400U);
    EXPECT_GT(agreement_db(sound("separated/tiny/song/bass.wav"), out),
              type == "wav" ? 200.0 : 10.0);
  }
  EXPECT_THAT(err(), HasSubstr("stems to standard output"));
}

TEST_F(StandardStreams, AllStemsGoThroughAPipeAsChannels) {
  ASSERT_EQ(shell("$separate song.wav --float32 --clip-mode none"), 0) << err();
  ASSERT_EQ(shell("cat song.wav | $separate - -o - --float32 --clip-mode none | cat > all.wav"), 0)
      << err();
  EXPECT_THAT(err(), HasSubstr("Channels, two for each: drums, bass, other, vocals"));
  const AudioBuffer all = sound("all.wav");
  ASSERT_EQ(all.channels(), 8U);
  std::size_t first = 0;
  for (const std::string stem : {"drums", "bass", "other", "vocals"}) {
    const AudioBuffer one = sound("separated/tiny/song/" + stem + ".wav");
    for (std::size_t c = 0; c < 2; ++c)
      EXPECT_TRUE(std::ranges::equal(one.channel(c), all.channel(first + c))) << stem;
    first += 2;
  }
}

TEST_F(StandardStreams, ABrokenPipeIsAQuietEnd) {
  // 8 channels of floats are more than a pipe holds.
  EXPECT_EQ(shell("$separate song.wav -q -o - --float32 | head -c 10 > few; exit ${PIPESTATUS[0]}"),
            141);
  EXPECT_THAT(err(), IsEmpty());
}

TEST_F(StandardStreams, LeaveNothingBehind) {
  ASSERT_EQ(shell("cat song.wav | $separate - -o - > all.wav"), 0) << err();
  EXPECT_EQ(shell("ls -A | grep -vE '^(song|models|data|err|line|all)'"), 1);
}

TEST_F(StandardStreams, WhatCannotBeIsRefused) {
  const auto expect = [&](const std::string& line, const char* reason, int status) {
    EXPECT_EQ(shell(line), status) << line << err();
    EXPECT_THAT(err(), HasSubstr(reason)) << line;
  };
  expect("cat song.wav | $separate - song.wav", "- is standard input, one track by itself", 2);
  expect("cat song.wav | $separate - -", "- is standard input, one track by itself", 2);
  expect("echo song.wav > list; cat song.wav | $separate - --list list", "and no --list", 2);
  expect("$separate song.wav song.flac -o - | cat", "-o - is for one track, not for 2", 2);
  expect("$separate song.wav -o - --json | cat", "--json has no place there", 2);
  expect("$separate song.wav -o - --skip-existing | cat", "need a folder", 2);
  expect("$separate song.wav -o - --mp3 | cat > mp3", "8 channels: mp3 holds at most 2", 1);
  expect(": | $separate -", "standard input: nothing came", 1);
  expect("echo no sound | $separate -", "standard input: ", 1);
  EXPECT_THAT(err(), Not(HasSubstr("/proc/")));
  expect("head -c 9000 song.wav | $separate - -o cut", "standard input: truncated", 1);
  EXPECT_THAT(setting_.files_below("cut"), IsEmpty());
  expect("$separate song.wav -o - > /dev/full", "No space left on device", 1);
}

TEST_F(StandardStreams, WhatIsClosedIsNotAnotherFile) {
  // The copy of standard input, the model or a stem would take the number that is free.
  EXPECT_EQ(shell("cat song.wav | $separate - -o - >&-"), 1);
  EXPECT_THAT(err(), HasSubstr("Bad file descriptor"));
  EXPECT_EQ(shell("$separate - --stems bass -o - <&- | cat"), 1);
  EXPECT_THAT(err(), HasSubstr("standard input: Bad file descriptor"));
  ASSERT_EQ(shell("$separate song.wav -o open"), 0) << err();
  EXPECT_EQ(shell("$separate song.wav -v -o closed <&- >&- 2>&-"), 0);
  EXPECT_EQ(shell("diff -r -x .metalaudio open closed"), 0);
}

TEST_F(StandardStreams, HelpThatCannotBeWrittenIsAFailure) {
  for (const std::string arguments : {"--version", "--help", "separate --help"}) {
    EXPECT_EQ(shell("\"" METALAUDIO_PROGRAM "\" " + arguments + " > /dev/full"), 1) << arguments;
    EXPECT_THAT(err(), HasSubstr("standard output: No space left on device")) << arguments;
  }
}

}  // namespace
}  // namespace metalaudio::apps

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>

#include "separate_setting.h"
#include "tests/support/sounds.h"

namespace metalaudio::apps {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr int kRateHz = 8000;

/// No output of any command may be an input, however it is named; the inputs stay as they are.
class Inputs : public ::testing::Test {
 protected:
  Inputs() {
    for (const char* name : {"a.wav", "b.wav", "ref/t/bass.wav", "est/t/bass.wav"}) {
      fs::create_directories((setting_ / name).parent_path());
      write_sound(setting_ / name, make_music(1, 0.5, kRateHz), kRateHz);
    }
    for (const char* ending : {"wav", "png", "json"}) {
      fs::create_symlink("a.wav", setting_ / (std::string("soft.") + ending));
      fs::create_hard_link(setting_ / "a.wav", setting_ / (std::string("hard.") + ending));
      fs::create_symlink("nowhere", setting_ / (std::string("dangling.") + ending));
      fs::create_directory(setting_ / (std::string("dir.") + ending));
    }
    before_ = content("a.wav");
  }

  std::string content(const std::string& name) const {
    std::ifstream file(setting_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  void expect_refused(const std::vector<std::string>& arguments, int status = 2) {
    const ProgramResult result = run_program(arguments, setting_.setting());
    std::string line;
    for (const std::string& word : arguments) line += word + " ";
    SCOPED_TRACE(line);
    EXPECT_EQ(result.status, status) << result.err;
    EXPECT_THAT(result.err, HasSubstr("metalaudio: "));
    EXPECT_EQ(content("a.wav"), before_);
    EXPECT_EQ(fs::read_symlink(setting_ / "dangling.wav"), "nowhere");
    EXPECT_FALSE(fs::exists(setting_ / "nowhere"));
  }

  SeparateSetting setting_;
  std::string before_;
};

TEST_F(Inputs, AreNoOutputsOfFilterAndConvolve) {
  for (const char* out : {"a.wav", "./a.wav", "soft.wav", "hard.wav", "dangling.wav", "dir.wav"}) {
    expect_refused({"filter", "a.wav", "--low-pass", "1000", "-o", out});
    expect_refused({"convolve", "a.wav", "b.wav", "-o", out});
    expect_refused({"convolve", "b.wav", "a.wav", "-o", out});
  }
  expect_refused({"convolve", "a.wav", "b.wav", "-o", "b.wav"});
}

TEST_F(Inputs, AreNoPictures) {
  for (const char* out : {"a.wav", "dangling.png", "dir.png", "p.jpg"})
    expect_refused({"evaluate", "ref", "est", "--picture", out});
  for (const char* out : {"a.wav", "soft.png", "hard.png", "dangling.png", "dir.png", "p.jpg"}) {
    expect_refused({"spectrogram", "b.wav", "a.wav", "-o", out});
  }
}

TEST_F(Inputs, AreNoOutputsOfEvaluate) {
  for (const char* folder : {"ref", "est"}) {
    const std::string stem = std::string(folder) + "/t/bass.wav";
    fs::remove(setting_ / "x.png");
    fs::create_symlink(stem, setting_ / "x.png");
    fs::remove(setting_ / "x.json");
    fs::create_hard_link(setting_ / stem, setting_ / "x.json");
    expect_refused({"evaluate", "ref", "est", "--picture", "x.png"});
    expect_refused({"evaluate", "ref", "est", "--json", "x.json"});
    expect_refused({"evaluate", "ref", "est", "--json", stem});
  }
  expect_refused({"evaluate", "ref", "est", "--json", "dangling.json"});
  expect_refused({"evaluate", "ref", "est", "--json", "none/s.json"}, 1);
  expect_refused({"evaluate", "ref", "est", "--json", "x.png", "--picture", "x.png"});
}

TEST_F(Inputs, AreNoStemsAndNoPicturesOfSeparate) {
  const auto refuse = [&](const std::vector<std::string>& more, int status) {
    expect_refused(setting_.arguments(more), status);
  };
  fs::create_directories(setting_ / "out/tiny");
  for (const char* link : {"bass.wav", "hardbass.wav"}) fs::remove(setting_ / "out/tiny" / link);
  fs::create_symlink("../../a.wav", setting_ / "out/tiny/bass.wav");
  fs::create_hard_link(setting_ / "a.wav", setting_ / "out/tiny/hardbass.wav");
  fs::create_symlink("nowhere", setting_ / "out/tiny/danglingbass.wav");
  fs::create_directory(setting_ / "out/tiny/dirbass.wav");
  for (const char* name : {"{stem}.wav", "hard{stem}.wav", "dangling{stem}.wav", "dir{stem}.wav"})
    refuse({"b.wav", "a.wav", "-o", "out", "--filename", name, "--stems", "bass"}, 1);
  refuse({"a.wav", "--stems", "bass", "--filename", "../../new/../a.wav", "-o", "out"}, 1);
  refuse({"a.wav", "--picture", "a.wav"}, 2);
  for (const char* picture : {"soft.png", "hard.png", "dangling.png", "dir.png"})
    refuse({"a.wav", "--picture", picture}, 1);
}

TEST_F(Inputs, AreFiles) {
  ASSERT_EQ(::mkfifo((setting_ / "pipe.wav").c_str(), 0600), 0);
  for (const char* in : {"pipe.wav", "/dev/zero", "dir.wav"}) {
    expect_refused({"filter", in, "--low-pass", "1000", "-o", "o.wav"}, 1);
    expect_refused({"convolve", "a.wav", in, "-o", "o.wav"}, 1);
    expect_refused({"spectrogram", in, "-o", "o.png"}, 1);
    expect_refused(setting_.arguments({in}), 1);
  }
  expect_refused({"run", "pipe.wav", "a.wav", "-o", "o.wav"}, 1);
}

TEST_F(Inputs, TheEndingOfAnOutputSaysWhatItIs) {
  for (const char* out : {"o.wma", "o.aac", "o.wav.bak", "o.", "o", "o.wave"}) {
    expect_refused({"filter", "a.wav", "--low-pass", "1000", "-o", out});
    expect_refused({"convolve", "a.wav", "b.wav", "-o", out});
  }
  expect_refused({"filter", "a.wav", "--low-pass", "1000", "-o", "o.mp3", "--int24"});
  const ProgramResult mp3 =
      run_program({"filter", "a.wav", "--low-pass", "1000", "-o", "o.mp3", "--mp3-bitrate", "64"},
                  setting_.setting());
  EXPECT_EQ(mp3.status, 0) << mp3.err;
  EXPECT_THAT(content("o.mp3"), StartsWith("\xFF"));
  const ProgramResult wav =
      run_program({"filter", "a.wav", "--low-pass", "1000", "-o", "o.wav", "--mp3-bitrate", "64"},
                  setting_.setting());
  EXPECT_THAT(wav.err, HasSubstr("Note: --mp3-bitrate has no effect on WAV"));
}

}  // namespace
}  // namespace metalaudio::apps

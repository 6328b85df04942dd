#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <sstream>
#include <thread>

#include "apps/terminal/interrupt.h"
#include "separate_setting.h"
#include "tests/support/sounds.h"

namespace metalaudio::apps {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr int kRateHz = 8000;

class SeparateFailure : public ::testing::Test {
 protected:
  SeparateFailure() { write_sound(setting_ / "song.wav", make_music(2, 1.0, kRateHz), kRateHz); }

  std::string file_content(const std::string& name) const {
    std::ifstream file(setting_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  /// One line that names the file, exit status 1, no output.
  void expect_bad_track(const std::string& name) {
    SCOPED_TRACE(name);
    const ProgramResult result = setting_.separate({name});
    EXPECT_EQ(result.status, 1);
    EXPECT_EQ(failures(result.err).size(), 1U) << result.err;
    EXPECT_THAT(result.err, HasSubstr("metalaudio: " + name + ": "));
    EXPECT_FALSE(fs::exists(setting_ / "separated"));
  }

  static std::vector<std::string> failures(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);)
      if (line.starts_with("metalaudio: ")) lines.push_back(line);
    return lines;
  }

  SeparateSetting setting_;
};

TEST_F(SeparateFailure, FilesThatAreNoAudio) {
  setting_.write("text.wav", "This is a letter, not music.\n");
  setting_.write("empty.wav", "");
  setting_.write("empty.mp3", "");
  setting_.write("truncated.wav", file_content("song.wav").substr(0, 20000));
  setting_.write("header.wav", file_content("song.wav").substr(0, 30));
  for (const char* name :
       {"text.wav", "empty.wav", "empty.mp3", "truncated.wav", "header.wav", "missing.wav"})
    expect_bad_track(name);
}

TEST_F(SeparateFailure, SamplesThatAreNotFinite) {
  // The writer refuses such samples, so the bytes of a sample are changed afterwards.
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::string content = file_content("song.wav");
    std::memcpy(content.data() + content.size() / 8 * 4, &bad, sizeof(bad));
    setting_.write("bad.wav", content);
    expect_bad_track("bad.wav");
  }
}

TEST_F(SeparateFailure, ChannelsThatCannotBe) {
  std::string content = file_content("song.wav");
  for (const char channels : {0, 64}) {
    content[22] = channels;
    setting_.write("channels.wav", content);
    expect_bad_track("channels.wav");
  }
}

TEST_F(SeparateFailure, ABadTrackAmongManyDoesNotStopTheOthers) {
  setting_.write("bad.wav", "no audio");
  write_sound(setting_ / "last.wav", make_music(2, 0.6, kRateHz), kRateHz);
  const ProgramResult result =
      setting_.separate({"song.wav", "bad.wav", "last.wav", "--stems", "bass", "--json"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(setting_.files_below("separated"),
              ::testing::ElementsAre("tiny/last/bass.wav", "tiny/song/bass.wav"));
  EXPECT_THAT(result.err, HasSubstr("2 of 3 tracks"));
  std::istringstream lines(result.out);
  std::vector<std::string> states;
  for (std::string line; std::getline(lines, line);)
    states.push_back(nlohmann::json::parse(line).at("status"));
  EXPECT_THAT(states, ::testing::ElementsAre("done", "failed", "done"));
}

TEST_F(SeparateFailure, ModelsThatAreMissingOrBroken) {
  const std::string model = file_content("models/tiny.safetensors");
  setting_.write("models/cut.safetensors", model.substr(0, model.size() / 2));
  setting_.write("models/text.th", "not a model");
  setting_.write("models/hash-00000000.safetensors", model);
  for (const char* name : {"nowhere", "cut", "text", "hash", "hdemucs_mmi"}) {
    SCOPED_TRACE(name);
    const ProgramResult result = setting_.separate({"song.wav", "-n", name});
    EXPECT_EQ(result.status, 1);
    EXPECT_EQ(failures(result.err).size(), 1U) << result.err;
    EXPECT_THAT(result.err, HasSubstr(name));
    EXPECT_FALSE(fs::exists(setting_ / "separated"));
  }
}

TEST_F(SeparateFailure, UsageErrorsSayWhatIsWrong) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{}, "no TRACK"},
      {{"song.wav", "--stems", "kazoo"}, "\"kazoo\" is not in the model; it has drums, bass"},
      {{"song.wav", "--two-stems", "kazoo"}, "\"kazoo\" is not in the model"},
      {{"song.wav", "--filename", "{stem}{nope}"}, "{nope}"},
      {{"song.wav", "--overlap", "2"}, "--overlap"},
      {{"song.wav", "song.wav", "--picture", "p.png"}, "{track}"},
      {{"song.wav", "--shift-offsets", "99999"}, "99999"}};
  for (const auto& [arguments, expected] : cases) {
    const ProgramResult result = setting_.separate(arguments);
    EXPECT_EQ(result.status, 2) << expected;
    EXPECT_EQ(failures(result.err).size(), 1U) << result.err;
    EXPECT_THAT(result.err, HasSubstr(expected));
    EXPECT_FALSE(fs::exists(setting_ / "separated"));
  }
}

TEST_F(SeparateFailure, TheGraphicsCardThatIsNotThere) {
  // More GPUs than any machine has, so that it holds on one with some.
  for (const char* device : {"cuda:99", "cuda:98,cuda:99"}) {
    const ProgramResult result = setting_.separate({"song.wav", "-d", device});
    EXPECT_EQ(result.status, 1);
    ASSERT_EQ(failures(result.err).size(), 1U) << result.err;
    EXPECT_THAT(failures(result.err)[0], HasSubstr(std::string("device ") + device + ": "));
    EXPECT_FALSE(fs::exists(setting_ / "separated"));
  }
}

TEST_F(SeparateFailure, AnOutputThatCannotBeMade) {
  setting_.write("file", "x");
  const ProgramResult result = setting_.separate({"song.wav", "-o", "file"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(failures(result.err).at(0), HasSubstr("song.wav: file/tiny/song/"));
}

TEST_F(SeparateFailure, AFullDiskLeavesNothing) {
  // A limit on the size of files fails the same calls as a full disk.
  for (const std::vector<std::string>& options :
       {std::vector<std::string>{}, {"--flac"}, {"--mp3"}, {"--clip-mode", "none"}}) {
    ProgramSetting setting = setting_.setting();
    setting.largest_file_bytes = 4096;
    std::vector<std::string> arguments = {"song.wav"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const ProgramResult result = run_program(setting_.arguments(arguments), setting);
    EXPECT_EQ(result.status, 1) << result.err;
    EXPECT_THAT(failures(result.err).at(0), HasSubstr("song.wav"));
    EXPECT_FALSE(fs::exists(setting_ / "separated"));
  }
}

TEST_F(SeparateFailure, StandardOutputThatIsFull) {
  if (!fs::is_character_file("/dev/full")) GTEST_FAIL() << "no /dev/full";
  const std::string command = std::string("cd ") + setting_.path().string() + " && " +
                              METALAUDIO_PROGRAM +
                              " separate --repo models -n tiny --threads 1 --json song.wav "
                              ">/dev/full 2>err.txt";
  EXPECT_NE(std::system(command.c_str()), 0);
  EXPECT_THAT(file_content("err.txt"), HasSubstr("standard output: No space left on device"));
}

TEST_F(SeparateFailure, SignalsStopItCleanly) {
  write_sound(setting_ / "long.wav", make_music(2, 600.0, kRateHz), kRateHz);
  struct Case {
    int signal;
    int ignored;  // by nohup, or in a script by &
  };
  for (const auto [signal, ignored] :
       {Case{SIGINT, 0}, Case{SIGTERM, 0}, Case{SIGHUP, 0}, Case{SIGTERM, SIGHUP},
        Case{SIGTERM, SIGINT}, Case{SIGINT, SIGTERM}}) {
    ProgramSetting setting = setting_.setting();
    if (ignored != 0) setting.ignored_signals = {ignored};
    Program program(setting_.arguments({"long.wav", "song.wav"}), setting);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (program.err_so_far().find("of audio") == std::string::npos &&
           std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_FALSE(setting_.files_below("separated").empty()) << "temporary files while it runs";
    if (ignored != 0) {
      program.send(ignored);
      std::this_thread::sleep_for(std::chrono::milliseconds(300));  // enough to end, if it did
    }
    program.send(signal);
    const ProgramResult result = program.wait();
    EXPECT_EQ(result.status, 128 + signal) << result.err;
    EXPECT_FALSE(fs::exists(setting_ / "separated"));
  }
}

/// Of a driver that does not answer, for example.
TEST(Interrupt, WhoAsksAThirdTimeIsNotWaitedFor) {
  const auto ask = [](int times) {
    install_signal_handlers();
    for (int i = 0; i < times; ++i) std::raise(SIGTERM);
    std::_Exit(interrupt_signal());
  };
  EXPECT_EXIT(ask(2), ::testing::ExitedWithCode(SIGTERM), "");
  EXPECT_EXIT(ask(3), ::testing::KilledBySignal(SIGTERM), "");
}

TEST_F(SeparateFailure, PrecisionsOfGpusAreRefusedOnTheCpu) {
  for (const std::string precision : {"fp16", "tf32"}) {
    const ProgramResult result =
        setting_.separate({"song.wav", "-d", "cpu", "--precision", precision});
    EXPECT_EQ(result.status, 2);
    EXPECT_EQ(result.err,
              "metalaudio: --precision " + precision + ": the cpu takes fp32, bf16 or auto\n");
  }
}

/// As a disk that is full or a download that stops leaves it.
TEST_F(SeparateFailure, ACudaPartThatIsCutShortIsToldAndNotOpened) {
  const fs::path program = setting_ / "program";
  fs::copy_file(METALAUDIO_PROGRAM, program);
  const std::string command = program.string() + " info > " + (setting_ / "info.txt").string();
  // A header of ELF whose table of sections lies beyond the end, and a file that has not even that.
  std::string header(
      "\x7f"
      "ELF\x02\x01\x01",
      7);
  header.resize(64);
  header[0x2a] = 1;
  for (const std::string& content : {header, std::string("ELF")}) {
    std::ofstream(setting_ / "libmetalaudio_cuda.so", std::ios::binary) << content;
    EXPECT_EQ(std::system(command.c_str()), 0);
    EXPECT_THAT(file_content("info.txt"), HasSubstr("libmetalaudio_cuda.so is cut short"));
  }
}

}  // namespace
}  // namespace metalaudio::apps

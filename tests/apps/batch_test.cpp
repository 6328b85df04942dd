#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <thread>

#include "apps/batch/file_digest.h"
#include "separate_setting.h"
#include "tests/support/sounds.h"

namespace metalaudio::apps {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr int kRateHz = 8000;

/// What a process that is killed leaves behind ends in one of these.
MATCHER(IsLeftOver, "") { return arg.ends_with(".part") || arg.ends_with(".claim"); }

class Batch : public ::testing::Test {
 protected:
  void make_tracks(int count, double seconds = 0.6) {
    for (int i = 0; i < count; ++i)
      write_sound(setting_ / ("in/" + std::to_string(i) + ".wav"),
                  make_music(2, seconds + 0.01 * i, kRateHz), kRateHz);
  }

  std::string content(const std::string& name) const { return read_text(setting_ / name); }

  std::vector<nlohmann::json> lines_of(const std::string& text) const {
    std::vector<nlohmann::json> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);)
      lines.push_back(nlohmann::json::parse(line));
    return lines;
  }

  /// How many lines of the manifest have this status, by track.
  std::map<std::string, int> count(const std::string& status,
                                   const std::string& manifest = "m.jsonl") const {
    std::map<std::string, int> tracks;
    for (const nlohmann::json& line : lines_of(content(manifest)))
      if (line.at("status") == status) ++tracks[line.at("track")];
    return tracks;
  }

  static void wait_for(const Program& program, const std::string& text) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(120);
    while (program.err_so_far().find(text) == std::string::npos &&
           std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }

  SeparateSetting setting_;
};

TEST_F(Batch, ShardsAreAllTracksOnce) {
  make_tracks(5);
  for (const char* shard : {"0/3", "1/3", "2/3"})
    ASSERT_EQ(
        setting_.separate({"in", "--stems", "bass", "--shard", shard, "--manifest", "m.jsonl"})
            .status,
        0);
  EXPECT_THAT(count("done"), SizeIs(5));
  const ProgramResult none = setting_.separate({"in", "--shard", "6/7", "--stems", "bass"});
  EXPECT_EQ(none.status, 0) << none.err;
  for (const char* shard : {"3/3", "-1/3", "0/0", "1", "a/b", "1/", "auto", "auto/3"}) {
    const ProgramResult result = setting_.separate({"in", "--shard", shard});
    EXPECT_EQ(result.status, 2) << shard;
    EXPECT_THAT(result.err, HasSubstr("--shard")) << shard;
  }
}

TEST_F(Batch, SkipsWhatIsUpToDateAndNothingElse) {
  make_tracks(2);
  const std::vector<std::string> usual = {"in", "--stems", "bass", "--skip-existing", "--json"};
  const auto statuses = [&](std::vector<std::string> more) {
    more.insert(more.begin(), usual.begin(), usual.end());
    const ProgramResult result = setting_.separate(more);
    std::string all;
    for (const nlohmann::json& line : lines_of(result.out))
      all += line.at("status").get<std::string>() + " ";
    return all;
  };
  EXPECT_EQ(statuses({}), "done done ");
  EXPECT_EQ(statuses({}), "skipped skipped ");
  EXPECT_EQ(statuses({"--overwrite"}), "skipped skipped ");
  EXPECT_EQ(statuses({"--seed", "3"}), "done done ") << "another option";
  write_sound(setting_ / "in/1.wav", make_music(2, 0.7, kRateHz), kRateHz);
  EXPECT_EQ(statuses({"--seed", "3"}), "skipped done ") << "another input";
  fs::remove(setting_ / "separated/tiny/0/bass.wav");
  EXPECT_EQ(statuses({"--seed", "3"}), "done skipped ") << "a stem that is gone";
  write_text(setting_ / "separated/tiny/0/bass.wav", "somebody's own");
  EXPECT_EQ(statuses({"--seed", "3"}), "failed skipped ");
  EXPECT_EQ(content("separated/tiny/0/bass.wav"), "somebody's own");
  EXPECT_EQ(statuses({"--seed", "3", "--overwrite"}), "done skipped ");
  std::string model = content("models/tiny.safetensors");
  model.back() ^= 1;
  setting_.write("models/tiny.safetensors", model);
  EXPECT_EQ(statuses({"--seed", "3"}), "done done ") << "another model";
  EXPECT_EQ(statuses({"--seed", "3"}), "skipped skipped ");
}

TEST_F(Batch, NamesThatAreNoUtf8AreSkippedToo) {
  make_tracks(1);
  fs::rename(setting_ / "in/0.wav", setting_ / "in/\xFF.wav");
  for (const char* status : {"done", "skipped"}) {
    const ProgramResult result =
        setting_.separate({"in", "--stems", "bass", "--skip-existing", "--json"});
    EXPECT_EQ(lines_of(result.out).at(0).at("status"), status) << result.err;
  }
}

TEST_F(Batch, StemsAreNotReplacedUnasked) {
  make_tracks(1);
  ASSERT_EQ(setting_.separate({"in", "--stems", "bass"}).status, 0);
  const std::string before = content("separated/tiny/0/bass.wav");
  const ProgramResult refused = setting_.separate({"in", "--seed", "5"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("separated/tiny/0/bass.wav is there already; --overwrite"));
  EXPECT_EQ(content("separated/tiny/0/bass.wav"), before);
  EXPECT_THAT(setting_.files_below("separated"), ElementsAre("tiny/0/bass.wav"));
  EXPECT_EQ(setting_.separate({"in", "--seed", "5", "--overwrite"}).status, 0);
  EXPECT_NE(content("separated/tiny/0/bass.wav"), before);
}

TEST_F(Batch, ThePictureIsNotReplacedUnaskedEither) {
  make_tracks(1);
  setting_.write("p.png", "mine");
  const ProgramResult result = setting_.separate({"in", "--stems", "bass", "--picture", "p.png"});
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(content("p.png"), "mine");
  EXPECT_FALSE(fs::exists(setting_ / "separated"));
}

TEST_F(Batch, DryRunSaysWhatWouldBeDone) {
  make_tracks(2);
  ASSERT_EQ(setting_.separate({"in/0.wav", "--stems", "bass"}).status, 0);
  const ProgramResult result =
      setting_.separate({"in", "in/none.wav", "--stems", "bass", "--json", "--dry-run",
                         "--skip-existing", "--manifest", "m.jsonl"});
  EXPECT_EQ(result.status, 1);
  std::vector<std::string> statuses;
  for (const nlohmann::json& line : lines_of(result.out)) statuses.push_back(line.at("status"));
  EXPECT_THAT(statuses, ElementsAre("skipped", "planned", "failed"));
  EXPECT_THAT(setting_.files_below("separated"), ElementsAre("tiny/0/bass.wav"));
  EXPECT_FALSE(fs::exists(setting_ / "m.jsonl"));
}

TEST_F(Batch, QuietVerboseAndEvents) {
  make_tracks(1);
  const ProgramResult quiet = setting_.separate({"in", "-q", "-o", "a", "--int24", "--mp3"});
  EXPECT_EQ(quiet.status, 0);
  EXPECT_THAT(quiet.err, IsEmpty());
  EXPECT_THAT(setting_.separate({"nothing.wav", "-q"}).err, HasSubstr("nothing.wav"));
  EXPECT_THAT(setting_.separate({"in", "-v", "-o", "b"}).err, HasSubstr("models/tiny.safetensors"));
  EXPECT_EQ(setting_.separate({"in", "-v", "-q"}).status, 2);
  const auto lines = lines_of(setting_.separate({"in", "--json", "--events", "-o", "c"}).out);
  ASSERT_GE(lines.size(), 3U);
  EXPECT_EQ(lines.front().at("event"), "begin");
  double fraction = 0.0;
  for (std::size_t i = 1; i + 1 < lines.size(); ++i) {
    EXPECT_EQ(lines[i].at("event"), "progress");
    EXPECT_GT(lines[i].at("fraction"), fraction);
    fraction = lines[i].at("fraction");
  }
  EXPECT_DOUBLE_EQ(fraction, 1.0);
  EXPECT_EQ(lines.back().at("event"), "end");
  EXPECT_EQ(lines.back().at("status"), "done");
}

TEST_F(Batch, EightProcessesMakeEachTrackOnceAndOneManifest) {
  make_tracks(12);
  std::vector<std::unique_ptr<Program>> programs;
  for (int i = 0; i < 8; ++i)
    programs.push_back(std::make_unique<Program>(
        setting_.arguments({"in", "--stems", "bass", "--skip-existing", "--manifest", "m.jsonl"}),
        setting_.setting()));
  for (const auto& program : programs) {
    const ProgramResult result = program->wait();
    EXPECT_EQ(result.status, 0) << result.err;
  }
  std::map<std::string, int> once;
  for (int i = 0; i < 12; ++i) once["in/" + std::to_string(i) + ".wav"] = 1;
  EXPECT_EQ(count("done"), once);
  EXPECT_THAT(lines_of(content("m.jsonl")), SizeIs(8 * 12));
  EXPECT_THAT(setting_.files_below("separated"), SizeIs(12));
}

TEST_F(Batch, ProcessesShareAFolderWithoutBeingToldTo) {
  make_tracks(6);
  std::vector<std::unique_ptr<Program>> programs;
  for (int i = 0; i < 3; ++i)
    programs.push_back(std::make_unique<Program>(
        setting_.arguments({"in", "--stems", "bass", "--overwrite", "--manifest", "m.jsonl"}),
        setting_.setting()));
  for (const auto& program : programs) EXPECT_EQ(program->wait().status, 0);
  EXPECT_THAT(count("done"), SizeIs(6));
}

TEST_F(Batch, GoesOnWhereProcessesWereKilled) {
  make_tracks(3, 60.0);
  const auto arguments = setting_.arguments(
      {"in", "--filename", "{stem}/{track}.{ext}", "--skip-existing", "--manifest", "m.jsonl"});
  for (int kill = 0; kill < 3; ++kill) {
    Program program(arguments, setting_.setting());
    wait_for(program, "of audio");
    EXPECT_THAT(setting_.files_below("separated"), Contains(IsLeftOver()));
    program.send(SIGKILL);
    EXPECT_EQ(program.wait().status, 1000 + SIGKILL);
  }
  const ProgramResult result = run_program(arguments, setting_.setting());
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(setting_.files_below("separated"), SizeIs(12));
  EXPECT_THAT(setting_.files_below("separated"), Each(Not(IsLeftOver())));
  EXPECT_THAT(count("done"), SizeIs(3));
}

TEST_F(Batch, WaitsForTheOtherAndTakesOverWhenItDies) {
  make_tracks(1, 400.0);
  const std::vector<std::string> arguments = {"in", "--stems", "bass", "--manifest", "m.jsonl"};
  Program first(setting_.arguments(arguments), setting_.setting());
  wait_for(first, "of audio");
  Program second(setting_.arguments(arguments), setting_.setting());
  wait_for(second, "Model tiny");
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_THAT(second.err_so_far(), Not(HasSubstr("of audio"))) << "the other works on it";
  first.send(SIGKILL);
  wait_for(second, "of audio");
  second.send(SIGINT);
  EXPECT_EQ(second.wait().status, 128 + SIGINT);
  EXPECT_THAT(setting_.files_below("separated"), IsEmpty());
}

/// Between its stems' appearing and their being recorded a process may be killed too.
TEST_F(Batch, StemsOfADeadProcessAreNotSomebodyElses) {
  make_tracks(1);
  ASSERT_EQ(setting_.separate({"in", "--stems", "bass"}).status, 0);
  const fs::path book = setting_ / "separated/tiny/.metalaudio";
  const fs::path record = fs::directory_iterator(book)->path();
  fs::remove(record);
  EXPECT_EQ(setting_.separate({"in", "--stems", "bass", "--skip-existing"}).status, 1);
  write_text(fs::path(record).replace_extension(".claim"), std::string("\0"
                                                                       "0/bass.wav\0",
                                                                       12));
  EXPECT_EQ(setting_.separate({"in", "--stems", "bass"}).status, 0);
  EXPECT_THAT(setting_.files_below("separated"), ElementsAre("tiny/0/bass.wav"));
}

TEST_F(Batch, AManifestOnAFullDiskLosesNothing) {
  make_tracks(2);
  ASSERT_TRUE(fs::is_character_file("/dev/full"));
  const ProgramResult result =
      setting_.separate({"in", "--stems", "bass", "--manifest", "/dev/full"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("--manifest /dev/full: No space left on device"));
  EXPECT_THAT(setting_.files_below("separated"), ElementsAre("tiny/0/bass.wav"));
  EXPECT_EQ(setting_.separate({"in", "--stems", "bass", "--skip-existing", "--manifest", "m.jsonl"})
                .status,
            0);
  EXPECT_THAT(count("skipped"), SizeIs(1));
  EXPECT_THAT(count("done"), SizeIs(1));
}

TEST_F(Batch, ManifestsThatCannotBe) {
  make_tracks(1);
  setting_.write("list.txt", "in/0.wav\n");
  for (const char* manifest : {"in/0.wav", "list.txt", "models", "nowhere/m.jsonl"}) {
    const ProgramResult result =
        setting_.separate({"--list", "list.txt", "--stems", "bass", "--manifest", manifest});
    EXPECT_NE(result.status, 0) << manifest;
    EXPECT_THAT(result.err, HasSubstr(manifest)) << manifest;
  }
  EXPECT_EQ(content("list.txt"), "in/0.wav\n");
  write_text(setting_ / "m.jsonl", "{\"status\": \"old\", \"track\": \"x\"}");
  ASSERT_EQ(setting_.separate({"in", "--stems", "bass", "--manifest", "m.jsonl"}).status, 0);
  EXPECT_THAT(lines_of(content("m.jsonl")), SizeIs(2)) << "behind a line without its end";
}

/// The commands between the fences of the guide that hold this word.
std::string commands_of_guide(const std::string& word) {
  std::istringstream guide(read_text(fs::path(METALAUDIO_GUIDES) / "batches.md"));
  std::string block;
  bool inside = false;
  for (std::string line; std::getline(guide, line);) {
    if (line.starts_with("```")) {
      if (inside && block.find(word) != std::string::npos) return block;
      inside = line == "```sh";
      block.clear();
    } else if (inside) {
      block += line + "\n";
    }
  }
  return "exit 99";
}

TEST_F(Batch, TheGuidesCommandsForGnuParallelWork) {
  for (const char* name : {"a", "b", "c d", "e"})
    write_sound(setting_ / ("music/" + std::string(name) + ".flac"), make_music(2, 0.6, kRateHz),
                kRateHz);
  setting_.write("music/bad.flac", "no music");
  fs::copy_file(setting_ / "models/tiny.safetensors", setting_ / "models/demo_6s.safetensors");
  const auto run = [&](const std::string& commands) {
    const std::string start = "cd '" + setting_.path().string() +
                              "' && export XDG_DATA_HOME=$PWD/data PATH='" +
                              fs::path(METALAUDIO_PROGRAM).parent_path().string() +
                              "':$PATH METALAUDIO_MODEL_DIR=$PWD/models && {\n";
    return std::system((start + commands + "} >log.txt 2>&1").c_str());
  };
  EXPECT_NE(run(commands_of_guide("parallel")), 0) << "one track is bad";
  EXPECT_THAT(count("done", "manifest.jsonl"), SizeIs(4)) << content("log.txt");
  write_sound(setting_ / "music/bad.flac", make_music(2, 0.6, kRateHz), kRateHz);
  EXPECT_EQ(run(commands_of_guide("failed.jsonl")), 0) << content("log.txt");
  EXPECT_THAT(count("done", "manifest.jsonl"), SizeIs(5));
  for (const auto& [track, times] : count("done", "manifest.jsonl")) EXPECT_EQ(times, 1) << track;
}

/// Runs the program in a terminal of its own and answers what it asks.
std::pair<int, std::string> run_in_terminal(const std::vector<std::string>& arguments,
                                            const fs::path& folder, const std::string& answer) {
  int terminal = -1;
  const pid_t process = ::forkpty(&terminal, nullptr, nullptr, nullptr);
  if (process == 0) {
    if (::chdir(folder.c_str()) != 0) ::_exit(126);
    std::vector<std::string> all = arguments;
    all.insert(all.begin(), METALAUDIO_PROGRAM);
    std::vector<char*> pointers;
    for (std::string& argument : all) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    ::execv(METALAUDIO_PROGRAM, pointers.data());
    ::_exit(127);
  }
  std::string text;
  bool answered = false;
  std::string block(4096, '\0');
  for (ssize_t got = 0; (got = ::read(terminal, block.data(), block.size())) > 0;) {
    text.append(block, 0, static_cast<std::size_t>(got));
    if (!answered && text.find("[y/N] ") != std::string::npos)
      answered = ::write(terminal, answer.data(), answer.size()) > 0;
  }
  int status = 0;
  ::waitpid(process, &status, 0);
  ::close(terminal);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text};
}

TEST_F(Batch, APersonIsAsked) {
  make_tracks(1);
  ASSERT_EQ(setting_.separate({"in", "--stems", "bass"}).status, 0);
  const std::string before = content("separated/tiny/0/bass.wav");
  const auto arguments = setting_.arguments({"in", "--stems", "bass", "--seed", "5"});
  const auto [no, no_text] = run_in_terminal(arguments, setting_.path(), "n\n");
  EXPECT_EQ(no, 0);
  EXPECT_THAT(no_text, HasSubstr("The stems of in/0.wav are there already. Replace them? [y/N]"));
  EXPECT_EQ(content("separated/tiny/0/bass.wav"), before);
  EXPECT_EQ(run_in_terminal(arguments, setting_.path(), "\x03").first, 128 + SIGINT);
  EXPECT_EQ(content("separated/tiny/0/bass.wav"), before);
  EXPECT_EQ(run_in_terminal(arguments, setting_.path(), "y\n").first, 0);
  EXPECT_NE(content("separated/tiny/0/bass.wav"), before);
}

TEST_F(Batch, TheDigestOfAFileThatWasReplacedIsRefused) {
  const auto write = [this](const std::string& name, const char* text) {
    std::ofstream(setting_ / name) << text;
  };
  write("song", "abc");
  const FileDigest digest(setting_ / "song");
  EXPECT_TRUE(digest.sha256().starts_with("ba7816bf"));  // of "abc", FIPS 180-2
  write("other", "abd");
  fs::rename(setting_ / "other", setting_ / "song");
  const auto changed = ::testing::ThrowsMessage<Error>(::testing::HasSubstr("was changed while"));
  EXPECT_THAT([&] { digest.sha256(); }, changed);
  fs::remove(setting_ / "song");
  EXPECT_THAT([&] { digest.sha256(); }, changed);
}

}  // namespace
}  // namespace metalaudio::apps

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/separation/output_folders.h>
#include <metalaudio/separation/run_files.h>
#include <metalaudio/separation/track_list.h>
#include <sys/stat.h>

#include <atomic>
#include <map>
#include <memory>
#include <thread>

#include "tests/support/test_folder.h"

namespace metalaudio::separation {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> names(const std::vector<Track>& tracks) {
  std::vector<std::string> result;
  for (const Track& track : tracks) result.push_back(track.name + "|" + track.extension);
  return result;
}

TEST(TrackList, SplitsNamesAsUpstreamDoes) {
  EXPECT_THAT(names(list_tracks({"a/My.song.mp3", "plain"}, {})),
              ElementsAre("My.song|mp3", "plain|plain"));
}

TEST(TrackList, LooksThroughFoldersInOrder) {
  const TestFolder folder;
  for (const char* name : {"b/2.flac", "b/1.MP3", "a.wav", "notes.txt", ".hidden.wav",
                           ".cache/x.wav", "separated/htdemucs/a/vocals.wav"})
    folder.write(name, "x");
  EXPECT_THAT(names(list_tracks({folder.path()}, {folder / "separated"})),
              ElementsAre("a|wav", "b/1|MP3", "b/2|flac"));
}

TEST(TrackList, FindsSoundAndPicturesWithSound) {
  for (const char* name : {"a.webm", "a.MP4", "a.mkv",  "a.w64",  "a.rf64", "a.caf",  "a.opus",
                           "a.oga",  "a.ogv", "a.mka",  "a.aac",  "a.ac3",  "a.wma",  "a.wv",
                           "a.ape",  "a.aif", "a.aiff", "a.au",   "a.ts",   "a.m2ts", "a.mov",
                           "a.avi",  "a.3gp", "a.amr",  "a.flac", "a.mp3",  "a.wav",  "a.m4a"})
    EXPECT_TRUE(has_audio_extension(name)) << name;
  for (const char* name : {"a.txt", "a.png", "a.jpg", "a.cue", "a.m3u", "a.pdf", "wav", "a"})
    EXPECT_FALSE(has_audio_extension(name)) << name;
}

TEST(TrackList, NamesAFolderWithoutAudio) {
  const TestFolder folder;
  folder.write("notes.txt", "x");
  const auto tracks = list_tracks({folder.path()}, {});
  ASSERT_EQ(tracks.size(), 1U);
  EXPECT_EQ(tracks[0].path, folder.path());
  EXPECT_EQ(tracks[0].problem, "no audio files in this folder");
}

TEST(TrackList, StemsInAnInputFolderAreNoInputs) {
  const TestFolder folder;
  for (const char* name : {"a.wav", "cd/b.wav", "tiny/a/vocals.wav"}) folder.write(name, "x");
  // As of `separate album -o album`, and `separate album` with -o above it.
  EXPECT_THAT(names(list_tracks({folder.path()}, {folder.path(), folder / "tiny"})),
              ElementsAre("a|wav", "cd/b|wav"));
  EXPECT_THAT(names(list_tracks({folder.path()}, {folder.path().parent_path(), folder / "tiny"})),
              ElementsAre("a|wav", "cd/b|wav"));
}

TEST(TrackList, KnowsTheFolderOfAFile) {
  const TestFolder folder;
  for (const char* name : {"album/one.wav", "album/cd/two.wav"}) folder.write(name, "x");
  const auto tracks = list_tracks({folder / "album", folder / "album/one.wav"}, {});
  ASSERT_EQ(tracks.size(), 3U);
  EXPECT_EQ(tracks[0].folder, "cd");
  EXPECT_EQ(tracks[1].folder, "album");
  EXPECT_EQ(tracks[2].folder, "album");
}

/// What each bad entry is reported with; whoever has no problem is "ok".
std::map<std::string, std::string> problems(const fs::path& folder) {
  std::map<std::string, std::string> found;
  for (const Track& track : list_tracks({folder}, {}))
    found[track.path.lexically_relative(folder).string()] =
        track.problem.empty() ? "ok" : track.problem;
  return found;
}

TEST(TrackList, OneBadEntryDoesNotSpoilAFolder) {
  const TestFolder folder;
  for (const char* name : {"a.wav", "b/c.webm", "b/d.OPUS", "real/e.w64"}) folder.write(name, "x");
  fs::create_directory_symlink("../b", folder / "b/up");          // back to itself
  fs::create_directory_symlink(folder.path(), folder / "b/top");  // back to the root
  fs::create_symlink("self", folder / "self");
  fs::create_symlink("self.wav", folder / "self.wav");
  fs::create_symlink("nowhere.wav", folder / "broken.wav");
  fs::create_symlink("nowhere", folder / "notes");
  fs::create_directory_symlink("real", folder / "link");
  ASSERT_EQ(::mkfifo((folder / "pipe.wav").c_str(), 0600), 0);
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  fs::create_symlink("/dev/zero", folder / "device.wav");
  const std::string loop = "Too many levels of symbolic links";
  const std::string back = "a link back to a folder that it lies in";
  const std::map<std::string, std::string> expected = {{"a.wav", "ok"},
                                                       {"b/c.webm", "ok"},
                                                       {"b/d.OPUS", "ok"},
                                                       {"real/e.w64", "ok"},
                                                       {"link/e.w64", "ok"},
                                                       {"b/up", back},
                                                       {"b/top", back},
                                                       {"self", loop},
                                                       {"self.wav", loop},
                                                       {"broken.wav", "a link to nothing"},
                                                       {"pipe.wav", "not a regular file"},
                                                       {"device.wav", "not a regular file"}};
  EXPECT_EQ(problems(folder.path()), expected);
}

TEST(TrackList, APipeOrADeviceIsNoInput) {
  const auto tracks = list_tracks({"/dev/zero", "none.wav"}, {});
  EXPECT_EQ(tracks.at(0).problem, "not a regular file");
  EXPECT_EQ(tracks.at(1).problem, "") << "whoever opens it says that it is not there";
}

class RunFilesTest : public ::testing::Test {
 protected:
  RunFilesTest() {
    folder_.write("song.wav", "x");
    folder_.write("free.wav", "x");
    fs::create_symlink("song.wav", folder_ / "soft.wav");
    fs::create_hard_link(folder_ / "song.wav", folder_ / "hard.wav");
    fs::create_directory_symlink(".", folder_ / "here");
    fs::create_symlink("nowhere.wav", folder_ / "dangling.wav");
    files_.add_input(folder_ / "song.wav");
  }
  std::string claim(const std::vector<std::string>& names) {
    std::vector<fs::path> paths;
    for (const std::string& name : names) paths.push_back(folder_ / name);
    return files_.claim(paths, "me");
  }

  TestFolder folder_;
  RunFiles files_;
};

TEST_F(RunFilesTest, AnInputIsNoOutputByWhateverName) {
  for (const char* name :
       {"song.wav", "./song.wav", "none/../song.wav", "soft.wav", "hard.wav", "here/song.wav"})
    EXPECT_NE(claim({name}), "") << name;
  EXPECT_EQ(claim({"free.wav", "new.wav"}), "");
}

TEST_F(RunFilesTest, NeitherIsAFolderADeviceOrALinkToNothing) {
  fs::create_directory(folder_ / "dir.wav");
  fs::create_symlink("/dev/null", folder_ / "null.wav");
  for (const char* name : {"dir.wav", "null.wav", "dangling.wav", "dir.wav/"})
    EXPECT_NE(claim({name}), "") << name;
}

TEST_F(RunFilesTest, TwoOutputsAreNotOneFile) {
  EXPECT_THAT(claim({"a/b.wav", "a/c/../b.wav"}), HasSubstr("two of its outputs"));
  EXPECT_EQ(claim({"a/b.wav"}), "") << "what was refused is not taken";
  EXPECT_THAT(claim({"here/a/b.wav"}), HasSubstr("that of me"));
}

TEST(OutputFolders, RemoveWhatTheyMade) {
  const TestFolder folder;
  {
    OutputFolders folders;
    folders.make_for(folder / "out/deep/b.wav");
    EXPECT_TRUE(fs::is_directory(folder / "out/deep"));
  }
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(OutputFolders, LeaveWhatWasThereAndWhatIsUsed) {
  const TestFolder folder;
  folder.write("out/old.wav", "old");
  {
    OutputFolders folders;
    folders.make_for(folder / "out/a/b.wav");
    folders.make_for(folder / "out/c/d.wav");
    folder.write("out/c/d.wav", "new");
  }
  EXPECT_FALSE(fs::exists(folder / "out/a"));
  EXPECT_TRUE(fs::exists(folder / "out/c/d.wav"));
  EXPECT_TRUE(fs::exists(folder / "out/old.wav"));
}

TEST(OutputFolders, LeaveWhatAnotherUses) {
  const TestFolder folder;
  auto first = std::make_unique<OutputFolders>();
  first->make_for(folder / "out/a/b.wav");
  OutputFolders second;
  second.make_for(folder / "out/a/c.wav");
  first.reset();
  EXPECT_TRUE(fs::is_directory(folder / "out/a"));
}

TEST(OutputFolders, AreThereWhileOthersComeAndGo) {
  const TestFolder folder;
  std::atomic<int> missing{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int turn = 0; turn < 200; ++turn) {
        OutputFolders folders;
        folders.make_for(folder / "out/a/b.wav");
        if (!fs::is_directory(folder / "out/a")) ++missing;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(missing, 0);
}

TEST(OutputFolders, StayWhenKept) {
  const TestFolder folder;
  {
    OutputFolders folders;
    folders.make_for(folder / "out/a/b.wav");
    folders.keep();
  }
  EXPECT_TRUE(fs::is_directory(folder / "out/a"));
}

TEST(OutputFolders, SayWhyAFolderCannotBeMade) {
  const TestFolder folder;
  const fs::path file = folder.write("file", "x");
  for (const fs::path& bad : {file / "a.wav", file / "a/b.wav", fs::path("/proc/none/a.wav")}) {
    try {
      OutputFolders().make_for(bad);
      FAIL() << "accepted " << bad;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::io);
      EXPECT_THAT(error.what(), HasSubstr(bad.string()));
    }
  }
}

}  // namespace
}  // namespace metalaudio::separation

#include <apps/output_folders.h>
#include <apps/track_list.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/core/error.h>

#include "tests/support/test_folder.h"

namespace metalaudio::apps {
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
  EXPECT_THAT(names(list_tracks({folder.path()}, folder / "separated")),
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
  try {
    list_tracks({folder.path()}, {});
    FAIL() << "accepted a folder without audio";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr(folder.path().string()));
  }
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
}  // namespace metalaudio::apps

#include <apps/pending_files.h>
#include <apps/track_list.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/core/error.h>

#include "temporary_folder.h"

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
  const TemporaryFolder folder;
  for (const char* name : {"b/2.flac", "b/1.MP3", "a.wav", "notes.txt", ".hidden.wav",
                           ".cache/x.wav", "separated/htdemucs/a/vocals.wav"})
    folder.write(name, "x");
  EXPECT_THAT(names(list_tracks({folder.path()}, folder / "separated")),
              ElementsAre("a|wav", "b/1|MP3", "b/2|flac"));
}

TEST(TrackList, NamesAFolderWithoutAudio) {
  const TemporaryFolder folder;
  folder.write("notes.txt", "x");
  try {
    list_tracks({folder.path()}, {});
    FAIL() << "accepted a folder without audio";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr(folder.path().string()));
  }
}

TEST(PendingFiles, AppearTogetherOnCommit) {
  const TemporaryFolder folder;
  const fs::path first = folder / "out/a.wav";
  const fs::path second = folder / "out/deep/b.wav";
  PendingFiles files;
  std::ofstream(files.add(first)) << "a";
  std::ofstream(files.add(second)) << "b";
  EXPECT_FALSE(fs::exists(first));
  files.commit();
  EXPECT_EQ(fs::file_size(first), 1U);
  EXPECT_EQ(fs::file_size(second), 1U);
}

TEST(PendingFiles, LeaveNothingWithoutCommit) {
  const TemporaryFolder folder;
  {
    PendingFiles files;
    files.add(folder / "out/deep/b.wav");
    EXPECT_TRUE(fs::exists(folder / "out/deep"));
  }
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(PendingFiles, KeepWhatWasThere) {
  const TemporaryFolder folder;
  const fs::path old = folder.write("out/old.wav", "old");
  { PendingFiles().add(old); }
  EXPECT_EQ(fs::file_size(old), 3U);
}

TEST(PendingFiles, SayWhyAFileCannotBeWritten) {
  const TemporaryFolder folder;
  const fs::path file = folder.write("file", "x");
  for (const fs::path& bad :
       {file / "a.wav", folder.path(), fs::path("/proc/none/a.wav"), fs::path("/dev/null")}) {
    PendingFiles files;
    try {
      files.add(bad);
      FAIL() << "accepted " << bad;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::io);
      EXPECT_THAT(error.what(), HasSubstr(bad.string()));
    }
  }
}

}  // namespace
}  // namespace metalaudio::apps

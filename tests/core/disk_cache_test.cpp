#include <gtest/gtest.h>
#include <metalaudio/core/pipelines/disk_cache.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/test_folder.h"

namespace metalaudio {
namespace {

TEST(DiskCache, GivesBackWhatItKeptToOthersOfTheSameFolder) {
  const TestFolder folder;
  const DiskCache cache(folder / "a" / "b");
  EXPECT_EQ(cache.load("key"), std::nullopt);
  const std::string bytes("\0binary\xFF", 8);
  cache.store("key", bytes);
  cache.store("other", "");
  EXPECT_EQ(DiskCache(folder / "a" / "b").load("key"), bytes);
  EXPECT_EQ(cache.load("other"), "");
  EXPECT_EQ(cache.load("ke"), std::nullopt);
  cache.store("key", "newer");
  EXPECT_EQ(cache.load("key"), "newer");
}

/// Cut at every length, and with every byte changed: nothing of it is believed.
TEST(DiskCache, ADamagedFileIsNotThere) {
  const TestFolder folder;
  const DiskCache cache(folder.path());
  cache.store("key", "some bytes");
  const std::filesystem::path file = cache.file_of("key");
  const std::string whole = read_text(file);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    write_text(file, whole.substr(0, size));
    EXPECT_EQ(cache.load("key"), std::nullopt) << size;
  }
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 0x41);
    write_text(file, changed);
    EXPECT_EQ(cache.load("key"), std::nullopt) << i;
  }
  write_text(file, whole + "x");
  EXPECT_EQ(cache.load("key"), std::nullopt);
  std::filesystem::remove(file);
  std::filesystem::create_directory(file);
  EXPECT_EQ(cache.load("key"), std::nullopt);
  std::filesystem::remove(file);
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  EXPECT_EQ(cache.load("key"), std::nullopt) << "and is not waited for";
}

TEST(DiskCache, AFileOfAnotherKeyIsNotThere) {
  const TestFolder folder;
  const DiskCache cache(folder.path());
  cache.store("key", "bytes");
  std::filesystem::rename(cache.file_of("key"), cache.file_of("kez"));
  EXPECT_EQ(cache.load("kez"), std::nullopt);
}

TEST(DiskCache, WhatCannotBeWrittenIsQuietlyNotKept) {
  const TestFolder folder;
  write_text(folder / "file", "in the way");
  for (const std::filesystem::path& place :
       {folder / "file", folder / "file/deeper", std::filesystem::path("/proc/nowhere/cache"),
        std::filesystem::path()}) {
    const DiskCache cache(place);
    cache.store("key", "bytes");
    EXPECT_EQ(cache.load("key"), std::nullopt) << place;
  }
  // A folder where the file would be: no part of it is left behind.
  const DiskCache cache(folder / "cache");
  std::filesystem::create_directories(cache.file_of("key") / "full");
  cache.store("key", "bytes");
  EXPECT_EQ(cache.load("key"), std::nullopt);
  std::size_t entries = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder / "cache")) {
    ++entries;
  }
  EXPECT_EQ(entries, 1U);
}

TEST(DiskCache, FilesAreWholeWhileManyWrite) {
  const TestFolder folder;
  const DiskCache cache(folder.path());
  const std::string bytes(10'000, 'x');
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        cache.store("key", bytes);
        EXPECT_EQ(cache.load("key"), bytes);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(DiskCache, LiesInTheUsersCache) {
  const std::string home = std::getenv("HOME") == nullptr ? "" : std::getenv("HOME");
  ::setenv("HOME", "/users/somebody", 1);
  ::setenv("XDG_CACHE_HOME", "/somewhere", 1);
  EXPECT_EQ(DiskCache::default_folder(), "/somewhere/metalaudio/pipelines");
  ::setenv("XDG_CACHE_HOME", "relative", 1);
  EXPECT_EQ(DiskCache::default_folder(), "/users/somebody/.cache/metalaudio/pipelines");
  ::unsetenv("XDG_CACHE_HOME");
  EXPECT_EQ(DiskCache::default_folder(), "/users/somebody/.cache/metalaudio/pipelines");
  ::unsetenv("HOME");
  EXPECT_EQ(DiskCache::default_folder(), "");
  if (!home.empty()) ::setenv("HOME", home.c_str(), 1);
}

}  // namespace
}  // namespace metalaudio

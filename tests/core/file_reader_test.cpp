#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/file_bytes.h>
#include <metalaudio/core/file_reader.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/test_folder.h"

namespace metalaudio {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBytes = std::size_t{8} << 20U;

void write(const fs::path& file, std::size_t bytes, char value) {
  std::ofstream(file, std::ios::binary) << std::string(bytes, value);
}

template <typename Function>
ErrorCode code_of(Function function) {
  try {
    function();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorCode::cancelled;
}

TEST(FileReader, ReadsPartsAndRefusesWhatLiesBeyondTheEnd) {
  const TestFolder folder;
  std::ofstream(folder / "a") << "0123456789";
  const FileReader file(folder / "a");
  std::vector<std::byte> part(4);
  file.read(3, part);
  EXPECT_EQ(part.front(), std::byte{'3'});
  EXPECT_EQ(part.back(), std::byte{'6'});
  file.read(10, {});
  EXPECT_EQ(code_of([&] { file.read(7, part); }), ErrorCode::invalid_data);
  EXPECT_EQ(code_of([&] { file.read(~std::uint64_t{0}, part); }), ErrorCode::invalid_data);
  EXPECT_EQ(code_of([&] { FileBytes(file, 0, ~std::uint64_t{0}); }), ErrorCode::invalid_data);
}

TEST(FileReader, RefusesWhatIsNoRegularFileWithBytes) {
  const TestFolder folder;
  write(folder / "empty", 0, ' ');
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(code_of([&] { FileReader(folder / "none"); }), ErrorCode::not_found);
  EXPECT_EQ(code_of([&] { FileReader(folder / "empty"); }), ErrorCode::invalid_data);
  EXPECT_EQ(code_of([&] { FileReader(folder / "pipe"); }), ErrorCode::io);
  EXPECT_EQ(code_of([&] { FileReader(folder / ""); }), ErrorCode::io);
}

TEST(FileReader, SaysSoWhereTheFileIsCutShortOrWrittenTo) {
  const TestFolder folder;
  std::vector<std::byte> part(16);
  write(folder / "cut", kBytes, 'a');
  const FileReader cut(folder / "cut");
  fs::resize_file(folder / "cut", kBytes / 2);
  EXPECT_EQ(code_of([&] { cut.read(kBytes - 16, part); }), ErrorCode::io);
  EXPECT_EQ(code_of([&] { cut.read(0, part); }), ErrorCode::io);
  write(folder / "written", kBytes, 'a');
  const FileReader written(folder / "written");
  fs::last_write_time(folder / "written", fs::file_time_type::clock::now() + std::chrono::hours(1));
  EXPECT_EQ(code_of([&] { written.read(0, part); }), ErrorCode::io);
}

TEST(FileReader, KeepsAFileThatIsReplacedUnderItsName) {
  const TestFolder folder;
  write(folder / "a", kBytes, 'a');
  write(folder / "b", 1, 'b');
  const FileReader file(folder / "a");
  fs::rename(folder / "b", folder / "a");
  const FileBytes bytes(file);
  EXPECT_EQ(std::ranges::count(bytes.bytes(), std::byte{'a'}), kBytes);
}

/// A mapping of it would end this process by a signal.
TEST(FileBytes, EndInAnErrorOrAreWholeWhileTheFileIsCutShortAgainAndAgain) {
  const TestFolder folder;
  const fs::path file = folder / "a";
  write(file, kBytes, 'a');
  std::atomic<bool> stop = false;
  std::thread cutter([&] {
    while (!stop) {
      fs::resize_file(file, 1);
      fs::resize_file(file, kBytes);
    }
  });
  for (int i = 0; i < 100; ++i) {
    try {
      const FileBytes bytes(file);
      EXPECT_GE(std::ranges::count(bytes.bytes(), std::byte{'a'}), 1);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::io) << error.what();
    }
  }
  stop = true;
  cutter.join();
}

}  // namespace
}  // namespace metalaudio

#pragma once

#include <gtest/gtest.h>
#include <metalaudio/core/error.h>

#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

namespace metalaudio {

/// A folder of its own for the running test, removed with all it holds.
class TestFolder {
 public:
  TestFolder() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    path_ = std::filesystem::path(testing::TempDir()) /
            (std::string(test->test_suite_name()) + "." + test->name() + "." +
             std::to_string(::getpid()));
    std::filesystem::create_directories(path_);
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_text(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary)
      .write(text.data(), static_cast<std::streamsize>(text.size()));
}

inline std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// Expects that call() throws an Error of this code, of one line, that contains the text.
template <typename Call>
void expect_error(ErrorCode code, std::string_view text, Call&& call) {
  try {
    call();
    ADD_FAILURE() << "no error; expected one that says: " << text;
  } catch (const Error& error) {
    const std::string_view what = error.what();
    EXPECT_EQ(to_string(error.code()), to_string(code)) << what;
    EXPECT_NE(what.find(text), std::string_view::npos) << what;
    EXPECT_EQ(what.find('\n'), std::string_view::npos) << what;
  }
}

}  // namespace metalaudio

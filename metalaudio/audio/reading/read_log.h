#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace metalaudio::audio {

/// What is odd about a file that is being read, each thing once.
/// Errors:   ends_early throws Error{invalid_data} unless such files are allowed.
/// Threads:  one instance per thread.
class ReadLog {
 public:
  ReadLog(std::filesystem::path path, bool allow_truncated)
      : path_(std::move(path)), allow_truncated_(allow_truncated) {}

  std::string file() const { return path_.string(); }
  const std::filesystem::path& path() const noexcept { return path_; }
  /// Without the file's name.
  const std::vector<std::string>& warnings() const noexcept { return warnings_; }

  void warn(const std::string& text);
  /// The file stops before the end that it promises.
  void ends_early(const std::string& text);

 private:
  std::filesystem::path path_;
  bool allow_truncated_;
  bool ended_early_ = false;
  std::vector<std::string> warnings_;
};

}  // namespace metalaudio::audio

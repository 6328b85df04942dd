#pragma once

#include <filesystem>
#include <vector>

namespace metalaudio::apps {

/// Files that appear all together or not at all: each is written under a temporary name beside its
/// place and renamed by commit(). What is not committed is removed by the destructor, with the
/// folders that were made for it.
/// Threads:  one instance per thread; several instances may share folders.
class PendingFiles {
 public:
  PendingFiles() = default;
  ~PendingFiles();
  PendingFiles(const PendingFiles&) = delete;
  PendingFiles& operator=(const PendingFiles&) = delete;

  /// Makes the folder and an empty temporary file in it, and returns that file's path.
  /// Errors:   throws Error{io} naming `final_path` and the reason.
  std::filesystem::path add(const std::filesystem::path& final_path);

  /// Errors:   throws Error{io} naming the file that could not be put in its place.
  void commit();

 private:
  struct File {
    std::filesystem::path temporary;
    std::filesystem::path final_path;
  };
  void make_folders(const std::filesystem::path& folder);

  std::vector<File> files_;
  std::vector<std::filesystem::path> folders_;  // that were not there before, outermost first
};

}  // namespace metalaudio::apps

#pragma once

#include <filesystem>
#include <map>
#include <vector>

namespace metalaudio::separation {

/// The folders that a track's outputs need. Those that were not there before are removed again by
/// the destructor, unless keep() was called, something lies in them, or another instance, of any
/// process, uses them: each holds a shared lock on its folders.
/// Threads:  one instance per thread; several instances may share folders.
class OutputFolders {
 public:
  OutputFolders() = default;
  ~OutputFolders();
  OutputFolders(const OutputFolders&) = delete;
  OutputFolders& operator=(const OutputFolders&) = delete;

  /// Makes the folder that `file` lies in.
  /// Errors:   throws Error{io} naming the file and the reason.
  void make_for(const std::filesystem::path& file);
  void keep() noexcept { made_.clear(); }

 private:
  void make(const std::filesystem::path& folder);
  bool use(const std::filesystem::path& folder);

  std::vector<std::filesystem::path> made_;    // outermost first
  std::map<std::filesystem::path, int> used_;  // open and locked
};

}  // namespace metalaudio::separation

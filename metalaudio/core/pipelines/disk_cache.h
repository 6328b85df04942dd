#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace metalaudio {

/// Bytes by key, one file each, for the next process. It never fails: what is missing, damaged or
/// of another key is not there, and what cannot be written is not kept.
/// Threads:  any, and several processes: files appear whole.
class DiskCache {
 public:
  /// An empty folder: nothing is kept.
  explicit DiskCache(std::filesystem::path folder = {}) : folder_(std::move(folder)) {}
  /// metalaudio/pipelines in $XDG_CACHE_HOME, or in ~/.cache; empty where there is neither.
  static std::filesystem::path default_folder();

  std::optional<std::string> load(std::string_view key) const;
  void store(std::string_view key, std::string_view bytes) const;
  /// Where the bytes of a key lie.
  std::filesystem::path file_of(std::string_view key) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace metalaudio

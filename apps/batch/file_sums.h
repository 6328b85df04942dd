#pragma once

#include <filesystem>
#include <future>
#include <map>
#include <string>
#include <vector>

namespace metalaudio::apps {

/// The checksums of files, some of which are taken while other things are done.
/// Threads:  any.
class FileSums {
 public:
  /// Begins with these, each on a thread of its own.
  explicit FileSums(const std::vector<std::filesystem::path>& files);

  /// Errors:   throws what repository::sha256_of_file throws.
  std::string of(const std::filesystem::path& file) const;

 private:
  std::map<std::filesystem::path, std::shared_future<std::string>> begun_;
};

}  // namespace metalaudio::apps

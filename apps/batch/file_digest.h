#pragma once

#include <filesystem>
#include <string>
#include <utility>

namespace metalaudio::apps {

/// Tells two states of a file apart; equal where both are missing.
using FileStamp = std::pair<std::uint64_t, std::int64_t>;
FileStamp stamp_of(const std::filesystem::path& file);

/// The SHA-256 of a file as it was when this was made, taken when somebody asks.
/// Threads:  a constant.
class FileDigest {
 public:
  explicit FileDigest(std::filesystem::path file);

  /// Errors:   throws Error{not_found, io} where the file cannot be read, or is another by now, or
  ///           none.
  std::string sha256() const;

 private:
  void check() const;

  std::filesystem::path file_;
  FileStamp stamp_;
};

}  // namespace metalaudio::apps

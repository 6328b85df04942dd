#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace metalaudio {

/// A regular file mapped read-only into memory, so that weights are converted without a copy.
/// Errors:   the constructor throws Error{not_found, io, invalid_data (an empty file)}.
/// Threads:  a constant once made.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const noexcept { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace metalaudio

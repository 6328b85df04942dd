#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace metalaudio {

/// A regular file, open for reading. It is not mapped: whoever cuts a mapped file short ends every
/// process that reads it, and whoever writes to it changes what they have read.
/// Errors:   the constructor throws Error{not_found, io, invalid_data (an empty file)}. read throws
///           Error{invalid_data} for bytes beyond the end, and Error{io}, also where the file has
///           been written to or cut short since it was opened; one that was replaced under its name
///           stays what it was.
/// Threads:  a constant once made.
class FileReader {
 public:
  explicit FileReader(const std::filesystem::path& path);
  ~FileReader();
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;

  std::uint64_t size() const noexcept { return size_; }
  void read(std::uint64_t first, std::span<std::byte> to) const;
  /// For a library that reads by itself.
  int descriptor() const noexcept { return file_; }

 private:
  int file_ = -1;
  std::uint64_t size_ = 0;
  std::int64_t written_seconds_ = 0;
  std::int64_t written_nanoseconds_ = 0;
};

}  // namespace metalaudio

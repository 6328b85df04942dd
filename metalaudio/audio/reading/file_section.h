#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace metalaudio::audio {

/// A part of a file that a decoder is to take for a file of its own.
struct FileSection {
  std::string head;  ///< bytes before it that the file does not have
  std::int64_t first = 0;
  std::int64_t bytes = 0;
};

/// Reads bytes of a file at any place.
/// Errors:   the constructor throws Error{io}, naming the file.
/// Threads:  one instance per thread.
class FileBytes {
 public:
  explicit FileBytes(const std::filesystem::path& path);
  ~FileBytes();
  FileBytes(const FileBytes&) = delete;
  FileBytes& operator=(const FileBytes&) = delete;

  std::int64_t size() const noexcept { return size_; }
  /// Returns the bytes read: fewer than asked for only at the end, or where the disk fails.
  std::size_t read(std::int64_t place, std::span<std::byte> bytes);
  /// As many of them as there are.
  std::string text(std::int64_t place, std::size_t bytes);
  /// 0, or the errno of the read that failed.
  int error() const noexcept { return error_; }

 private:
  int file_ = -1;
  std::int64_t size_ = 0;
  int error_ = 0;
};

/// A section as the callbacks of decoding libraries want it.
/// Errors:   as FileBytes.
/// Threads:  one instance per thread.
class SectionReader {
 public:
  SectionReader(const std::filesystem::path& path, FileSection section)
      : file_(path), section_(std::move(section)) {}

  std::int64_t size() const noexcept { return head_bytes() + section_.bytes; }
  std::int64_t position() const noexcept { return position_; }
  void seek(std::int64_t position) noexcept { position_ = position; }
  std::size_t read(std::span<std::byte> bytes);
  int error() const noexcept { return file_.error(); }

 private:
  std::int64_t head_bytes() const noexcept {
    return static_cast<std::int64_t>(section_.head.size());
  }

  FileBytes file_;
  FileSection section_;
  std::int64_t position_ = 0;
};

}  // namespace metalaudio::audio

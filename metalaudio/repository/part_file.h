#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace metalaudio::repository {

/// The beginning of a file that is still arriving, held by one process at a time.
/// Errors:   every function but size() throws Error{io}, naming the file.
class PartFile {
 public:
  /// Opens it, or makes an empty one.
  explicit PartFile(const std::filesystem::path& path);
  ~PartFile();
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }
  std::uint64_t size() const noexcept { return size_; }
  void append(std::span<const char> bytes);
  void clear();

 private:
  [[noreturn]] void fail_with(const char* what) const;

  std::filesystem::path path_;
  int file_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace metalaudio::repository

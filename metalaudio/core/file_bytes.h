#pragma once

#include <metalaudio/core/file_reader.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

namespace metalaudio {

/// The bytes of a regular file, in memory of their own.
/// Errors:   the constructors throw Error{out_of_memory}, and what FileReader throws.
/// Threads:  a constant once made.
class FileBytes {
 public:
  explicit FileBytes(const std::filesystem::path& path);
  explicit FileBytes(const FileReader& file) : FileBytes(file, 0, file.size()) {}
  FileBytes(const FileReader& file, std::uint64_t first, std::uint64_t bytes);

  std::span<const std::byte> bytes() const noexcept { return {data_.get(), size_}; }

 private:
  struct Free {
    void operator()(std::byte* data) const noexcept;
  };

  std::unique_ptr<std::byte, Free> data_;
  std::size_t size_ = 0;
};

}  // namespace metalaudio

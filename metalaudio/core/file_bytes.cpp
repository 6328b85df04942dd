#include <metalaudio/core/cpu/aligned_memory.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/file_bytes.h>

namespace metalaudio {

FileBytes::FileBytes(const std::filesystem::path& path) : FileBytes(FileReader(path)) {}

FileBytes::FileBytes(const FileReader& file, std::uint64_t first, std::uint64_t bytes) {
  if (first > file.size() || bytes > file.size() - first) {
    fail(ErrorCode::invalid_data, "bytes {} to {} + {} of a file that has {}", first, first, bytes,
         file.size());
  }
  data_.reset(static_cast<std::byte*>(allocate_aligned(static_cast<std::size_t>(bytes))));
  size_ = static_cast<std::size_t>(bytes);
  file.read(first, {data_.get(), size_});
}

void FileBytes::Free::operator()(std::byte* data) const noexcept { free_aligned(data); }

}  // namespace metalaudio

#include <fcntl.h>
#include <metalaudio/core/error.h>
#include <metalaudio/repository/part_file.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace metalaudio::repository {

PartFile::PartFile(const std::filesystem::path& path)
    : path_(path), file_(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {
  if (file_ < 0) fail_with(std::strerror(errno));
  struct stat status {};
  const bool locked = ::flock(file_, LOCK_EX | LOCK_NB) == 0;
  if (!locked || ::fstat(file_, &status) != 0) {
    ::close(file_);
    fail_with(locked ? std::strerror(errno) : "another process is downloading it");
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
}

PartFile::~PartFile() { ::close(file_); }

void PartFile::append(std::span<const char> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_with(std::strerror(errno));
    size_ += static_cast<std::uint64_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void PartFile::clear() {
  if (::ftruncate(file_, 0) != 0) fail_with(std::strerror(errno));
  size_ = 0;
}

void PartFile::fail_with(const char* what) const {
  fail(ErrorCode::io, "[download_file] {}: {}", path_.string(), what);
}

}  // namespace metalaudio::repository

#include "apps/batch/manifest.h"

#include <fcntl.h>
#include <metalaudio/core/error.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace metalaudio::apps {
namespace {

[[noreturn]] void fail_io(const std::filesystem::path& path, int error) {
  fail(ErrorCode::io, "--manifest {}: {}", path.string(), std::strerror(error));
}

/// Held while a line is appended, over all processes.
class FileLock {
 public:
  explicit FileLock(int file) : file_(file) {
    while (::flock(file_, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  ~FileLock() { ::flock(file_, LOCK_UN); }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int file_;
};

/// The size of a regular file; -1 of anything else, which cannot be cut.
off_t size_of(int file) {
  struct stat status {};
  return ::fstat(file, &status) == 0 && S_ISREG(status.st_mode) ? status.st_size : -1;
}

/// As where another program, or a machine that lost its power, wrote the last line.
bool ends_within_a_line(int file, off_t size) {
  char last = '\n';
  return size > 0 && ::pread(file, &last, 1, size - 1) == 1 && last != '\n';
}

}  // namespace

Manifest::Manifest(std::filesystem::path path)
    : path_(std::move(path)),
      file_(::open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666)) {
  if (file_ < 0) fail_io(path_, errno);
}

Manifest::~Manifest() { ::close(file_); }

void Manifest::append(std::string_view line) {
  const std::lock_guard lock(mutex_);
  const FileLock across(file_);
  const off_t size = size_of(file_);
  const std::string whole =
      (ends_within_a_line(file_, size) ? "\n" : "") + std::string(line) + "\n";
  std::string_view rest = whole;
  while (!rest.empty()) {
    const ssize_t written = ::write(file_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      const int error = written < 0 ? errno : ENOSPC;
      if (size >= 0 && ::ftruncate(file_, size) != 0) fail_io(path_, errno);
      fail_io(path_, error);
    }
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace metalaudio::apps

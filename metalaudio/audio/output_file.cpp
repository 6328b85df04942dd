#include <fcntl.h>
#include <metalaudio/audio/output_file.h>
#include <metalaudio/audio/unnamed_file.h>
#include <metalaudio/core/error.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace metalaudio::audio {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_io(const fs::path& target, int error) {
  fail(ErrorCode::io, "[OutputFile] {}: {}", target.string(), std::strerror(error));
}

constexpr std::string_view kPartBegin = ".metalaudio-";
constexpr std::string_view kPartEnd = ".part";

/// A link stays, and what it leads to is replaced.
fs::path resolve(const fs::path& target) {
  if (target == kStandardOutput) return target;
  std::error_code error;
  const fs::file_status status = fs::status(target, error);
  if (status.type() == fs::file_type::directory) fail_io(target, EISDIR);
  if (fs::exists(status) && status.type() != fs::file_type::regular)
    fail(ErrorCode::io, "[OutputFile] {}: not a regular file", target.string());
  if (!fs::exists(status)) return target;
  const fs::path resolved = fs::canonical(target, error);
  return error ? target : resolved;
}

/// A short name of its own, since the target's may already be as long as names can be.
fs::path temporary_beside(const fs::path& target) {
  static std::atomic<unsigned> count{0};
  return target.parent_path() / fmt::format("{}{}-{}{}", kPartBegin, ::getpid(), count++, kPartEnd);
}

/// The lock that says that its writer lives; file systems without locks go without.
bool lock(int file) { return ::flock(file, LOCK_EX | LOCK_NB) == 0; }

bool is_linked(int file) {
  struct stat status {};
  return ::fstat(file, &status) == 0 && status.st_nlink > 0;
}

}  // namespace

OutputFile::OutputFile(fs::path target) : target_(resolve(target)) {
  if (target_ == kStandardOutput) {
    const UnnamedFile file = open_unnamed_file(temporary_folders());
    if (file.file < 0) fail_io(file.folder, errno);
    file_ = file.file;
    return;
  }
  while (file_ < 0) {
    temporary_ = temporary_beside(target_);
    file_ = ::open(temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    // In use: a process of the same number on another machine, or one that died.
    if (file_ < 0 && errno == EEXIST) continue;
    if (file_ < 0) fail_io(target_, errno);
    lock(file_);
    // Between the two calls somebody may have taken it for abandoned.
    if (!is_linked(file_)) ::close(std::exchange(file_, -1));
  }
}

OutputFile::~OutputFile() {
  if (file_ < 0) return;
  ::close(file_);
  if (!is_standard_output()) ::unlink(temporary_.c_str());
}

void OutputFile::write(std::span<const std::byte> bytes) {
  try_write(bytes);
  check();
}

bool OutputFile::try_write(std::span<const std::byte> bytes) noexcept {
  while (!bytes.empty() && failure_ == 0) {
    const ssize_t written = ::pwrite(file_, bytes.data(), bytes.size(), position_);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      failure_ = written < 0 ? errno : ENOSPC;
      break;
    }
    position_ += written;
    size_ = std::max(size_, position_);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return failure_ == 0;
}

void OutputFile::check() const {
  if (failure_ != 0) fail_io(target_, failure_);
}

void OutputFile::truncate(std::int64_t size) noexcept {
  if (failure_ != 0) return;
  if (::ftruncate(file_, size) != 0) failure_ = errno;
  size_ = size;
}

std::size_t OutputFile::read(std::span<std::byte> bytes) noexcept {
  const ssize_t got = ::pread(file_, bytes.data(), bytes.size(), position_);
  if (got <= 0) return 0;
  position_ += got;
  return static_cast<std::size_t>(got);
}

void OutputFile::commit() {
  check();
  if (is_standard_output()) return copy_to_standard_output();
  // Some file systems tell of a full disk only here.
  const int closed = ::close(std::exchange(file_, -1));
  const bool renamed = closed == 0 && ::rename(temporary_.c_str(), target_.c_str()) == 0;
  if (renamed) return;
  const int error = errno;
  ::unlink(temporary_.c_str());
  fail_io(target_, error);
}

void OutputFile::copy_to_standard_output() {
  std::vector<std::byte> buffer(std::size_t{1} << 18U);
  seek(0);
  while (position_ < size_) {
    std::span<const std::byte> bytes(buffer.data(), read(buffer));
    if (bytes.empty()) fail_io(target_, EIO);
    while (!bytes.empty()) {
      const ssize_t written = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0 && errno == EPIPE)
        fail(ErrorCode::cancelled, "[OutputFile] {}: nobody reads it any more", target_.string());
      if (written < 0) fail_io(target_, errno);
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
  }
  ::close(std::exchange(file_, -1));
}

void remove_abandoned_parts(const fs::path& folder) {
  std::error_code ignored;
  for (auto it = fs::directory_iterator(folder, ignored);
       !ignored && it != fs::directory_iterator(); it.increment(ignored)) {
    const std::string name = it->path().filename().string();
    if (!name.starts_with(kPartBegin) || !name.ends_with(kPartEnd)) continue;
    const int file = ::open(it->path().c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0) continue;
    if (lock(file)) ::unlink(it->path().c_str());
    ::close(file);
  }
}

}  // namespace metalaudio::audio

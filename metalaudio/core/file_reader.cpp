#include <metalaudio/core/error.h>
#include <metalaudio/core/file_reader.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace metalaudio {

namespace {

/// Returns how many bytes there were.
std::size_t read_some(int file, std::uint64_t first, std::span<std::byte> to) {
  std::size_t done = 0;
  while (done < to.size()) {
    const ssize_t got =
        ::pread(file, to.data() + done, to.size() - done, static_cast<off_t>(first + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(ErrorCode::io, "{}", std::strerror(errno));
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

}  // namespace

FileReader::FileReader(const std::filesystem::path& path)
    // O_NONBLOCK: opening a named pipe must fail the test below, not wait for a writer.
    : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  int reason = errno;
  if (file_ < 0) {
    fail(reason == ENOENT || reason == ENOTDIR ? ErrorCode::not_found : ErrorCode::io, "{}",
         std::strerror(reason));
  }
  struct stat status {};
  const bool regular = ::fstat(file_, &status) == 0 && S_ISREG(status.st_mode);
  if (!regular || status.st_size == 0) ::close(file_);
  if (!regular) fail(ErrorCode::io, "it is not a regular file");
  if (status.st_size == 0) fail(ErrorCode::invalid_data, "the file is empty");
  size_ = static_cast<std::uint64_t>(status.st_size);
  written_seconds_ = status.st_mtim.tv_sec;
  written_nanoseconds_ = status.st_mtim.tv_nsec;
}

FileReader::~FileReader() { ::close(file_); }

void FileReader::read(std::uint64_t first, std::span<std::byte> to) const {
  if (first > size_ || to.size() > size_ - first) {
    fail(ErrorCode::invalid_data, "bytes {} to {} + {} of a file that has {}", first, first,
         to.size(), size_);
  }
  const std::size_t got = read_some(file_, first, to);
  struct stat status {};
  if (::fstat(file_, &status) != 0) fail(ErrorCode::io, "{}", std::strerror(errno));
  const bool as_opened = static_cast<std::uint64_t>(status.st_size) == size_ &&
                         status.st_mtim.tv_sec == written_seconds_ &&
                         status.st_mtim.tv_nsec == written_nanoseconds_;
  if (got == to.size() && as_opened) return;
  const auto now = static_cast<std::uint64_t>(status.st_size);
  if (now == size_) fail(ErrorCode::io, "the file was written to while it was read");
  fail(ErrorCode::io, "the file was changed while it was read: {} bytes at first, {} now", size_,
       now);
}

}  // namespace metalaudio

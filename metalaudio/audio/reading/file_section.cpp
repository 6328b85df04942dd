#include <fcntl.h>
#include <metalaudio/audio/reading/file_section.h>
#include <metalaudio/core/error.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace metalaudio::audio {

FileBytes::FileBytes(const std::filesystem::path& path)
    // O_NONBLOCK: a named pipe that has taken a file's place is refused, not waited for.
    : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  struct stat status {};
  const bool is_open = file_ >= 0 && ::fstat(file_, &status) == 0;
  if (!is_open || !S_ISREG(status.st_mode)) {
    const int error = errno;
    if (file_ >= 0) ::close(file_);
    fail(ErrorCode::io, "[AudioReader] {}: {}", path.string(),
         is_open ? "not a regular file" : std::strerror(error));
  }
  size_ = status.st_size;
}

FileBytes::~FileBytes() { ::close(file_); }

std::size_t FileBytes::read(std::int64_t place, std::span<std::byte> bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::pread(file_, bytes.data() + done, bytes.size() - done,
                                place + static_cast<std::int64_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) error_ = errno;
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

std::string FileBytes::text(std::int64_t place, std::size_t bytes) {
  std::string text(bytes, '\0');
  text.resize(read(place, std::as_writable_bytes(std::span(text))));
  return text;
}

std::size_t SectionReader::read(std::span<std::byte> bytes) {
  std::size_t done = 0;
  if (position_ < head_bytes()) {
    const auto place = static_cast<std::size_t>(position_);
    done = std::min(bytes.size(), section_.head.size() - place);
    std::memcpy(bytes.data(), section_.head.data() + place, done);
    position_ += static_cast<std::int64_t>(done);
  }
  const std::int64_t left = std::max<std::int64_t>(size() - position_, 0);
  const auto wanted =
      static_cast<std::size_t>(std::min<std::int64_t>(left, std::ssize(bytes.subspan(done))));
  const std::size_t got =
      file_.read(section_.first + position_ - head_bytes(), bytes.subspan(done, wanted));
  position_ += static_cast<std::int64_t>(got);
  return done + got;
}

}  // namespace metalaudio::audio

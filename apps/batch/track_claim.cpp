#include "apps/batch/track_claim.h"

#include <fcntl.h>
#include <metalaudio/core/error.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>

namespace metalaudio::apps {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void fail_io(const fs::path& path, int error) {
  fail(ErrorCode::io, "{}: {}", path.string(), std::strerror(error));
}

/// Whether the name still leads to this file: its last owner may have removed it.
bool is_at(int file, const fs::path& path) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(file, &opened) == 0 && ::stat(path.c_str(), &named) == 0 &&
         opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

}  // namespace

std::optional<TrackClaim> TrackClaim::take(const fs::path& path) {
  TrackClaim claim;
  claim.path_ = path;
  for (;;) {
    // A process that found nothing to do may have removed the folder again.
    std::error_code ignored;
    fs::create_directories(path.parent_path(), ignored);
    claim.file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
    if (claim.file_ < 0 && errno == ENOENT && fs::is_directory(path.parent_path(), ignored))
      continue;
    if (claim.file_ < 0) fail_io(path, errno);
    if (::flock(claim.file_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      ::close(std::exchange(claim.file_, -1));
      return std::nullopt;
    }
    if (is_at(claim.file_, path)) break;
    ::close(std::exchange(claim.file_, -1));
  }
  claim.read();
  return claim;
}

TrackClaim::TrackClaim(TrackClaim&& other) noexcept
    : path_(std::move(other.path_)),
      file_(std::exchange(other.file_, -1)),
      taken_over_(other.taken_over_),
      begun_(std::move(other.begun_)) {}

TrackClaim::~TrackClaim() {
  if (file_ < 0) return;
  const fs::path folder = path_.parent_path().parent_path();
  const bool unfinished = std::ranges::any_of(begun_, [&](const std::string& output) {
    std::error_code ignored;
    return fs::exists(folder / output, ignored);
  });
  if (!unfinished) ::unlink(path_.c_str());
  ::close(file_);
}

/// A mark, and each path with a zero behind it.
void TrackClaim::read() {
  std::string content;
  std::string block(4096, '\0');
  for (ssize_t got = 0; (got = ::read(file_, block.data(), block.size())) > 0;)
    content.append(block, 0, static_cast<std::size_t>(got));
  taken_over_ = !content.empty();
  std::string_view rest = content;
  for (std::size_t end = rest.find('\0'); end != std::string_view::npos; end = rest.find('\0')) {
    if (end > 0) begun_.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
}

void TrackClaim::begin(std::vector<std::string> outputs) {
  begun_ = std::move(outputs);
  std::string content(1, '\0');
  for (const std::string& output : begun_) content += output + '\0';
  if (::ftruncate(file_, 0) != 0) fail_io(path_, errno);
  const ssize_t written = ::pwrite(file_, content.data(), content.size(), 0);
  if (written != static_cast<ssize_t>(content.size())) fail_io(path_, written < 0 ? errno : ENOSPC);
}

}  // namespace metalaudio::apps

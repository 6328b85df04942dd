#include "apps/terminal/standard_streams.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <metalaudio/audio/unnamed_file.h>
#include <metalaudio/core/error.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "apps/terminal/interrupt.h"

namespace metalaudio::apps {
namespace {

constexpr std::size_t kBufferBytes = 1 << 18;

[[noreturn]] void fail_io(const std::string& what) {
  fail(ErrorCode::io, "{}: {}", what, std::strerror(errno));
}

std::filesystem::path path_of(int file) { return fmt::format("/proc/self/fd/{}", file); }

bool is_whole_file() {
  struct stat status {};
  return ::fstat(STDIN_FILENO, &status) == 0 && S_ISREG(status.st_mode) &&
         ::lseek(STDIN_FILENO, 0, SEEK_CUR) == 0;
}

void write_all(int file, const char* bytes, std::size_t count, const std::string& folder) {
  while (count > 0) {
    const ssize_t written = ::write(file, bytes, count);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_io("standard input, copied to " + folder);
    bytes += written;
    count -= static_cast<std::size_t>(written);
  }
}

}  // namespace

void hold_standard_streams() noexcept {
  // An open takes the lowest number that is free. Messages have nowhere to go: those may be lost.
  constexpr int kWrongWay[] = {O_WRONLY, O_RDONLY, O_RDWR};
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; ++stream)
    if (::fcntl(stream, F_GETFD) < 0) static_cast<void>(::open("/dev/null", kWrongWay[stream]));
}

ssize_t read_or_stop(int file, char* bytes, std::size_t count) {
  for (;;) {
    // A read would go on waiting after a signal.
    pollfd input{file, POLLIN, 0};
    do throw_if_interrupted();
    while (::poll(&input, 1, 200) <= 0);
    const ssize_t got = ::read(file, bytes, count);
    if (got >= 0 || (errno != EINTR && errno != EAGAIN)) return got;
  }
}

StandardInput::StandardInput() {
  if (::isatty(STDIN_FILENO) != 0)
    fail(ErrorCode::invalid_argument,
         "- is standard input, which is a terminal: no sound will come from it");
  if (is_whole_file()) {
    path_ = path_of(STDIN_FILENO);
    return;
  }
  const audio::UnnamedFile file = audio::open_unnamed_file(audio::temporary_folders());
  const std::string& folder = file.folder;
  if (file.file < 0) fail_io(folder);
  file_ = file.file;
  path_ = path_of(file_);
  std::vector<char> buffer(kBufferBytes);
  std::size_t bytes = 0;
  for (;;) {
    const ssize_t got = read_or_stop(STDIN_FILENO, buffer.data(), buffer.size());
    if (got < 0) fail_io("standard input");
    if (got == 0) break;
    write_all(file_, buffer.data(), static_cast<std::size_t>(got), folder);
    bytes += static_cast<std::size_t>(got);
  }
  if (bytes == 0) fail(ErrorCode::invalid_data, "standard input: nothing came");
}

bool is_terminal_output() noexcept { return ::isatty(STDOUT_FILENO) != 0; }

StandardInput::~StandardInput() {
  if (file_ >= 0) ::close(file_);
}

}  // namespace metalaudio::apps

#include "apps/terminal/console.h"

#include <metalaudio/core/error.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "apps/terminal/display_text.h"

namespace metalaudio::apps {
namespace {

constexpr auto kRedrawPeriod = std::chrono::milliseconds(100);

}  // namespace

Console::Console(Verbosity verbosity)
    : verbosity_(verbosity), terminal_(::isatty(STDERR_FILENO) == 1) {}

Console::~Console() { clear_status(); }

std::size_t Console::columns() const {
  winsize size{};
  constexpr std::size_t kUsual = 80;
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsual;
  return size.ws_col;
}

void Console::line(std::string_view text) {
  const std::lock_guard lock(mutex_);
  erase_status();
  // fwrite, since fmt::print throws where the terminal is gone.
  const std::string shown = display_text(text) + "\n";
  std::fwrite(shown.data(), 1, shown.size(), stderr);
}

void Console::note(std::string_view text) {
  if (verbosity_ != Verbosity::quiet) line(text);
}

void Console::detail(std::string_view text) {
  if (verbosity_ == Verbosity::verbose) line(text);
}

void Console::status(std::string_view text) {
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (!terminal_ || verbosity_ == Verbosity::quiet) return;
  if (drawn_ && now - last_drawn_ < kRedrawPeriod) return;
  const std::string shown = "\r" + display_text(text) + "\x1b[K";
  std::fwrite(shown.data(), 1, shown.size(), stderr);
  std::fflush(stderr);
  drawn_ = true;
  last_drawn_ = now;
}

void Console::clear_status() {
  const std::lock_guard lock(mutex_);
  erase_status();
  std::fflush(stderr);
}

void Console::erase_status() {
  if (drawn_) std::fputs("\r\x1b[K", stderr);
  drawn_ = false;
}

void print_result(std::string_view text) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  std::string whole(text);
  whole += '\n';
  if (std::fwrite(whole.data(), 1, whole.size(), stdout) != whole.size() ||
      std::fflush(stdout) != 0)
    fail(ErrorCode::io, "standard output: {}", std::strerror(errno));
}

}  // namespace metalaudio::apps

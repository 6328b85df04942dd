#include "apps/batch/question.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "apps/terminal/display_text.h"
#include "apps/terminal/interrupt.h"

namespace metalaudio::apps {

bool can_ask() { return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1; }

bool ask(const std::string& question) {
  const std::string shown = display_text(question + " [y/N] ");
  std::fwrite(shown.data(), 1, shown.size(), stderr);
  std::fflush(stderr);
  // A signal may come just before the wait too, so that none is long.
  constexpr int kWaitMilliseconds = 100;
  pollfd input{STDIN_FILENO, POLLIN, 0};
  while (::poll(&input, 1, kWaitMilliseconds) <= 0) throw_if_interrupted();
  std::array<char, 256> answer{};
  const ssize_t got = ::read(STDIN_FILENO, answer.data(), answer.size());
  return got > 0 && (answer[0] == 'y' || answer[0] == 'Y');
}

}  // namespace metalaudio::apps

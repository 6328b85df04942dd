#include "apps/terminal/interrupt.h"

#include <metalaudio/core/error.h>

#include <csignal>

namespace metalaudio::apps {
namespace {

volatile std::sig_atomic_t received_signal = 0;

extern "C" void remember_signal(int signal) { received_signal = signal; }

}  // namespace

void install_signal_handlers() noexcept {
  std::signal(SIGINT, remember_signal);
  std::signal(SIGTERM, remember_signal);
  // A terminal that closes; nohup has it ignored, and that is to stay.
  if (std::signal(SIGHUP, remember_signal) == SIG_IGN) std::signal(SIGHUP, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

int interrupt_signal() noexcept { return received_signal; }

void end_as_by_signal(int signal) noexcept { received_signal = signal; }

void throw_if_interrupted() {
  if (received_signal != 0)
    fail(ErrorCode::cancelled, "stopped by signal {}", int{received_signal});
}

}  // namespace metalaudio::apps

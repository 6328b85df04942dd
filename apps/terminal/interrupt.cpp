#include "apps/terminal/interrupt.h"

#include <metalaudio/core/error.h>

#include <csignal>

namespace metalaudio::apps {
namespace {

volatile std::sig_atomic_t received_signal = 0;
volatile std::sig_atomic_t received_signals = 0;

/// Who asks a third time is not to wait for what does not answer, such as a driver.
constexpr int kPatience = 2;

extern "C" void remember_signal(int signal) {
  received_signal = signal;
  if (received_signals >= kPatience) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
  received_signals = received_signals + 1;
}

}  // namespace

void install_signal_handlers() noexcept {
  // nohup has SIGHUP ignored, a script SIGINT for what it starts with &: that is to stay.
  for (const int signal : {SIGINT, SIGTERM, SIGHUP})
    if (std::signal(signal, remember_signal) == SIG_IGN) std::signal(signal, SIG_IGN);
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

#pragma once

namespace metalaudio::apps {

/// From now on SIGINT, SIGTERM and SIGHUP set a flag instead of ending the program, each only where
/// it was not ignored, and a full disk or a closed pipe is an error of the write call instead of a
/// signal.
void install_signal_handlers() noexcept;

/// The signal that asked the program to stop, 0 while none has.
int interrupt_signal() noexcept;

/// As if that signal had come.
void end_as_by_signal(int signal) noexcept;

/// Errors:   throws Error{cancelled} once a signal has asked the program to stop.
void throw_if_interrupted();

}  // namespace metalaudio::apps

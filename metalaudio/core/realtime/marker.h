#pragma once

/// METALAUDIO_REALTIME marks a function that may run on an audio thread: noexcept, it allocates
/// nothing, takes no lock, logs nothing and makes no system call. Sizes are its preconditions.
/// Clang checks this at compile time where it knows the attribute; tests/realtime proves it at run
/// time on every compiler. Written before the return type, beside `noexcept` after the parameters.
#if defined(__clang__) && __has_cpp_attribute(clang::nonblocking)
#define METALAUDIO_REALTIME [[clang::nonblocking]]
#else
#define METALAUDIO_REALTIME
#endif

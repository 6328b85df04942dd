#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace metalaudio {

enum class ErrorCode {
  invalid_argument,     ///< a parameter is out of its range
  invalid_data,         ///< a file or buffer holds what it must not
  not_found,            ///< a file, model or tensor is missing
  unsupported,          ///< valid, but not something this build can do
  io,                   ///< reading or writing failed
  backend_unavailable,  ///< the device is not there, or was not built in
  out_of_memory,
  cancelled,
};

/// The name of a code, as in `ErrorCode::io` -> "io".
std::string_view to_string(ErrorCode code) noexcept;

/// What every offline function throws: a code to branch on and one line for a person, which starts
/// with the operation in brackets and carries the numbers: "[Fft] size 7: expected 2^a·3^b·5^c".
/// Threads:  a value like any exception.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}

  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

/// Throws Error(code) with a formatted message.
template <typename... Args>
[[noreturn]] void fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace metalaudio

#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <string>

namespace metalaudio::apps {

/// Gives those of the three standard streams that are closed something that fails when it is used;
/// the next file opened would take their place, and be written to or read from as if it were them.
/// Threads:  to be called first, before files are opened.
void hold_standard_streams() noexcept;

/// As read() of something that may have to be waited for: a pipe, a terminal.
/// Errors:   throws Error{cancelled} after a signal.
ssize_t read_or_stop(int file, char* bytes, std::size_t count);

/// Standard input as a file that can be read anywhere: itself where it is one, otherwise copied into
/// a file without a name, in $TMPDIR, /var/tmp or /tmp, which goes with the process.
/// Errors:   the constructor throws Error{invalid_argument} for a terminal, Error{invalid_data} where
///           nothing comes, Error{io} for a full disk, Error{cancelled} after a signal.
/// Threads:  one instance per process.
class StandardInput {
 public:
  StandardInput();
  ~StandardInput();
  StandardInput(const StandardInput&) = delete;
  StandardInput& operator=(const StandardInput&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  int file_ = -1;
  std::filesystem::path path_;
};

/// Whether standard output is one, where sound is no use.
bool is_terminal_output() noexcept;

}  // namespace metalaudio::apps

#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <string_view>

namespace metalaudio::apps {

/// How much the program tells: failures and warnings alone, what is usual, or more.
enum class Verbosity { quiet, usual, verbose };

/// What the program tells a person, on standard error: lines, and below them one status line that
/// is redrawn in place where that is a terminal; as display_text has them, whatever file names
/// hold. Standard output is left to results.
/// Threads:  any.
class Console {
 public:
  explicit Console(Verbosity verbosity = Verbosity::usual);
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  bool is_terminal() const noexcept { return terminal_; }
  std::size_t columns() const;

  void line(std::string_view text);
  /// A line that -q leaves out, and one that only -v shows.
  void note(std::string_view text);
  void detail(std::string_view text);
  /// Redraws the status line, at most ten times a second; does nothing where there is no terminal.
  void status(std::string_view text);
  void clear_status();

 private:
  void erase_status();

  const Verbosity verbosity_;
  const bool terminal_;
  std::mutex mutex_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point last_drawn_{};
};

/// One line on standard output, whole even when several threads write.
/// Errors:   throws Error{io} when standard output is full or closed.
void print_result(std::string_view text);

}  // namespace metalaudio::apps

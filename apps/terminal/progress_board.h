#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>

#include "apps/terminal/console.h"
#include "apps/terminal/progress_text.h"

namespace metalaudio::apps {

/// The progress of the tracks that are being worked on: one bar for all of them on a terminal; a
/// line at the start and at every tenth of each elsewhere.
/// Threads:  any; each track is reported on by one thread.
class ProgressBoard {
 public:
  ProgressBoard(Console& console, std::size_t tracks) : console_(console), tracks_(tracks) {}

  /// Work whose speed says nothing of the separation's: "reading", "writing".
  void other_work(std::size_t track, const std::string& name, const std::string& activity,
                  double fraction);
  void begin(std::size_t track, const std::string& name, double audio_seconds);
  void update(std::size_t track, double fraction);
  /// Whether it went well or not, the track no longer counts.
  void end(std::size_t track);

 private:
  using Clock = std::chrono::steady_clock;
  struct Running {
    ProgressState state;
    Clock::time_point start;
    ProgressSteps steps;
    Clock::time_point last_line;
  };
  std::string bar() const;

  Console& console_;
  const std::size_t tracks_;
  std::mutex mutex_;
  std::map<std::size_t, Running> running_;
  std::size_t ended_ = 0;
};

}  // namespace metalaudio::apps

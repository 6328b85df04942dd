#include "apps/progress_board.h"

#include <fmt/format.h>

#include <algorithm>

namespace metalaudio::apps {

ProgressBoard::ProgressBoard(Console& console, std::size_t tracks, bool quiet)
    : console_(console), tracks_(tracks), quiet_(quiet) {}

void ProgressBoard::begin(std::size_t track, const std::string& name, double audio_seconds) {
  const std::lock_guard lock(mutex_);
  running_[track] = {{name, 0.0, 0.0, audio_seconds}, Clock::now(), {}};
  if (!quiet_) console_.status(bar());
}

void ProgressBoard::update(std::size_t track, double fraction) {
  const std::lock_guard lock(mutex_);
  const auto found = running_.find(track);
  if (found == running_.end() || quiet_) return;
  Running& running = found->second;
  running.state.fraction = fraction;
  running.state.elapsed_seconds =
      std::chrono::duration<double>(Clock::now() - running.start).count();
  if (console_.is_terminal())
    console_.status(bar());
  else if (running.steps.next(fraction))
    console_.line(fmt::format("{}: {}", running.state.name, progress_figures(running.state)));
}

void ProgressBoard::end(std::size_t track) {
  const std::lock_guard lock(mutex_);
  running_.erase(track);
  ++ended_;
  console_.clear_status();
}

std::string ProgressBoard::bar() const {
  // Several tracks are shown as one piece of work that began when the first of them did.
  ProgressState sum;
  double done = 0.0;
  for (const auto& [index, running] : running_) {
    sum.audio_seconds += running.state.audio_seconds;
    done += running.state.fraction * running.state.audio_seconds;
    sum.elapsed_seconds = std::max(sum.elapsed_seconds, running.state.elapsed_seconds);
  }
  sum.fraction = sum.audio_seconds > 0.0 ? done / sum.audio_seconds : 0.0;
  sum.name = running_.size() == 1 ? running_.begin()->second.state.name
                                  : fmt::format("{} tracks", running_.size());
  if (tracks_ > 1) sum.name = fmt::format("({} of {} done) {}", ended_, tracks_, sum.name);
  return progress_bar(sum, console_.columns() - 1);
}

}  // namespace metalaudio::apps

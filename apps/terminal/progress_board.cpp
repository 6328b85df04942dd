#include "apps/terminal/progress_board.h"

#include <fmt/format.h>
#include <metalaudio/core/counted.h>

#include <algorithm>

#include "apps/terminal/figure_text.h"

namespace metalaudio::apps {

namespace {
/// Lines that nobody could read as they pass help nobody.
constexpr std::chrono::seconds kBetweenLines{2};
}  // namespace

void ProgressBoard::other_work(std::size_t track, const std::string& name,
                               const std::string& activity, double fraction) {
  const std::lock_guard lock(mutex_);
  ProgressState& state = running_[track].state;
  state.name = name;
  state.activity = fmt::format("{} {:.0f} %", activity, fraction * 100.0);
  console_.status(bar());
}

void ProgressBoard::begin(std::size_t track, const std::string& name, double audio_seconds) {
  const std::lock_guard lock(mutex_);
  running_[track] = {{name, 0.0, 0.0, audio_seconds, ""}, Clock::now(), {}, Clock::now()};
  if (console_.is_terminal())
    console_.status(bar());
  else
    console_.note(fmt::format("{}: {} of audio", name, clock_text(audio_seconds)));
}

void ProgressBoard::update(std::size_t track, double fraction) {
  const std::lock_guard lock(mutex_);
  Running& running = running_[track];
  running.state.fraction = fraction;
  running.state.elapsed_seconds =
      std::chrono::duration<double>(Clock::now() - running.start).count();
  if (console_.is_terminal())
    console_.status(bar());
  else if (fraction < 1.0 && Clock::now() - running.last_line >= kBetweenLines &&
           running.steps.next(fraction)) {
    console_.note(fmt::format("{}: {}", running.state.name, progress_figures(running.state)));
    running.last_line = Clock::now();
  }
}

void ProgressBoard::end(std::size_t track) {
  const std::lock_guard lock(mutex_);
  running_.erase(track);
  ++ended_;
  console_.clear_status();
}

std::string ProgressBoard::bar() const {
  ProgressState shown;
  if (running_.size() == 1) {
    shown = running_.begin()->second.state;
  } else {
    // Several tracks are shown as one piece of work that began when the first of them did.
    double done = 0.0;
    for (const auto& [index, running] : running_) {
      shown.audio_seconds += running.state.audio_seconds;
      done += running.state.fraction * running.state.audio_seconds;
      shown.elapsed_seconds = std::max(shown.elapsed_seconds, running.state.elapsed_seconds);
    }
    shown.fraction = shown.audio_seconds > 0.0 ? done / shown.audio_seconds : 0.0;
    shown.name = fmt::format("{} at a time", counted(running_.size(), "track"));
  }
  if (tracks_ > 1) shown.name = fmt::format("{} of {} done, {}", ended_, tracks_, shown.name);
  return progress_bar(shown, console_.columns() - 1);
}

}  // namespace metalaudio::apps

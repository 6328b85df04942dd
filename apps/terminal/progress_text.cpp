#include "apps/terminal/progress_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "apps/terminal/figure_text.h"

namespace metalaudio::apps {
namespace {

constexpr std::size_t kBarColumns = 24;

/// The offsets at which the characters of a UTF-8 text begin.
std::vector<std::size_t> character_offsets(const std::string& text) {
  std::vector<std::size_t> offsets;
  for (std::size_t i = 0; i < text.size(); ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U) offsets.push_back(i);
  return offsets;
}

}  // namespace

double times_real_time(const ProgressState& state) {
  if (state.elapsed_seconds <= 0.0) return 0.0;
  return state.fraction * state.audio_seconds / state.elapsed_seconds;
}

std::string progress_figures(const ProgressState& state) {
  if (!state.activity.empty()) return state.activity;
  const int percent = static_cast<int>(std::clamp(state.fraction, 0.0, 1.0) * 100.0);
  const double speed = times_real_time(state);
  if (speed <= 0.0) return fmt::format("{:3} %", percent);
  const double left = state.elapsed_seconds * (1.0 - state.fraction) / state.fraction;
  return fmt::format("{:3} %, {} x real time, {} left", percent, speed_text(speed),
                     clock_text(left));
}

std::string progress_bar(const ProgressState& state, std::size_t columns) {
  const std::string figures = progress_figures(state);
  const auto filled = static_cast<std::size_t>(std::clamp(state.fraction, 0.0, 1.0) *
                                               static_cast<double>(kBarColumns));
  const std::string bar =
      fmt::format("[{}{}]", std::string(filled, '#'), std::string(kBarColumns - filled, '-'));
  constexpr std::size_t kLeastName = 8;
  const std::size_t with_bar = bar.size() + figures.size() + 2;
  if (columns >= with_bar + kLeastName)
    return fmt::format("{} {} {}", shortened(state.name, columns - with_bar), bar, figures);
  return shortened(figures, columns);
}

std::string shortened(const std::string& text, std::size_t columns) {
  const std::vector<std::size_t> offsets = character_offsets(text);
  if (offsets.size() <= columns) return text;
  if (columns == 0) return {};
  const std::size_t head = (columns - 1) / 2;
  const std::size_t tail = columns - 1 - head;
  const std::size_t tail_offset = tail == 0 ? text.size() : offsets[offsets.size() - tail];
  return text.substr(0, offsets[head]) + "…" + text.substr(tail_offset);
}

bool ProgressSteps::next(double fraction) {
  const int tenth = std::min(static_cast<int>(fraction * 10.0 + 1e-9), 9);
  if (tenth <= reported_) return false;
  reported_ = tenth;
  return true;
}

}  // namespace metalaudio::apps

#pragma once

#include <cstddef>
#include <string>

namespace metalaudio::apps {

/// How far a piece of work is, and how fast it goes.
struct ProgressState {
  std::string name;
  double fraction = 0.0;         ///< of the work, 0 … 1
  double elapsed_seconds = 0.0;  ///< since the work began
  double audio_seconds = 0.0;    ///< of the whole piece
  std::string activity{};        ///< shown in place of the figures
};

/// Seconds of audio done per second; 0 until anything is done.
double times_real_time(const ProgressState& state);

/// "45 %, 3.2 x real time, 0:41 left"; without speed and time until anything is done.
std::string progress_figures(const ProgressState& state);

/// One line of at most `columns` columns: name, bar, figures; a long name is cut in the middle.
std::string progress_bar(const ProgressState& state, std::size_t columns);

/// Cuts the middle out of a UTF-8 text of more than `columns` characters: "a long…name".
std::string shortened(const std::string& text, std::size_t columns);

/// Says which tenths to report where a bar cannot be redrawn: each of 10 %, 20 %, … once.
class ProgressSteps {
 public:
  /// Whether `fraction` has passed a tenth that was not reported yet; 0 and 1 are not tenths.
  bool next(double fraction);

 private:
  int reported_ = 0;
};

}  // namespace metalaudio::apps

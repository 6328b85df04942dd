#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace metalaudio::nn {

/// In which order the steps of a program happen where some may run side by side: a step waits for
/// those of its stretch whose results it reads, and for all that stands before its stretch. Times are
/// those of the compiler, one after the other.
class StepOrder {
 public:
  /// A step, later than all that were added, which reads what was made at the times `made`; the
  /// stretch began at `first`. Gives the times of its stretch that it waits for.
  std::vector<int> add(int time, int first, std::span<const int> made);

  bool empty() const noexcept { return moments_.empty(); }
  /// Whether what happens at `earlier` is over when what happens at `later` begins; true of all that
  /// was not added.
  bool over(int earlier, int later) const;

 private:
  struct Moment {
    int first = -1;               ///< of its stretch
    std::vector<bool> over = {};  ///< by time, from `first` on; shorter: all
  };

  std::vector<Moment> moments_;  ///< by time
};

}  // namespace metalaudio::nn

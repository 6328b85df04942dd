#include <metalaudio/nn/compiler/step_order.h>

#include <algorithm>
#include <numeric>

namespace metalaudio::nn {

namespace {

/// From here on the steps of a stretch wait for all before them: a table of who waits for whom grows
/// with the square of their number.
constexpr int kMostSteps = 4096;

}  // namespace

std::vector<int> StepOrder::add(int time, int first, std::span<const int> made) {
  moments_.resize(static_cast<std::size_t>(time) + 1);
  Moment& moment = moments_.back();
  moment.first = first;
  const int number = time - first;
  std::vector<int> waits;
  if (number >= kMostSteps) {
    waits.resize(number == kMostSteps ? static_cast<std::size_t>(number) : 1);
    std::iota(waits.begin(), waits.end(), time - static_cast<int>(waits.size()));
    return waits;
  }
  moment.over.resize(static_cast<std::size_t>(number));
  for (const int maker : made) {
    if (maker < first) continue;
    waits.push_back(maker);
    moment.over[static_cast<std::size_t>(maker - first)] = true;
    const std::vector<bool>& before = moments_[static_cast<std::size_t>(maker)].over;
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (before[i]) moment.over[i] = true;
    }
  }
  std::ranges::sort(waits);
  waits.erase(std::unique(waits.begin(), waits.end()), waits.end());
  return waits;
}

bool StepOrder::over(int earlier, int later) const {
  if (later >= static_cast<int>(moments_.size())) return true;
  const Moment& moment = moments_[static_cast<std::size_t>(later)];
  const auto place = static_cast<std::size_t>(earlier - moment.first);
  return moment.first < 0 || earlier < moment.first || place >= moment.over.size() ||
         moment.over[place];
}

}  // namespace metalaudio::nn

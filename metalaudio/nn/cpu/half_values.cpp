#include <metalaudio/nn/cpu/half_values.h>

#include <algorithm>

namespace metalaudio::nn::cpu {

/// What nobody reads leaves the graph some other way.
bool HalfValues::is_read_by_steps(const Matcher& matcher, Value value) const {
  const std::span<const int> readers = matcher.consumers(value);
  return !readers.empty() && std::ranges::all_of(readers, [&](int node) {
    return std::ranges::any_of(reads_, [&](const Read& read) {
      return read.value == value && std::ranges::find(read.nodes, node) != read.nodes.end();
    });
  });
}

void HalfValues::decide(const Matcher& matcher) {
  for (const Value value : writes_)
    if (is_read_by_steps(matcher, value)) halves_.insert(value.index);
}

}  // namespace metalaudio::nn::cpu

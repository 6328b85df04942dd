#pragma once

#include <metalaudio/nn/backend.h>
#include <metalaudio/nn/fusion/matcher.h>

#include <cstddef>
#include <set>
#include <vector>

namespace metalaudio::nn::cpu {

/// Whether rows are as long as a waveform's, which holds what is far smaller than its peaks: in bf16
/// less of these is rounded.
constexpr bool is_waveform(std::size_t positions, std::size_t channels) noexcept {
  return positions * channels * sizeof(float) > 1 << 20;
}

/// Which values lie in their slots as bfloat16: those that are made and read by steps that multiply
/// rows of bfloat16 where they lie, which halves what goes through memory and rounds what a product
/// would round. The graph's types stay, since float32 that begins and ends beside them would take casts
/// of their own. Steps tell while they are planned what they could; it is decided before they are
/// made.
class HalfValues {
 public:
  void may_read(const StepPlan& step, Value value) { reads_.push_back({value, step.nodes}); }
  void may_write(Value value) { writes_.push_back(value); }
  void decide(const Matcher& matcher);

  bool operator()(Value value) const { return halves_.contains(value.index); }

 private:
  struct Read {
    Value value;
    std::vector<int> nodes;  ///< of the step
  };
  bool is_read_by_steps(const Matcher& matcher, Value value) const;

  std::vector<Read> reads_;
  std::vector<Value> writes_;
  std::set<int> halves_;
};

}  // namespace metalaudio::nn::cpu

#pragma once

#include <metalaudio/nn/cpu/cpu_step.h>

namespace metalaudio::nn::cpu {

/// A value of i32 or i64 that holds indices.
struct IndexSlot {
  IndexSlot(Value value, const StepMaker& maker)
      : slot(maker.slot(value)), wide(maker.graph().type(value).type == DataType::i64) {}

  std::int64_t at(const CpuRun& run, std::size_t i) const noexcept {
    return wide ? run.at<const std::int64_t>(slot)[i] : run.at<const std::int32_t>(slot)[i];
  }
  /// Negative ones count from the end; the nearest that is there where it is out of range.
  std::int64_t at(const CpuRun& run, std::size_t i, std::int64_t extent) const noexcept {
    const std::int64_t index = at(run, i);
    return std::clamp<std::int64_t>(index < 0 ? index + extent : index, 0, extent - 1);
  }

  Slot slot;
  bool wide;
};

}  // namespace metalaudio::nn::cpu

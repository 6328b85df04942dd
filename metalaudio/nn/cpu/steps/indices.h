#pragma once

#include <metalaudio/nn/cpu/cpu_step.h>

namespace metalaudio::nn::cpu {

/// Indices of i32 or i64 in memory.
struct IndexReader {
  const void* data = nullptr;
  bool wide = false;

  std::int64_t at(std::size_t i) const noexcept {
    return wide ? static_cast<const std::int64_t*>(data)[i]
                : static_cast<const std::int32_t*>(data)[i];
  }
  /// Negative ones count from the end; the nearest that is there where it is out of range.
  std::int64_t at(std::size_t i, std::int64_t extent) const noexcept {
    const std::int64_t index = at(i);
    return std::clamp<std::int64_t>(index < 0 ? index + extent : index, 0, extent - 1);
  }
};

/// A value that holds indices, and what they are where that is known while the step is made.
struct IndexSlot {
  IndexSlot(Value value, const StepMaker& maker)
      : slot(maker.slot(value)), wide(maker.graph().type(value).type == DataType::i64) {
    if (maker.graph().is_constant(value)) constant = maker.graph().info(value).constant.tensor();
  }

  IndexReader reader(const CpuRun& run) const noexcept {
    return {run.at<const std::byte>(slot), wide};
  }
  /// Of a constant.
  IndexReader reader() const noexcept { return {constant->view().handle(), wide}; }
  bool is_constant() const noexcept { return constant != nullptr; }

  Slot slot;
  bool wide;
  std::shared_ptr<const Tensor> constant = {};
};

}  // namespace metalaudio::nn::cpu

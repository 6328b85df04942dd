#pragma once

#include <metalaudio/core/array.h>
#include <metalaudio/core/thread_pool.h>
#include <metalaudio/dsp/fft_types.h>
#include <metalaudio/nn/backend.h>
#include <metalaudio/nn/cpu/gemm/gemm.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace metalaudio::nn::cpu {

/// What a step wants each thread to have while it runs.
struct ScratchNeeds {
  std::size_t floats = 0;
  GemmNeeds gemm = {};
  std::size_t transform_doubles = 0;

  void cover(const ScratchNeeds& other) noexcept {
    floats = std::max(floats, other.floats);
    transform_doubles = std::max(transform_doubles, other.transform_doubles);
    gemm.cover(other.gemm);
  }
  /// What a thread's scratch takes.
  std::size_t bytes() const noexcept {
    return (floats + gemm.floats + gemm.depth) * sizeof(float) +
           transform_doubles * sizeof(double) +
           gemm.taps * (2 * sizeof(GemmTap) + sizeof(std::size_t)) +
           gemm.taps * gemm.rows * sizeof(const float*);
  }
};

/// What one thread may scribble on while a step runs.
struct ThreadScratch {
  GemmScratch gemm;
  Array<float> floats;
  dsp::FftScratch<double> transform_doubles{0};
};

/// The rows of a product that are computed by one task, at most.
constexpr std::size_t kBlockRows = 96;
constexpr std::size_t blocks_of(std::size_t rows, std::size_t block = kBlockRows) noexcept {
  return (rows + block - 1) / block;
}
/// The unit of steps that do not multiply.
constexpr std::size_t kRowsTogether = 4;
/// Of rows that come out the same wherever they are cut, so many in each of several planes: how many
/// a task takes, a multiple of `unit`. Fewer than `most` where threads would otherwise wait for the
/// last tasks.
std::size_t rows_of_task(std::size_t rows, std::size_t planes, std::size_t unit,
                         std::size_t threads, std::size_t most = kBlockRows) noexcept;

/// The threads of a workspace and their scratch.
class Workers {
 public:
  Workers(ThreadPool* pool, const ScratchNeeds& needs);

  std::size_t threads() const noexcept { return scratch_.size(); }

  /// body(index, scratch) for every index below count, shared among the threads.
  template <typename Body>
  void parallel_for(std::size_t count, Body&& body) {
    if (pool_ == nullptr) {
      for (std::size_t index = 0; index < count; ++index) body(index, scratch_[0]);
      return;
    }
    pool_->parallel_for(
        count, [&](std::size_t index, std::size_t thread) { body(index, scratch_[thread]); });
  }
  /// body(first, count, scratch) over blocks of `block` of `size` indices.
  template <typename Body>
  void parallel_blocks(std::size_t size, std::size_t block, Body&& body) {
    parallel_for((size + block - 1) / block, [&](std::size_t index, ThreadScratch& scratch) {
      const std::size_t first = index * block;
      body(first, std::min(block, size - first), scratch);
    });
  }
  /// The same over rows, in blocks of rows_of_task().
  template <typename Body>
  void parallel_rows(std::size_t rows, std::size_t unit, Body&& body) {
    parallel_blocks(rows, rows_of_task(rows, 1, unit, threads()), body);
  }

 private:
  ThreadPool* pool_;
  std::vector<ThreadScratch> scratch_;
};

/// What a step sees while it runs.
class CpuRun {
 public:
  CpuRun(std::span<const SlotAddress> slots, Workers& threads) : workers(threads), slots_(slots) {}

  /// Null for the slot of an absent input.
  template <typename T = float>
  T* at(Slot slot) const noexcept {
    if (slot.index < 0) return nullptr;
    return reinterpret_cast<T*>(slots_[static_cast<std::size_t>(slot.index)].host());
  }

  Workers& workers;

 private:
  std::span<const SlotAddress> slots_;
};

/// A step of the CPU. It changes nothing in itself: what it works on lies in slots and scratch.
class CpuStep : public Step {
 public:
  virtual void run(const CpuRun& run) const noexcept = 0;
  virtual ScratchNeeds scratch() const noexcept { return {}; }
};

/// The numbers of a constant as float32, whatever floating type it has.
Array<float> floats_of(const Graph& graph, Value value);
Array<float> floats_of(const Constant& constant);

}  // namespace metalaudio::nn::cpu

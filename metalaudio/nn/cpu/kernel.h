#pragma once

#include <metalaudio/core/thread_pool.h>
#include <metalaudio/nn/cpu/gemm.h>
#include <metalaudio/nn/graph/schedule.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace metalaudio::nn::cpu {

/// What one thread may scribble on while a kernel runs.
struct ThreadScratch {
  GemmScratch gemm;
  std::vector<float> floats;
};

/// The threads of a plan and their scratch.
class Workers {
 public:
  explicit Workers(ThreadPool* pool)
      : pool_(pool), scratch_(pool != nullptr ? pool->threads() : 1) {}

  std::size_t threads() const noexcept { return scratch_.size(); }

  /// Called while kernels are made, so that nothing is allocated while they run.
  void reserve_floats(std::size_t count) {
    for (ThreadScratch& s : scratch_) s.floats.resize(std::max(s.floats.size(), count));
  }
  void reserve_gemm(std::size_t taps, std::size_t rows, std::size_t depth) {
    for (ThreadScratch& s : scratch_) s.gemm.reserve(taps, rows, depth);
  }

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

 private:
  ThreadPool* pool_;
  std::vector<ThreadScratch> scratch_;
};

/// What a kernel is made from: the graph for shapes and constants, and where each value lives.
struct KernelContext {
  const Graph& graph;
  const std::vector<float*>& memory;  ///< by value index; null for packed weights
  Workers& workers;
  bool round_to_bf16 = false;

  const Shape& shape(Value value) const { return graph.shape(value); }
  float* at(Value value) const { return memory[static_cast<std::size_t>(value.index)]; }
  /// The numbers of a constant, through reshapes.
  std::span<const float> constant(Value value) const;
};

/// One step, ready to run.
class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual void run(Workers& workers) noexcept = 0;
  virtual std::size_t weight_bytes() const noexcept { return 0; }
};

std::unique_ptr<Kernel> make_conv(const Step& step, const KernelContext& context);
std::unique_ptr<Kernel> make_conv_transpose(const Step& step, const KernelContext& context);
std::unique_ptr<Kernel> make_dconv(const Step& step, const KernelContext& context);
std::unique_ptr<Kernel> make_group_norm(const Step& step, const KernelContext& context);
std::unique_ptr<Kernel> make_layer_norm(const Step& step, const KernelContext& context);
std::unique_ptr<Kernel> make_attention(const Step& step, const KernelContext& context);
std::unique_ptr<Kernel> make_activation(const Step& step, const KernelContext& context);
std::unique_ptr<Kernel> make_slice(const Step& step, const KernelContext& context);
std::unique_ptr<Kernel> make_binary(const Step& step, const KernelContext& context);

/// The kernel table of the CPU.
std::unique_ptr<Kernel> make_kernel(const Step& step, const KernelContext& context);

/// How many floats one step along rows and along positions moves in `shape` when it is repeated to
/// fill a larger one: 0 where its extent is 1.
struct BroadcastStrides {
  std::ptrdiff_t row = 0;
  std::ptrdiff_t position = 0;
};
BroadcastStrides broadcast_strides(const Shape& shape) noexcept;

/// The rows of a product that are computed by one task.
constexpr std::size_t kBlockRows = 96;
constexpr std::size_t blocks_of(std::size_t rows, std::size_t block = kBlockRows) noexcept {
  return (rows + block - 1) / block;
}

}  // namespace metalaudio::nn::cpu

#pragma once

#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/realtime/handover.h>
#include <metalaudio/core/realtime/marker.h>
#include <metalaudio/core/realtime/polling_worker.h>
#include <metalaudio/core/realtime/status.h>
#include <metalaudio/nn/plan_blocks.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

namespace metalaudio::nn {

/// What is heard in place of a block that is late.
enum class LateBlock {
  silence,
  dry,  ///< the input, as late as the output would be
};

struct InferenceQueueOptions {
  std::size_t channels = 1;
  std::size_t block_samples = 2048;  ///< what the function takes
  std::size_t host_samples = 1024;   ///< the most frames that one callback brings
  /// The time that a block may take, in samples; 0: as long as a block lasts.
  std::size_t work_samples = 0;
  std::size_t latency_samples = 0;  ///< of the function itself
  LateBlock late = LateBlock::silence;
  std::chrono::microseconds poll_period{500};  ///< of the worker; part of the time a block takes
  /// Input that is not finite is taken for 0; where results are not, all of a block is silence and a
  /// plan's states start anew. The status says so.
  bool guard = false;
};

/// Runs a function of blocks of one size, such as a plan, on a thread of its own, for what takes
/// too long for a callback. process() hands blocks over and takes results back without waiting,
/// waking or allocating. The latency is constant: a block that is not back when it is due is
/// replaced, counted and noted in status(). A worker that has fallen behind leaves out the blocks
/// that are too late already, and is given no more than it can hold, so its function misses some. Samples that are not
/// finite, of the input as of the function's results, become silence and are noted in status().
/// Shapes:   in[channels][frames] -> out[channels][frames], any frames; may be the same memory.
/// Errors:   the constructor throws Error{invalid_argument} on no function, no channels, blocks of
///           0, or anything past 2^24 samples, and what PollingWorker's throws. A function that throws
///           counts as late.
/// Threads:  process() on the audio thread; the function on the worker; late_blocks(), status() and
///           take_status() on any; reset() on the control thread, while process() does not run.
/// Realtime: process, late_blocks, status, take_status.
class InferenceQueue {
 public:
  InferenceQueue(BlockFunction function, const InferenceQueueOptions& options);
  /// Channels and block are the plan's.
  InferenceQueue(Plan plan, const PlanPorts& ports, InferenceQueueOptions options);

  METALAUDIO_REALTIME void process(ConstAudioView in, AudioView out) noexcept;
  /// Forgets all samples, once the worker has ended what it does; states of the function are the
  /// caller's to reset, as long as no process() has come after.
  void reset();

  /// A block, and so many blocks as cover a callback and the time for the work; and the function's.
  std::size_t latency_samples() const noexcept { return latency_; }
  METALAUDIO_REALTIME std::uint64_t late_blocks() const noexcept {
    return late_blocks_.load(std::memory_order_relaxed);
  }
  METALAUDIO_REALTIME Trouble status() const noexcept { return status_.peek(); }
  METALAUDIO_REALTIME Trouble take_status() noexcept { return status_.take(); }

 private:
  struct Job {
    AudioBuffer in;
    AudioBuffer out;
    std::uint64_t number = 0;
    bool done = false;  ///< neither too late nor thrown out of
  };

  InferenceQueue(PlanBlocks blocks, InferenceQueueOptions options);

  void begin_block() noexcept;
  void take_result(std::uint64_t due) noexcept;
  void end_block() noexcept;
  bool stood_in() const noexcept;
  void play(const AudioView& out, std::size_t from) noexcept;
  void play_dry(const ConstAudioView& in, const AudioView& out) noexcept;
  bool work() noexcept;
  bool run(Job& job) noexcept;
  void start();

  BlockFunction function_;
  std::function<void()> restart_;  ///< of a plan's states
  InferenceQueueOptions options_;
  std::size_t wait_blocks_;  // from the end of a block to the start of its result
  std::size_t latency_;
  Handover<Job> handover_;
  std::uint64_t number_ = 0;  // of the block that comes in
  std::size_t position_ = 0;  // in it
  Job* filling_ = nullptr;    // null: the worker has not caught up
  Job* playing_ = nullptr;    // null: late, or nothing yet
  AudioBuffer dry_;           // a ring
  std::size_t dry_position_ = 0;
  std::atomic<std::uint64_t> late_blocks_{0};
  std::atomic<std::uint64_t> next_due_{0};  // blocks before it are too late
  RealtimeStatus status_;
  std::optional<PollingWorker> worker_;  // last: it ends before the rest goes
};

}  // namespace metalaudio::nn

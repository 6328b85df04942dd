#pragma once

#include <metalaudio/core/accelerator.h>
#include <metalaudio/core/audio_device.h>
#include <metalaudio/core/buffer.h>
#include <metalaudio/core/pipeline.h>
#include <metalaudio/core/realtime/handover.h>
#include <metalaudio/core/realtime/marker.h>
#include <metalaudio/core/realtime/polling_worker.h>
#include <metalaudio/core/realtime/status.h>
#include <metalaudio/core/staging_buffer.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>

namespace metalaudio {

struct ComputeOptions {
  std::size_t in_values = 512;    ///< that a block brings
  std::size_t out_values = 0;     ///< that it gives; 0: as many
  std::size_t block_samples = 0;  ///< how long a block lasts; 0: as many samples as in_values
  /// Callbacks between a block and its result, 1 or 2.
  std::size_t latency_blocks = 2;
  /// Of the kernel; `blocks` of 0 cover all out_values with a thread each.
  LaunchShape shape{.blocks = 0};
  std::chrono::microseconds poll_period{50};  ///< of the worker; part of the time a block takes
};

/// Where a context's blocks are worked on.
enum class ComputePlace : std::uint8_t {
  device,
  cpu,
  silent,  ///< the device was lost, and the pipeline has no function for the CPU
};

/// Runs a pipeline on blocks from an audio callback, in three buffers that take turns, on a worker
/// thread of its own, since handing work to a GPU takes locks and system calls. In each callback:
///
///     if (!context.with_read_buffer([&](std::span<const float> y) { play(y); })) play_silence();
///     context.try_execute_async([&](std::span<float> x) { fill(x); });
///
/// A result is given once, latency_samples() after its block, and never later: one that is late is
/// dropped and noted in status(). A kernel gets (const float* in, float* out, int out_values,
/// int in_values); it may name fewer. Other threads have execute() and execute_async(), which wait
/// their turn behind the callback's blocks.
///
/// A device that is lost is told once by status(): that block is silence, and the next ones are the
/// CPU's work. The constructor runs one block of zeros, so that no first call is slow.
/// Errors:   the constructor throws Error{invalid_argument} on blocks of nothing and on a kernel of
///           another device, Error{backend_unavailable} where the pipeline has nothing to run, and
///           what the device and PollingWorker throw. execute and execute_async throw
///           Error{invalid_argument} on sizes that differ, and when called by a callback of this
///           context.
/// Threads:  the real-time functions on one audio thread, but the counters, place and status on
///           any; execute and execute_async on any others. It waits for its work when it ends. A
///           device of its own keeps its work from waiting behind that of others.
/// Realtime: those that are marked, if the closures are.
class ComputeContext {
 public:
  /// Told on the worker; the output is only lent, and silence where there is a trouble.
  using Callback = std::function<void(std::span<const float> out, Trouble trouble)>;

  ComputeContext(std::shared_ptr<AudioDevice> device, std::shared_ptr<const Pipeline> pipeline,
                 const ComputeOptions& options);
  ~ComputeContext();
  ComputeContext(const ComputeContext&) = delete;
  ComputeContext& operator=(const ComputeContext&) = delete;

  /// Calls fill(std::span<float>) on the next block's input; false while all are under way.
  template <typename Fill>
  METALAUDIO_REALTIME bool with_write_buffer(Fill&& fill) noexcept {
    Job* const job = handover_.free_slot();
    if (job == nullptr) return false;
    fill(job->in.floats());
    return true;
  }
  /// Hands the next block over as it was filled; false, and that block is left out, while all are
  /// under way.
  METALAUDIO_REALTIME bool try_execute_async() noexcept;
  /// Both.
  template <typename Fill>
  METALAUDIO_REALTIME bool try_execute_async(Fill&& fill) noexcept {
    with_write_buffer(fill);
    return try_execute_async();
  }
  /// Calls read(std::span<const float>) on the result that is due now; false where none is.
  template <typename Read>
  METALAUDIO_REALTIME bool with_read_buffer(Read&& read) noexcept {
    const Job* const job = due_result();
    if (job == nullptr) return false;
    read(job->out.floats());
    handover_.release();
    return true;
  }

  /// Waits for a free buffer, copies the input there and returns; `done` is told the result.
  void execute_async(std::span<const float> in, Callback done);
  /// Waits for the result; with a trouble it is silence.
  [[nodiscard]] Trouble execute(std::span<const float> in, std::span<float> out);

  std::size_t in_values() const noexcept { return options_.in_values; }
  std::size_t out_values() const noexcept { return options_.out_values; }
  /// From the callback that fills a block to the one that reads its result.
  std::size_t latency_samples() const noexcept {
    return options_.latency_blocks * options_.block_samples;
  }

  METALAUDIO_REALTIME std::uint64_t submitted() const noexcept {
    return submitted_.load(std::memory_order_relaxed);
  }
  METALAUDIO_REALTIME std::uint64_t finished() const noexcept {
    return finished_.load(std::memory_order_acquire);
  }
  METALAUDIO_REALTIME std::uint64_t refused() const noexcept {
    return refused_.load(std::memory_order_relaxed);
  }
  METALAUDIO_REALTIME ComputePlace place() const noexcept {
    return place_.load(std::memory_order_acquire);
  }
  /// A lost device comes before all else.
  METALAUDIO_REALTIME Trouble status() const noexcept;
  METALAUDIO_REALTIME Trouble take_status() noexcept;
  /// What the device said when it was lost; empty while it was not.
  std::string loss() const;

 private:
  struct Job {
    StagingBuffer in;
    StagingBuffer out;
    std::uint64_t number = 0;
    Trouble trouble = Trouble::none;
    Callback done{};  ///< of a job that is not the callback's
  };

  METALAUDIO_REALTIME const Job* due_result() noexcept;
  bool work() noexcept;
  void warm_up() noexcept;
  bool work_for_others() noexcept;
  void run(Job& job) noexcept;
  void run_on_device(Job& job);
  void lose(const char* reason) noexcept;
  void check_caller(std::size_t in, std::size_t out) const;

  std::shared_ptr<AudioDevice> device_;
  std::shared_ptr<const Pipeline> pipeline_;
  ComputeOptions options_;
  Buffer device_in_;
  Buffer device_out_;
  Handover<Job> handover_;
  std::uint64_t attempts_ = 0;   // of the audio thread
  std::uint64_t next_read_ = 0;  // no result before it is read

  std::mutex mutex_;  // of the other threads' jobs; the audio thread never takes it
  std::condition_variable slot_free_;
  std::array<Job, 3> jobs_;
  std::deque<Job*> free_;
  std::deque<Job*> waiting_;

  std::atomic<std::uint64_t> submitted_{0};
  std::atomic<std::uint64_t> finished_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<ComputePlace> place_{ComputePlace::device};
  RealtimeStatus loss_status_;
  RealtimeStatus status_;
  std::string loss_;  // written once, before lost_
  std::atomic<bool> lost_{false};
  std::atomic<bool> warm_{false};  ///< whether the worker has begun
  std::atomic<std::thread::id> worker_id_{};
  std::optional<PollingWorker> worker_;  // last: it ends before the rest goes
};

}  // namespace metalaudio

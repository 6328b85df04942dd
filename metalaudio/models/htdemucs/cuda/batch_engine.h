#pragma once

#include <metalaudio/core/buffer.h>
#include <metalaudio/core/thread_pool.h>
#include <metalaudio/models/htdemucs/cuda/copies.h>
#include <metalaudio/models/htdemucs/cuda/frames.h>
#include <metalaudio/models/htdemucs/cuda/segment_sums.h>
#include <metalaudio/models/htdemucs/htdemucs.h>
#include <metalaudio/models/segment_batches.h>
#include <metalaudio/nn/plan.h>

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace metalaudio::models::cuda {

/// What an engine is made of, as often as its size changes.
struct EngineParts {
  HTDemucsConfig config;
  WeightsSource weights;
  ModelOptions options;
  std::shared_ptr<AudioDevice> device;
  std::shared_ptr<const nn::Backend> backend;
  ThreadPool* pool = nullptr;
};

/// The network for batches of one size on a GPU, with the frames around it. Two batches are
/// underway: while one is computed, the next is uploaded, and the stems of the one before come back,
/// a segment at a time, each by a stream of its own; or the sums of segments, which that stream adds.
/// Shapes:   as SegmentBatches.
/// Errors:   the constructor throws Error{out_of_memory, unsupported, backend_unavailable}; start()
///           and stems() throw Error{backend_unavailable} when the device was lost.
/// Threads:  one.
class BatchEngine final : public SegmentBatches {
 public:
  BatchEngine(const EngineParts& parts, std::size_t capacity);
  ~BatchEngine() override;

  std::size_t capacity() const noexcept override { return capacity_; }
  std::size_t batches() const noexcept override { return kUnderway; }
  std::span<float> mix(std::size_t batch, std::size_t segment) override;
  void start(std::size_t batch, std::size_t count) override;
  std::span<const float> stems(std::size_t batch, std::size_t segment) override;
  bool add_up(const SumRule& rule) override;
  bool begin_sums(std::size_t batch, std::span<const SumPlace> places,
                  ConstAudioView sums) override;
  ConstAudioView sums(std::size_t batch, std::size_t segment) override;

  /// Waits for all that is underway, whatever became of it.
  void settle() noexcept;
  const nn::Plan& plan() const noexcept { return plan_; }

 private:
  static constexpr std::size_t kUnderway = 2;
  /// Segments of stems that are on their way back or being read.
  static constexpr std::size_t kComingBack = 3;

  struct Batch {
    explicit Batch(int device) : uploaded(device), computed(device) {}
    Event uploaded;
    Event computed;
    std::size_t count = 0;
  };

  float* device_mix(std::size_t batch);
  float* device_stems(std::size_t batch);
  void compute(std::size_t batch);
  void check_not_lost() const;

  std::shared_ptr<AudioDevice> device_;
  int index_;
  std::size_t capacity_;
  std::size_t segment_samples_;
  std::size_t mix_size_;    ///< of a segment
  std::size_t stems_size_;  ///< of a segment
  bool full_;
  Frames frames_;
  nn::Plan plan_;
  Buffer mix_;    ///< [kUnderway][capacity][channels][segment]
  Buffer stems_;  ///< [kUnderway][capacity][outputs][segment]
  PinnedBuffer host_mix_;
  std::optional<PinnedBuffer> host_stems_;  ///< [kComingBack][outputs][segment], once asked for
  Stream upload_;
  Stream download_;
  std::array<Batch, kUnderway> batches_;
  std::array<Event, kComingBack> downloaded_;
  std::size_t reading_ = kUnderway;  ///< the batch whose stems are coming back; kUnderway: none
  std::size_t asked_ = 0;            ///< how many of them were asked for
  std::optional<SegmentSums> sums_;
};

}  // namespace metalaudio::models::cuda

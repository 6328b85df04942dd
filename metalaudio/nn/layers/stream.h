#pragma once

#include <metalaudio/core/array.h>
#include <metalaudio/core/audio_view.h>
#include <metalaudio/core/realtime/marker.h>
#include <metalaudio/core/realtime/status.h>
#include <metalaudio/nn/layers/layer.h>
#include <metalaudio/nn/plan.h>

#include <cstddef>
#include <memory>
#include <vector>

namespace metalaudio::nn::layers {

struct StreamOptions {
  std::int64_t channels = 1;       ///< of the input
  std::int64_t block_frames = 64;  ///< the most that are computed at once
  /// Takes input that is not finite for 0; where the output is not finite it writes silence and
  /// starts from the initial state. Either is reported.
  bool guard = false;
  /// As PlanOptions have them; none: the CPU.
  std::vector<std::shared_ptr<const Backend>> backends = {};
  Placement placement = Placement::first;
  ToleranceConfiguration tolerances = {};
};

/// A layer in an audio callback: blocks of any length, the state carried from one to the next, the
/// result equal to the offline one over the whole signal. It holds plans for blocks of one, eight,
/// sixty-four frames and so on (times the frames that the layer's strides ask for) up to the longest
/// block, which hand their states on. On a GPU, which takes as long for few frames as for many, give
/// it the longest.
/// Shapes:   in[channels][n]; a layer that keeps the rate writes out[output_channels()][n],
///           latency_samples() late; another writes what is complete, at most
///           output_frames(n), and returns how much.
/// Errors:   the constructor throws what the layer and Plan throw.
/// Threads:  one caller at a time; take_trouble() any.
/// Realtime: process, reset, on the CPU; latency_samples, take_trouble.
class Stream {
 public:
  Stream(const Layer& layer, const StreamOptions& options);

  METALAUDIO_REALTIME std::size_t process(ConstAudioView in, AudioView out) noexcept;
  METALAUDIO_REALTIME void reset() noexcept;

  /// Frames by which the output is late: those that wait for the strides to be complete.
  std::size_t latency_samples() const noexcept {
    return keeps_rate() ? static_cast<std::size_t>(rate_.in) - 1 : 0;
  }
  std::size_t input_channels() const noexcept { return in_channels_; }
  std::size_t output_channels() const noexcept { return out_channels_; }
  /// The most that process() writes for so many frames.
  std::size_t output_frames(std::size_t input_frames) const noexcept;
  Rate rate() const noexcept { return rate_; }
  METALAUDIO_REALTIME Trouble take_trouble() noexcept { return status_.take(); }
  /// Of the plan for the longest blocks.
  const PlanStatistics& statistics() const noexcept { return sizes_.front().plan.statistics(); }
  PlanReport report() const { return sizes_.front().plan.report(); }
  /// Whether a device was lost: then it writes silence.
  METALAUDIO_REALTIME bool lost() const noexcept { return sizes_[current_].plan.lost(); }

 private:
  /// A plan for blocks of one length.
  struct Size {
    Plan plan;
    std::size_t frames;
    TensorView x;
  };

  bool keeps_rate() const noexcept { return rate_.in == rate_.out; }
  /// Runs a block; returns its result's first float, or null for silence.
  const float* run(Size& size, ConstAudioView in, std::size_t first) noexcept;

  Rate rate_;
  std::vector<Size> sizes_;  ///< longest first
  std::size_t current_ = 0;  ///< whose states are the latest
  std::size_t in_channels_ = 1;
  std::size_t out_channels_ = 1;
  bool guard_;
  RealtimeStatus status_;
  Array<float> waiting_in_;  ///< frames that do not fill a stride yet
  std::size_t waiting_in_frames_ = 0;
  Array<float> waiting_out_;  ///< frames that had no room in the caller's block yet
  std::size_t waiting_out_frames_ = 0;
};

}  // namespace metalaudio::nn::layers

#pragma once

#include <metalaudio/core/audio_view.h>
#include <metalaudio/core/realtime/marker.h>
#include <metalaudio/nn/plan.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace metalaudio::nn {

/// Works on one block of audio: in[channels][frames] -> out[channels][frames], other memory.
using BlockFunction = std::function<void(ConstAudioView in, AudioView out)>;

enum class BlockLayout {
  frames_channels,  ///< [..., frames, channels], as the engine's own convolutions have it
  channels_frames,  ///< [..., channels, frames], as networks from PyTorch and ONNX do
};

/// Names the input and the output of a plan that works on blocks of audio.
struct PlanPorts {
  std::string input = "input";
  std::string output = "output";
  BlockLayout layout = BlockLayout::frames_channels;
};

/// A plan as a function of audio blocks. Its states go on from block to block.
/// Shapes:   the last two axes of input and output are frames and channels, all others 1; a value
///           of one axis is one channel.
/// Errors:   the constructor throws Error{not_found} without such ports and Error{invalid_argument}
///           unless both are float32 and of as many channels and frames.
/// Threads:  one; copies share the plan.
/// Realtime: calling it and reset(), where the plan's run() is.
class PlanBlocks {
 public:
  explicit PlanBlocks(Plan plan, PlanPorts ports = {});

  std::size_t channels() const noexcept { return channels_; }
  std::size_t frames() const noexcept { return frames_; }

  /// Blocks of frames().
  METALAUDIO_REALTIME void operator()(const ConstAudioView& in, const AudioView& out) noexcept;
  METALAUDIO_REALTIME void reset() noexcept { plan_->reset(); }

 private:
  std::shared_ptr<Plan> plan_;
  PlanPorts ports_;
  std::size_t channels_ = 0;
  std::size_t frames_ = 0;
};

}  // namespace metalaudio::nn

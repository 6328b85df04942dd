#pragma once

#include <metalaudio/core/audio_view.h>
#include <metalaudio/core/realtime/marker.h>
#include <metalaudio/core/realtime/status.h>
#include <metalaudio/models/amp/runner.h>

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

namespace metalaudio::models::amp {

/// A network at a whole multiple of the rate that it was made for: sample n goes to the state of
/// phase n mod multiple. That is the network with all its delays multiplied, exactly: dilations,
/// kernels and what recurrent layers remember.
/// Threads:  one.
/// Realtime: process, reset, set_control.
class Phases {
 public:
  static constexpr std::size_t kMostControls = 15;

  Phases(const std::shared_ptr<const Program>& program, std::size_t channels, std::size_t multiple,
         bool prewarm, std::size_t prewarm_frames);

  std::size_t channels() const { return states_.size(); }
  std::size_t controls() const { return control_values_.size(); }

  /// in[channels][frames] -> out[channels][frames], any frames; they may be the same. An output
  /// that is not finite becomes silence, its channel starts anew, and `status` hears of it.
  METALAUDIO_REALTIME void process(const ConstAudioView& in, const AudioView& out,
                                   RealtimeStatus& status) noexcept;
  METALAUDIO_REALTIME void reset() noexcept;
  METALAUDIO_REALTIME void set_control(std::size_t index, float value) noexcept;

 private:
  using Inputs = std::array<const float*, 1 + kMostControls>;

  /// At most a chunk for each phase; whether the output is finite.
  bool process_chunk(std::vector<Runner>& phases, Inputs& inputs, const float* x, float* y,
                     std::size_t frames) noexcept;

  std::size_t multiple_;
  std::vector<std::vector<Runner>> states_;         ///< [channels][phases]
  std::vector<std::vector<float>> control_values_;  ///< a chunk of each
  std::vector<float> phase_;                        ///< a chunk of one, where there are several
  std::size_t next_ = 0;                            ///< the phase of the next sample
};

}  // namespace metalaudio::models::amp

#pragma once

#include <metalaudio/core/array.h>
#include <metalaudio/core/realtime/marker.h>
#include <metalaudio/models/amp/program.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace metalaudio::models::amp {

/// One state of a program and its start: what one channel of an amp is.
/// Threads:  one instance per thread; several may share a program.
/// Realtime: process, reset.
class Runner {
 public:
  /// prewarm_frames of silence go before the start; a network without recurrent layers goes through
  /// as many as it has influence for at once.
  Runner(std::shared_ptr<const Program> program, bool prewarm, std::size_t prewarm_frames);

  /// in[inputs][frames] -> out[outputs][frames], any frames; they may be the same arrays.
  METALAUDIO_REALTIME void process(const float* const* in, float* const* out,
                                   std::size_t frames) noexcept;
  METALAUDIO_REALTIME void reset() noexcept;

 private:
  std::shared_ptr<const Program> program_;
  Array<float> state_;
  Array<float> start_;
  Array<std::uint32_t> positions_;
  Array<std::uint32_t> start_positions_;
};

}  // namespace metalaudio::models::amp

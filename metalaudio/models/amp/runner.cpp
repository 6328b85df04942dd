#include <metalaudio/models/amp/cpu/program_kernels.h>
#include <metalaudio/models/amp/runner.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace metalaudio::models::amp {

Runner::Runner(std::shared_ptr<const Program> program, bool prewarm, std::size_t prewarm_frames)
    : program_(std::move(program)),
      state_(program_->state_floats),
      positions_(program_->rings.size()) {
  for (const Program::Initial& initial : program_->initial)
    std::ranges::copy(initial.values, state_.data() + initial.offset);
  if (prewarm && program_->recurrent) {
    for (std::size_t left = prewarm_frames + program_->receptive_frames; left > 0;) {
      const std::size_t frames = std::min(left, kChunkFrames);
      run_program(*program_, state_.data(), positions_.data(), frames, Past::remember);
      left -= frames;
    }
  } else if (prewarm) {
    run_program(*program_, state_.data(), positions_.data(), 1, Past::constant);
  }
  start_ = state_;
  start_positions_ = positions_;
}

void Runner::process(const float* const* in, float* const* out, std::size_t frames) noexcept {
  const Plane& from = program_->in;
  const Plane& to = program_->out;
  for (std::size_t first = 0; first < frames; first += kChunkFrames) {
    const std::size_t count = std::min(frames - first, kChunkFrames);
    for (std::size_t c = 0; c < from.channels; ++c) {
      float* x = state_.data() + from.offset + c * from.stride;
      std::memcpy(x, in[c] + first, count * sizeof(float));
      // What lies behind the last frame is computed as well: it must be a number.
      std::fill(x + count, x + kChunkFrames, 0.0F);
    }
    run_program(*program_, state_.data(), positions_.data(), count, Past::remember);
    for (std::size_t c = 0; c < to.channels; ++c)
      std::memcpy(out[c] + first, state_.data() + to.offset + c * to.stride, count * sizeof(float));
  }
}

void Runner::reset() noexcept {
  std::ranges::copy(start_, state_.data());
  std::ranges::copy(start_positions_, positions_.data());
}

}  // namespace metalaudio::models::amp

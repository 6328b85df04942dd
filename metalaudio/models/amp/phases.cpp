#include <metalaudio/models/amp/cpu/program_kernels.h>
#include <metalaudio/models/amp/phases.h>

#include <algorithm>
#include <limits>

namespace metalaudio::models::amp {

Phases::Phases(const std::shared_ptr<const Program>& program, std::size_t channels,
               std::size_t multiple, bool prewarm, std::size_t prewarm_frames)
    : multiple_(multiple),
      control_values_(program->in.channels - 1, std::vector<float>(kChunkFrames)),
      phase_(multiple > 1 ? kChunkFrames : 0) {
  const Runner start(program, prewarm, prewarm_frames);
  states_.assign(channels, std::vector<Runner>(multiple, start));
}

bool Phases::process_chunk(std::vector<Runner>& phases, Inputs& inputs, const float* x, float* y,
                           std::size_t frames) noexcept {
  constexpr float kMost = std::numeric_limits<float>::max();
  if (multiple_ == 1) {
    inputs[0] = x;
    phases[0].process(inputs.data(), &y, frames);
    return peak_of(y, frames) <= kMost;
  }
  bool good = true;
  float* const phase = phase_.data();
  inputs[0] = phase;
  for (std::size_t p = 0; p < multiple_; ++p) {
    const std::size_t first = (p + multiple_ - next_) % multiple_;
    std::size_t count = 0;
    for (std::size_t i = first; i < frames; i += multiple_) phase[count++] = x[i];
    if (count == 0) continue;
    phases[p].process(inputs.data(), &phase, count);
    good = good && peak_of(phase, count) <= kMost;
    for (std::size_t k = 0; k < count; ++k) y[first + k * multiple_] = phase[k];
  }
  return good;
}

void Phases::process(const ConstAudioView& in, const AudioView& out,
                     RealtimeStatus& status) noexcept {
  Inputs inputs{};
  for (std::size_t i = 0; i < controls(); ++i) inputs[1 + i] = control_values_[i].data();
  const std::size_t chunk = kChunkFrames * multiple_;
  for (std::size_t at = 0; at < in.frames(); at += chunk) {
    const std::size_t frames = std::min(chunk, in.frames() - at);
    for (std::size_t c = 0; c < channels(); ++c) {
      float* const y = out.channel(c).data() + at;
      if (process_chunk(states_[c], inputs, in.channel(c).data() + at, y, frames)) continue;
      std::fill(y, y + frames, 0.0F);
      for (Runner& state : states_[c]) state.reset();
      status.report(Trouble::state_cleared);
    }
    next_ = (next_ + frames) % multiple_;
  }
}

void Phases::reset() noexcept {
  for (auto& channel : states_)
    for (Runner& state : channel) state.reset();
  next_ = 0;
}

void Phases::set_control(std::size_t index, float value) noexcept {
  if (index < controls()) std::ranges::fill(control_values_[index], value);
}

}  // namespace metalaudio::models::amp

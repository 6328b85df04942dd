#include <metalaudio/dsp/convolution/convolution_engine.h>

#include <algorithm>
#include <bit>

namespace metalaudio::dsp {

namespace {
constexpr std::size_t kVector = 16;  // the widest, read past the newest sample
}

ConvolutionEngine::ConvolutionEngine(std::span<const ConvolutionRoute> routes, std::size_t inputs,
                                     std::size_t outputs, const ConvolutionLayout& layout)
    : layout_(layout), kernels_(convolution_kernels()), windows_(inputs), outputs_(outputs) {
  for (const ConvolutionRoute& route : routes) {
    ir_samples_ = std::max(ir_samples_, route.ir.size());
    const std::size_t taps = std::min(route.ir.size(), layout.head_taps);
    heads_.push_back({route.input, route.output, Array<float>(taps)});
    std::copy_n(route.ir.begin(), taps, heads_.back().taps.begin());
  }
  // A level's window stays in place for one more of its periods.
  std::size_t longest = std::bit_ceil(layout.head_taps) + layout.block;
  for (const auto& level : layout.levels) {
    levels_.emplace_back(level, layout.block, inputs, outputs, routes);
    longest = std::max(longest, 3 * level.partition);
  }
  level_position_.assign(levels_.size(), 0);
  ring_samples_ = std::bit_ceil(std::max(longest, layout.block));
  for (std::size_t i = 0; i < inputs; ++i) {
    rings_.emplace_back(2 * ring_samples_ + kVector);
  }
}

const float* ConvolutionEngine::latest(std::size_t input, std::size_t samples) const noexcept {
  return rings_[input].data() + ring_samples_ + position_ - samples;
}

void ConvolutionEngine::process(const float* const* in, float* const* out,
                                std::size_t frames) noexcept {
  for (std::size_t at = 0; at < frames;) {
    const std::size_t to_end = layout_.block - position_ % layout_.block;
    const std::size_t count = std::min(to_end, frames - at);
    process_within_block(in, out, at, count);
    at += count;
    if (count == to_end) end_block();
  }
}

void ConvolutionEngine::process_within_block(const float* const* in, float* const* out,
                                             std::size_t at, std::size_t frames) noexcept {
  for (std::size_t i = 0; i < rings_.size(); ++i) {
    float* ring = rings_[i].data() + position_;
    std::copy_n(in[i] + at, frames, ring);
    std::copy_n(in[i] + at, frames, ring + ring_samples_);
  }
  for (std::size_t o = 0; o < outputs_; ++o) {
    float* to = out[o] + at;
    std::fill_n(to, frames, 0.0F);
    for (std::size_t l = 0; l < levels_.size(); ++l) {
      const float* part = levels_[l].ready(o) + level_position_[l];
      for (std::size_t i = 0; i < frames; ++i) to[i] += part[i];
    }
  }
  for (const Head& head : heads_) {
    kernels_.direct(latest(head.input, 0), head.taps.data(), head.taps.size(), frames,
                    out[head.output] + at);
  }
  position_ += frames;
  for (std::size_t& position : level_position_) position += frames;
}

void ConvolutionEngine::end_block() noexcept {
  for (std::size_t l = 0; l < levels_.size(); ++l) {
    ConvolutionLevel& level = levels_[l];
    level.run_block();
    if (level_position_[l] < level.partition()) continue;
    level_position_[l] = 0;
    for (std::size_t i = 0; i < rings_.size(); ++i) windows_[i] = latest(i, level.window());
    level.begin_period(windows_);
  }
  if (position_ == ring_samples_) position_ = 0;
}

void ConvolutionEngine::reset() noexcept {
  for (auto& ring : rings_) std::fill(ring.begin(), ring.end(), 0.0F);
  for (ConvolutionLevel& level : levels_) level.reset();
  std::fill(level_position_.begin(), level_position_.end(), 0);
  position_ = 0;
}

}  // namespace metalaudio::dsp

#include <metalaudio/core/error.h>
#include <metalaudio/core/realtime/denormals.h>
#include <metalaudio/nn/chunked_inference.h>
#include <metalaudio/nn/finite_samples.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <numbers>
#include <utility>

namespace metalaudio::nn {

namespace {

constexpr std::size_t kLongest = std::size_t{1} << 26;

void check(const BlockFunction& function, const ChunkOptions& options) {
  if (!function) fail(ErrorCode::invalid_argument, "[ChunkedInference] no function");
  if (options.channels == 0) fail(ErrorCode::invalid_argument, "[ChunkedInference] no channels");
  if (options.chunk_samples == 0 || options.chunk_samples > kLongest ||
      options.overlap_samples > options.chunk_samples / 2) {
    fail(
        ErrorCode::invalid_argument,
        "[ChunkedInference] chunks of {} with an overlap of {}: expected 1 to {}, and at most half",
        options.chunk_samples, options.overlap_samples, kLongest);
  }
}

/// Symmetric, so that what one chunk loses the other gains.
std::vector<float> make_fade(const ChunkOptions& options) {
  std::vector<float> fade(options.overlap_samples);
  for (std::size_t i = 0; i < fade.size(); ++i) {
    const double part = (static_cast<double>(i) + 0.5) / static_cast<double>(fade.size());
    const double weight =
        options.fade == ChunkFade::hann ? 0.5 - 0.5 * std::cos(std::numbers::pi * part) : part;
    fade[i] = static_cast<float>(weight);
  }
  return fade;
}

void copy(const ConstAudioView& from, const AudioView& to) noexcept {
  for (std::size_t c = 0; c < from.channels(); ++c) {
    std::memmove(to.channel(c).data(), from.channel(c).data(), from.frames() * sizeof(float));
  }
}

void clear(AudioBuffer& buffer) noexcept {
  for (std::size_t c = 0; c < buffer.channels(); ++c) std::ranges::fill(buffer.channel(c), 0.0F);
}

}  // namespace

ChunkedInference::ChunkedInference(BlockFunction function, const ChunkOptions& options)
    : function_((check(function, options), std::move(function))),
      options_(options),
      hop_(options.chunk_samples - options.overlap_samples),
      latency_(hop_ - 1 + options.latency_samples +
               (options.fade == ChunkFade::none
                    ? options.overlap_samples - options.overlap_samples / 2
                    : options.overlap_samples)),
      fade_(make_fade(options)),
      input_(options.channels, options.chunk_samples),
      output_(options.channels, options.chunk_samples),
      tail_(options.channels, options.overlap_samples),
      ready_(options.channels, 2 * hop_) {
  reset();
}

ChunkedInference::ChunkedInference(PlanBlocks blocks, ChunkOptions options)
    : ChunkedInference(BlockFunction(blocks), (options.channels = blocks.channels(),
                                               options.chunk_samples = blocks.frames(), options)) {}

ChunkedInference::ChunkedInference(Plan plan, const PlanPorts& ports, ChunkOptions options)
    : ChunkedInference(PlanBlocks(std::move(plan), ports), options) {}

void ChunkedInference::reset() noexcept {
  clear(input_);
  clear(tail_);
  clear(ready_);
  // The first chunk begins with an overlap of silence.
  filled_ = options_.overlap_samples;
  first_ready_ = 0;
  ready_frames_ = hop_ - 1;
}

void ChunkedInference::run_chunk() noexcept {
  const std::size_t overlap = options_.overlap_samples;
  if (!silence_what_is_not_finite(input_)) status_.report(Trouble::input_replaced);
  function_(std::as_const(input_), output_);
  if (!silence_what_is_not_finite(output_)) status_.report(Trouble::output_silenced);
  copy(std::as_const(input_).view().part(hop_, overlap), input_.view().part(0, overlap));
  filled_ = overlap;
  for (std::size_t c = 0; c < ready_.channels(); ++c) {
    const std::span<float> ready = ready_.channel(c);
    std::memmove(ready.data(), ready.data() + first_ready_, ready_frames_ * sizeof(float));
    float* const to = ready.data() + ready_frames_;
    const float* const made = output_.channel(c).data();
    if (options_.fade == ChunkFade::none) {
      std::copy_n(made + overlap / 2, hop_, to);
      continue;
    }
    const std::span<float> tail = tail_.channel(c);
    for (std::size_t i = 0; i < overlap; ++i) to[i] = tail[i] + fade_[i] * (made[i] - tail[i]);
    std::copy_n(made + overlap, hop_ - overlap, to + overlap);
    std::copy_n(made + hop_, overlap, tail.begin());
  }
  first_ready_ = 0;
  ready_frames_ += hop_;
}

void ChunkedInference::process(ConstAudioView in, AudioView out) noexcept {
  assert(in.channels() == options_.channels && out.channels() == options_.channels &&
         in.frames() == out.frames());
  const FlushDenormals flush;
  for (std::size_t at = 0; at < in.frames();) {
    const std::size_t count = std::min(in.frames() - at, options_.chunk_samples - filled_);
    copy(in.part(at, count), input_.view().part(filled_, count));
    filled_ += count;
    if (filled_ == options_.chunk_samples) run_chunk();
    copy(std::as_const(ready_).view().part(first_ready_, count), out.part(at, count));
    first_ready_ += count;
    ready_frames_ -= count;
    at += count;
  }
}

}  // namespace metalaudio::nn

#include <metalaudio/core/error.h>
#include <metalaudio/dsp/rate_adapter.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <utility>

namespace metalaudio::dsp {

namespace {

constexpr std::size_t kLargest = std::size_t{1} << 20;
constexpr std::size_t kProcessorFrames = 4096;

void drop_front(AudioBuffer& buffer, std::size_t frames, std::size_t kept) noexcept {
  for (std::size_t c = 0; c < buffer.channels(); ++c) {
    float* const samples = buffer.channel(c).data();
    std::memmove(samples, samples + frames, kept * sizeof(float));
  }
}

void copy(const ConstAudioView& from, const AudioView& to) noexcept {
  for (std::size_t c = 0; c < from.channels(); ++c) {
    std::ranges::copy(from.channel(c), to.channel(c).begin());
  }
}

/// Latency that brings `samples` to a whole number, up to what doubles leave of one.
double rest_to_whole(double samples) {
  const double rest = std::ceil(samples) - samples;
  return rest > 1e-6 && rest < 1.0 - 1e-6 ? rest : 0.0;
}

}  // namespace

RateAdapter::RateAdapter(double host_rate_hz, double processor_rate_hz,
                         const RateAdapterOptions& options, BlockProcessor processor)
    : channels_(options.channels), block_(options.block_samples), processor_(std::move(processor)) {
  if (!processor_) fail(ErrorCode::invalid_argument, "[RateAdapter] no processor");
  if (block_ > kLargest || options.latency_samples > kLargest) {
    fail(ErrorCode::invalid_argument,
         "[RateAdapter] a block of {} and a latency of {} samples: expected at most {}", block_,
         options.latency_samples, kLargest);
  }
  const std::size_t held = block_ > 0 ? block_ - 1 : 0;
  StreamResamplerOptions resampling{.channels = channels_, .passband = options.passband};
  to_processor_.emplace(host_rate_hz, processor_rate_hz, resampling);
  const bool same = host_rate_hz == processor_rate_hz;
  const double ratio = processor_rate_hz / host_rate_hz;
  // The chunk whose frames at the processor's rate fit, one at least.
  chunk_ = static_cast<std::size_t>(
      std::clamp(std::floor(kProcessorFrames / ratio), 1.0, double{kProcessorFrames}));
  const std::size_t arriving = same ? chunk_ : to_processor_->output_frames(chunk_) + 1;
  arrived_ = AudioBuffer(channels_, arriving + held);
  // Up to a block comes back early, and what one host frame takes may be left.
  const auto left = static_cast<std::size_t>(std::ceil(ratio)) + 2;
  processed_ = AudioBuffer(channels_, arriving + 2 * held + left);
  const auto host_samples = [&](std::size_t frames) { return static_cast<double>(frames) / ratio; };
  if (same) {
    to_processor_.reset();
    latency_ = held + options.latency_samples;
  } else {
    const StreamResampler plain(processor_rate_hz, host_rate_hz, resampling);
    const double exact = static_cast<double>(to_processor_->delay_input_samples()) +
                         host_samples(held + options.latency_samples) + plain.latency_samples();
    resampling.extra_delay_samples = rest_to_whole(exact);
    to_host_.emplace(processor_rate_hz, host_rate_hz, resampling);
    latency_ = static_cast<std::size_t>(std::llround(exact + resampling.extra_delay_samples));
    // What may have come back early stays below one processor frame's worth.
    const auto early = static_cast<std::size_t>(std::ceil(host_samples(1))) + 2;
    returned_ = AudioBuffer(channels_, chunk_ + 2 * early);
  }
  reset();
}

void RateAdapter::reset() noexcept {
  if (to_processor_) to_processor_->reset();
  if (to_host_) to_host_->reset();
  waiting_ = 0;
  ready_ = 0;
  done_ = block_ > 0 ? block_ - 1 : 0;
  for (std::size_t c = 0; c < channels_; ++c) std::ranges::fill(processed_.channel(c), 0.0F);
}

/// Runs the processor on what has arrived, and on so many frames that have just come.
void RateAdapter::run_processor(std::size_t frames) noexcept {
  waiting_ += frames;
  const std::size_t step = block_ > 0 ? block_ : waiting_;
  std::size_t at = 0;
  for (; step > 0 && at + step <= waiting_; at += step) {
    processor_(std::as_const(arrived_).view().part(at, step), processed_.view().part(done_, step));
    done_ += step;
  }
  waiting_ -= at;
  if (at > 0) drop_front(arrived_, at, waiting_);
}

void RateAdapter::process_chunk(const ConstAudioView& in, const AudioView& out) noexcept {
  const std::size_t frames = in.frames();
  if (!to_processor_) {
    copy(in, arrived_.view().part(waiting_, frames));
    run_processor(frames);
    copy(std::as_const(processed_).view().part(0, frames), out);
    done_ -= frames;
    drop_front(processed_, frames, done_);
    return;
  }
  const std::size_t arriving = to_processor_->output_frames(frames);
  to_processor_->process(in, arrived_.view().part(waiting_, arriving));
  run_processor(arriving);
  const StreamResampler::Progress back =
      to_host_->process(std::as_const(processed_).view().part(0, done_),
                        returned_.view().part(ready_, returned_.frames() - ready_));
  done_ -= back.consumed;
  drop_front(processed_, back.consumed, done_);
  ready_ += back.produced;
  assert(ready_ >= frames);
  copy(std::as_const(returned_).view().part(0, frames), out);
  ready_ -= frames;
  drop_front(returned_, frames, ready_);
}

void RateAdapter::process(ConstAudioView in, AudioView out) noexcept {
  assert(in.channels() == channels_ && out.channels() == channels_ && in.frames() == out.frames());
  for (std::size_t at = 0; at < in.frames(); at += chunk_) {
    const std::size_t frames = std::min(chunk_, in.frames() - at);
    process_chunk(in.part(at, frames), out.part(at, frames));
  }
}

}  // namespace metalaudio::dsp

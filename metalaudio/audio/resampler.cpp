#include <metalaudio/audio/resampler.h>
#include <metalaudio/core/counted.h>
#include <metalaudio/core/error.h>
#include <soxr.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace metalaudio::audio {
namespace {

constexpr std::size_t kFirstCapacity = 4096;
constexpr std::size_t kSilenceFrames = 1024;
/// Half of soxr's filter in frames of the lower rate, where nothing is left above -150 dB.
constexpr std::int64_t kHalfFilter = 512;

std::vector<const float*> pointers_to(ConstAudioView view) {
  std::vector<const float*> pointers(view.channels());
  for (std::size_t channel = 0; channel < pointers.size(); ++channel)
    pointers[channel] = view.channel(channel).data();
  return pointers;
}

void* open_soxr(int in_rate_hz, int out_rate_hz, std::size_t channels) {
  const soxr_io_spec_t samples = soxr_io_spec(SOXR_FLOAT32_S, SOXR_FLOAT32_S);
  const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_VHQ, 0);
  const soxr_runtime_spec_t one_thread = soxr_runtime_spec(1);
  soxr_error_t error = nullptr;
  soxr_t soxr = soxr_create(in_rate_hz, out_rate_hz, static_cast<unsigned>(channels), &error,
                            &samples, &quality, &one_thread);
  if (error)
    fail(ErrorCode::invalid_argument, "[Resampler] {} to {} Hz: {}", in_rate_hz, out_rate_hz,
         soxr_strerror(error));
  return soxr;
}

soxr_t handle(const void* soxr) { return static_cast<soxr_t>(const_cast<void*>(soxr)); }

void check_rates(int in_rate_hz, int out_rate_hz, std::size_t channels) {
  if (in_rate_hz < 1 || out_rate_hz < 1 || channels < 1)
    fail(ErrorCode::invalid_argument, "[Resampler] {} to {} Hz, {}: expected 1 or more", in_rate_hz,
         out_rate_hz, counted(channels, "channel"));
}

}  // namespace

void Resampler::Close::operator()(void* soxr) const noexcept { soxr_delete(handle(soxr)); }

Resampler::Resampler(int in_rate_hz, int out_rate_hz, std::size_t channels)
    : in_rate_hz_(in_rate_hz), out_rate_hz_(out_rate_hz), channels_(channels) {
  check_rates(in_rate_hz, out_rate_hz, channels);
  reset();
}

Resampler::~Resampler() = default;
Resampler::Resampler(Resampler&&) noexcept = default;
Resampler& Resampler::operator=(Resampler&&) noexcept = default;

void Resampler::reset() {
  if (in_rate_hz_ != out_rate_hz_) soxr_.reset(open_soxr(in_rate_hz_, out_rate_hz_, channels_));
  out_ = AudioBuffer(channels_, kFirstCapacity);
  ready_ = 0;
  frames_in_ = 0;
  frames_out_ = 0;
  flushed_ = false;
}

ConstAudioView Resampler::process(ConstAudioView in) {
  if (in.channels() != channels_ || flushed_)
    fail(ErrorCode::invalid_argument, "[Resampler] process {} of {}{}",
         counted(in.channels(), "channel"), channels_, flushed_ ? " after flush" : "");
  if (!soxr_) return in;
  std::vector<const float*> pointers = pointers_to(in);
  ready_ = 0;
  // soxr takes no pointers as the end of the stream.
  if (in.frames() > 0) pull(std::move(pointers), in.frames());
  frames_in_ += static_cast<std::int64_t>(in.frames());
  frames_out_ += static_cast<std::int64_t>(ready_);
  return ConstAudioView(out_).part(0, ready_);
}

ConstAudioView Resampler::flush(std::optional<std::int64_t> total_frames) {
  ready_ = 0;
  if (!soxr_ || flushed_) return ConstAudioView(out_).part(0, 0);
  flushed_ = true;
  const std::int64_t ratio = frames_in_ * out_rate_hz_ / in_rate_hz_;
  const std::int64_t total =
      total_frames.value_or(frames_in_ > 0 ? std::max<std::int64_t>(ratio, 1) : 0);
  // soxr's own length may be one off, and it ends a stream shorter than its filter early.
  const AudioBuffer silence(channels_, kSilenceFrames);
  const std::vector<const float*> pointers = pointers_to(silence);
  while (frames_out_ + static_cast<std::int64_t>(ready_) < total) pull(pointers, kSilenceFrames);
  pull({}, 0);
  const auto missing = static_cast<std::size_t>(std::max<std::int64_t>(total - frames_out_, 0));
  AudioBuffer tail(channels_, missing);
  for (std::size_t channel = 0; channel < channels_; ++channel)
    std::ranges::copy(out_.channel(channel).first(std::min(ready_, missing)),
                      tail.channel(channel).begin());
  out_ = std::move(tail);
  frames_out_ = total;
  return out_;
}

/// Runs soxr until it has taken everything and gives no more; no pointers end the stream.
void Resampler::pull(std::vector<const float*> in, std::size_t frames) {
  std::vector<float*> out(channels_);
  for (;;) {
    if (ready_ == out_.frames()) {
      AudioBuffer larger(channels_, 2 * out_.frames());
      for (std::size_t channel = 0; channel < channels_; ++channel)
        std::ranges::copy(out_.channel(channel), larger.channel(channel).begin());
      out_ = std::move(larger);
    }
    for (std::size_t channel = 0; channel < channels_; ++channel)
      out[channel] = out_.channel(channel).data() + ready_;
    const std::size_t room = out_.frames() - ready_;
    std::size_t taken = 0;
    std::size_t given = 0;
    const soxr_error_t error = soxr_process(handle(soxr_.get()), in.empty() ? nullptr : in.data(),
                                            frames, &taken, out.data(), room, &given);
    if (error) fail(ErrorCode::out_of_memory, "[Resampler] {}", soxr_strerror(error));
    ready_ += given;
    frames -= taken;
    for (const float*& channel : in) channel += taken;
    if (frames == 0 && given < room) return;
  }
}

std::size_t Resampler::latency_samples() const {
  if (!soxr_) return 0;
  // soxr works in blocks that it does not tell: count on silence, a frame at a time, for so long
  // that several of them pass.
  Resampler probe(in_rate_hz_, out_rate_hz_, 1);
  const AudioBuffer silence(1, 1);
  const double in_per_out = static_cast<double>(in_rate_hz_) / out_rate_hz_;
  double most_held = 0.0;
  std::size_t first_output = 0;
  for (std::size_t frame = 1; first_output == 0 || frame < 4 * first_output; ++frame) {
    probe.process(silence);
    if (probe.frames_out_ > 0 && first_output == 0) first_output = frame;
    const double matched = static_cast<double>(probe.frames_out_) * in_per_out;
    most_held = std::max(most_held, static_cast<double>(frame) - matched);
  }
  return static_cast<std::size_t>(std::ceil(most_held));
}

namespace {

/// The frames from `first` on that hold [zero, end) and what is not 140 dB below the peak.
std::pair<std::int64_t, std::int64_t> audible_part(const std::vector<std::vector<float>>& samples,
                                                   std::int64_t first, std::int64_t zero,
                                                   std::int64_t end) {
  const auto frames = std::ssize(samples[0]);
  std::vector<float> level(samples[0].size());
  for (const auto& channel : samples)
    for (std::size_t i = 0; i < level.size(); ++i)
      level[i] = std::max(level[i], std::abs(channel[i]));
  const float quiet = 1e-7f * *std::ranges::max_element(level);
  const auto is_quiet = [&](std::int64_t frame) {
    return level[static_cast<std::size_t>(frame)] <= quiet;
  };
  std::int64_t last = frames;
  while (first < zero && is_quiet(first)) ++first;
  while (last > end && is_quiet(last - 1)) --last;
  return {first, last};
}

}  // namespace

Resampled resample_whole(ConstAudioView in, int in_rate_hz, int out_rate_hz) {
  Resampler resampler(in_rate_hz, out_rate_hz, in.channels());
  const std::int64_t common = std::gcd(in_rate_hz, out_rate_hz);
  const std::int64_t in_step = in_rate_hz / common;
  const std::int64_t out_step = out_rate_hz / common;
  const bool same = in_step == out_step;
  // Silence before the sound that takes whole frames at both rates.
  const std::int64_t half_in = same ? 0 : kHalfFilter * std::max(in_step, out_step) / out_step + 1;
  const std::int64_t steps = (half_in + in_step - 1) / in_step;
  const std::int64_t lead = same ? 0 : kHalfFilter * std::max(in_step, out_step) / in_step + 1;
  const std::int64_t skipped = steps * out_step - std::min(lead, steps * out_step);
  const auto frames = static_cast<std::int64_t>(in.frames());
  const std::int64_t length = (frames * out_step + in_step - 1) / in_step;

  std::vector<std::vector<float>> out(in.channels());
  const auto append = [&](ConstAudioView view) {
    for (std::size_t channel = 0; channel < out.size(); ++channel)
      out[channel].insert(out[channel].end(), view.channel(channel).begin(),
                          view.channel(channel).end());
  };
  append(resampler.process(AudioBuffer(in.channels(), static_cast<std::size_t>(steps * in_step))));
  append(resampler.process(in));
  append(resampler.flush(steps * out_step + length + lead));

  const std::int64_t zero = steps * out_step;
  const auto [first, last] = audible_part(out, skipped, zero, zero + length);
  Resampled result;
  result.lead = static_cast<std::size_t>(zero - first);
  result.samples = AudioBuffer(in.channels(), static_cast<std::size_t>(last - first));
  for (std::size_t channel = 0; channel < out.size(); ++channel)
    std::copy_n(out[channel].begin() + first, last - first,
                result.samples.channel(channel).begin());
  return result;
}

}  // namespace metalaudio::audio

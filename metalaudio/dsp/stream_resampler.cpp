#include <metalaudio/core/error.h>
#include <metalaudio/core/realtime/denormals.h>
#include <metalaudio/dsp/finite.h>
#include <metalaudio/dsp/resampler/cpu/resampler_kernels.h>
#include <metalaudio/dsp/resampler/resampler_bank.h>
#include <metalaudio/dsp/stream_resampler.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstring>
#include <numeric>

namespace metalaudio::dsp {

namespace {

__extension__ using Wide = unsigned __int128;

constexpr double kWidestRatio = 256.0;
constexpr std::size_t kMostChannels = 256;
constexpr std::size_t kChunk = 1024;  // frames that the history takes before it moves
constexpr std::size_t kPoints = 64;   // outputs at a time
constexpr std::size_t kGlide = 1024;  // outputs
constexpr std::uint64_t kAdjustableUnit = std::uint64_t{1} << 54U;
/// Floats of an exact table: 1 MB.
constexpr std::uint64_t kLargestTable = std::uint64_t{1} << 18U;
/// Cubic interpolation between 64 phases errs by 2.3 / 64^4 at the Nyquist frequency: -137 dB.
constexpr double kInterpolatedPhases = 64.0;

void check(double in_rate_hz, double out_rate_hz, const StreamResamplerOptions& options) {
  constexpr const char* kName = "[StreamResampler]";
  const double ratio = in_rate_hz / out_rate_hz;
  if (!(in_rate_hz > 0.0 && out_rate_hz > 0.0 && std::isfinite(in_rate_hz) &&
        std::isfinite(out_rate_hz) && ratio <= kWidestRatio && ratio >= 1.0 / kWidestRatio)) {
    fail(ErrorCode::invalid_argument, "{} {} to {} Hz: expected rates above 0, at most {} to 1",
         kName, in_rate_hz, out_rate_hz, kWidestRatio);
  }
  if (options.channels == 0 || options.channels > kMostChannels) {
    fail(ErrorCode::invalid_argument, "{} {} channels: expected 1 to {}", kName, options.channels,
         kMostChannels);
  }
  if (!(options.passband >= 0.1 && options.passband <= 0.99)) {
    fail(ErrorCode::invalid_argument, "{} a pass band of {}: expected 0.1 to 0.99", kName,
         options.passband);
  }
  if (!(options.largest_drift >= 0.0 && options.largest_drift <= 0.1)) {
    fail(ErrorCode::invalid_argument, "{} a drift of {}: expected 0 to 0.1", kName,
         options.largest_drift);
  }
  if (!(options.extra_delay_samples >= 0.0 && options.extra_delay_samples < 1.0)) {
    fail(ErrorCode::invalid_argument, "{} an extra delay of {}: expected 0 to below 1", kName,
         options.extra_delay_samples);
  }
}

double unit_ratio(std::uint64_t part, std::uint64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

/// Of cubic interpolation at t between the second and the third of four values.
void set_weights(double t, float* weights) noexcept {
  const double before = t + 1.0, after = t - 1.0, last = t - 2.0;
  weights[0] = static_cast<float>(-t * after * last / 6.0);
  weights[1] = static_cast<float>(before * after * last / 2.0);
  weights[2] = static_cast<float>(-before * t * last / 2.0);
  weights[3] = static_cast<float>(before * t * after / 6.0);
}

}  // namespace

StreamResampler::Ratio StreamResampler::make_ratio(double in_rate_hz, double out_rate_hz,
                                                   bool adjustable) {
  constexpr double kLargestWhole = 9007199254740992.0;  // 2^53
  double in = in_rate_hz, out = out_rate_hz;
  while ((in != std::floor(in) || out != std::floor(out)) && std::max(in, out) < kLargestWhole) {
    in *= 2.0;
    out *= 2.0;
  }
  if (!adjustable && in == std::floor(in) && out == std::floor(out) &&
      std::max(in, out) <= kLargestWhole) {
    const auto step = static_cast<std::uint64_t>(in), unit = static_cast<std::uint64_t>(out);
    const std::uint64_t common = std::gcd(step, unit);
    return {step / common, unit / common};
  }
  const long double ratio = static_cast<long double>(in_rate_hz) / out_rate_hz;
  return {static_cast<std::uint64_t>(std::llroundl(ratio * kAdjustableUnit)), kAdjustableUnit};
}

ResamplerBankOptions StreamResampler::bank_options(const Ratio& ratio,
                                                   const StreamResamplerOptions& options) {
  const double in_per_out = unit_ratio(ratio.step, ratio.unit) * (1.0 + options.largest_drift);
  const double stopband = std::min(1.0, 1.0 / in_per_out);
  const double passband = options.passband * stopband;
  const std::uint64_t taps = ResamplerBank::filter_taps(passband, stopband);
  const bool interpolated = ratio.unit > kLargestTable / taps;
  // A wider filter changes less from one input sample to the next.
  const double phases = std::max(4.0, std::ceil(kInterpolatedPhases * stopband));
  return {.passband = passband,
          .stopband = stopband,
          .phases = interpolated ? static_cast<std::uint64_t>(phases) : ratio.unit,
          .interpolated = interpolated};
}

StreamResampler::~StreamResampler() = default;
StreamResampler::StreamResampler(StreamResampler&&) noexcept = default;
StreamResampler& StreamResampler::operator=(StreamResampler&&) noexcept = default;

std::size_t StreamResampler::delay_input_samples() const noexcept { return bank_->delay_samples(); }

StreamResampler::StreamResampler(double in_rate_hz, double out_rate_hz,
                                 const StreamResamplerOptions& options)
    : ratio_((check(in_rate_hz, out_rate_hz, options),
              make_ratio(in_rate_hz, out_rate_hz, options.largest_drift > 0.0))),
      interpolated_(bank_options(ratio_, options).interpolated),
      phases_(static_cast<double>(bank_options(ratio_, options).phases)),
      largest_drift_(options.largest_drift),
      bank_(std::make_unique<const ResamplerBank>(bank_options(ratio_, options))),
      kernels_(&resampler_kernels()),
      extra_delay_(static_cast<std::uint64_t>(
          std::llround(options.extra_delay_samples * static_cast<double>(ratio_.step)))),
      history_(options.channels,
               bank_->taps() + kChunk + static_cast<std::size_t>(kWidestRatio) + 1),
      step_(ratio_.step),
      target_step_(ratio_.step),
      from_(options.channels),
      to_(options.channels) {
  reset();
}

void StreamResampler::reset() noexcept {
  // Where the extra delay reaches back, there is silence as well.
  const std::uint64_t back = (extra_delay_ + ratio_.unit - 1) / ratio_.unit;
  filled_ = bank_->taps() - 1 + back;
  next_ = bank_->taps() - 1;
  fraction_ = back * ratio_.unit - extra_delay_;
  set_step(target_step_);
  glide_left_ = 0;
  for (std::size_t c = 0; c < history_.channels(); ++c) {
    std::ranges::fill(history_.channel(c), 0.0F);
  }
}

double StreamResampler::extra_delay_samples() const noexcept {
  return unit_ratio(extra_delay_, ratio_.step);
}

double StreamResampler::latency_samples() const noexcept {
  const double units =
      static_cast<double>(bank_->delay_samples()) * static_cast<double>(ratio_.unit);
  return (units + static_cast<double>(extra_delay_)) / static_cast<double>(ratio_.step);
}

void StreamResampler::set_drift(double drift) noexcept {
  if (!(std::abs(drift) <= largest_drift_)) {
    status_.report(Trouble::parameters_refused);
    return;
  }
  const auto exact = static_cast<long double>(ratio_.step) * (1.0L + drift);
  target_step_ = static_cast<std::uint64_t>(std::llroundl(exact));
  const auto way = static_cast<std::int64_t>(target_step_ - step_);
  glide_ = way / static_cast<std::int64_t>(kGlide);
  glide_left_ = way == 0 ? 0 : kGlide;
}

void StreamResampler::set_step(std::uint64_t step) noexcept {
  step_ = step;
  whole_ = step / ratio_.unit;
  rest_ = step % ratio_.unit;
}

void StreamResampler::advance() noexcept {
  if (glide_left_ > 0) {
    --glide_left_;
    set_step(glide_left_ == 0 ? target_step_ : step_ + static_cast<std::uint64_t>(glide_));
  }
  next_ += whole_;
  fraction_ += rest_;
  if (fraction_ >= ratio_.unit) {
    fraction_ -= ratio_.unit;
    ++next_;
  }
}

std::size_t StreamResampler::output_frames(std::size_t input_frames) const noexcept {
  if (next_ >= filled_ + input_frames) return 0;
  const Wide units = Wide{filled_ + input_frames - next_} * ratio_.unit - fraction_;
  const std::uint64_t step = std::min(step_, target_step_);
  return static_cast<std::size_t>((units + step - 1) / step);
}

std::size_t StreamResampler::input_frames(std::size_t output_frames) const noexcept {
  if (output_frames == 0) return 0;
  const Wide units = Wide{output_frames - 1} * std::max(step_, target_step_) + fraction_;
  const auto end = next_ + static_cast<std::size_t>(units / ratio_.unit) + 1;
  return end > filled_ ? end - filled_ : 0;
}

/// Input frames that may be taken before one is ready that has no room.
std::size_t StreamResampler::allowed_input(std::size_t room) const noexcept {
  std::size_t end = next_;
  if (room > 0) {
    const Wide units = Wide{room} * std::min(step_, target_step_) + fraction_;
    end += std::max<std::size_t>(1, static_cast<std::size_t>(units / ratio_.unit));
  }
  return end > filled_ ? end - filled_ : 0;
}

/// The points of the outputs that are ready.
std::size_t StreamResampler::collect(std::size_t most, ResamplerPoint* points) noexcept {
  const double scale = phases_ / static_cast<double>(ratio_.unit);
  std::size_t count = 0;
  for (; count < std::min(most, kPoints) && next_ < filled_; ++count) {
    ResamplerPoint& point = points[count];
    point.at = static_cast<std::uint32_t>(next_ + 1 - bank_->taps());
    if (interpolated_) {
      const double position = static_cast<double>(fraction_) * scale;
      point.row = static_cast<std::uint32_t>(position);
      set_weights(position - point.row, point.weights);
    } else {
      point.row = static_cast<std::uint32_t>(fraction_);
    }
    advance();
  }
  return count;
}

std::size_t StreamResampler::take(const ConstAudioView& in, std::size_t first,
                                  std::size_t frames) noexcept {
  if (filled_ == history_.frames()) {
    const std::size_t gone = next_ + 1 - bank_->taps();
    for (std::size_t c = 0; c < history_.channels(); ++c) {
      float* const samples = history_.channel(c).data();
      std::memmove(samples, samples + gone, (filled_ - gone) * sizeof(float));
    }
    filled_ -= gone;
    next_ -= gone;
  }
  const std::size_t count = std::min(frames, history_.frames() - filled_);
  bool finite = true;
  for (std::size_t c = 0; c < history_.channels(); ++c) {
    finite =
        copy_finite(in.channel(c).subspan(first, count), history_.channel(c).data() + filled_) &&
        finite;
  }
  if (!finite) status_.report(Trouble::input_replaced);
  filled_ += count;
  return count;
}

StreamResampler::Progress StreamResampler::process(ConstAudioView in, AudioView out) noexcept {
  assert(in.channels() == channels() && out.channels() == channels());
  const FlushDenormals flush;
  std::array<ResamplerPoint, kPoints> points;
  Progress done;
  for (;;) {
    const std::size_t room = out.frames() - done.produced;
    const std::size_t count = collect(room, points.data());
    if (count > 0) {
      for (std::size_t c = 0; c < channels(); ++c) {
        from_[c] = history_.channel(c).data();
        to_[c] = out.channel(c).data() + done.produced;
      }
      if (interpolated_) {
        kernels_->interpolated(points.data(), count, bank_->data(), bank_->taps(), from_.data(),
                               to_.data(), channels());
      } else {
        for (std::size_t c = 0; c < channels(); ++c) {
          kernels_->exact(points.data(), count, bank_->data(), bank_->taps(), from_[c], to_[c]);
        }
      }
      done.produced += count;
      continue;
    }
    const std::size_t most = std::min(in.frames() - done.consumed, allowed_input(room));
    if (most == 0) return done;
    done.consumed += take(in, done.consumed, most);
  }
}

}  // namespace metalaudio::dsp

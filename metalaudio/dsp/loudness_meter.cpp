#include <metalaudio/core/error.h>
#include <metalaudio/dsp/loudness_meter.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace metalaudio::dsp {
namespace {

constexpr double kSilence = -std::numeric_limits<double>::infinity();
constexpr double kAbsoluteGateLufs = -70.0;
constexpr double kRelativeGateLu = -10.0;
constexpr double kRangeGateLu = -20.0;
constexpr double kMostLufs = 30.0;
constexpr double kStepLu = 0.01;
constexpr std::size_t kBlockTenths = 4;
constexpr std::size_t kSpanTenths = 30;
constexpr std::size_t kSpanHopTenths = 10;

double lufs(double power) noexcept {
  return power > 0.0 ? -0.691 + 10.0 * std::log10(power) : kSilence;
}

/// The two filters of BS.1770, of which the standard has coefficients for 48 kHz alone, by the
/// analogue prototypes that these come from.
/// Source:   Brecht De Man, "Evaluation of implementations of the EBU R128 loudness measurement",
///           AES 145, 2018
std::array<BiquadCoefficients, 2> k_weighting(int sample_rate_hz) {
  const auto warped = [&](double frequency_hz) {
    return std::tan(std::numbers::pi * frequency_hz / sample_rate_hz);
  };
  BiquadCoefficients head;
  {
    const double k = warped(1681.974450955533);
    const double q = 0.7071752369554196;
    const double high = std::pow(10.0, 3.999843853973347 / 20.0);
    const double band = std::pow(high, 0.4996667741545416);
    const double a0 = 1.0 + k / q + k * k;
    head = {(high + band * k / q + k * k) / a0, 2.0 * (k * k - high) / a0,
            (high - band * k / q + k * k) / a0, 2.0 * (k * k - 1.0) / a0,
            (1.0 - k / q + k * k) / a0};
  }
  BiquadCoefficients low_cut;
  {
    const double k = warped(38.13547087602444);
    const double q = 0.5003270373238773;
    const double a0 = 1.0 + k / q + k * k;
    low_cut = {1.0, -2.0, 1.0, 2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0};
  }
  return {head, low_cut};
}

/// Of each channel in WAVE's order.
std::vector<double> channel_weights(std::size_t channels) {
  constexpr double kAround = 1.41;
  switch (channels) {
    case 4:
      return {1.0, 1.0, kAround, kAround};
    case 5:
      return {1.0, 1.0, 1.0, kAround, kAround};
    case 6:
      return {1.0, 1.0, 1.0, 0.0, kAround, kAround};
    case 8:
      return {1.0, 1.0, 1.0, 0.0, kAround, kAround, kAround, kAround};
    default:
      return std::vector<double>(channels, 1.0);
  }
}

std::array<BiquadCoefficients, 2> checked_weighting(int sample_rate_hz, std::size_t channels) {
  if (sample_rate_hz < 4000 || channels == 0 || channels > 32)
    fail(ErrorCode::invalid_argument,
         "[LoudnessMeter] {} channels at {} Hz: expected 1 to 32, at 4000 Hz or more", channels,
         sample_rate_hz);
  return k_weighting(sample_rate_hz);
}

/// As the standard has it: four times at 48 kHz.
std::size_t oversampling(int sample_rate_hz) {
  return sample_rate_hz < 96000 ? 4 : sample_rate_hz < 192000 ? 2 : 1;
}

}  // namespace

void LoudnessMeter::Histogram::add(double power) noexcept {
  const double loudness = lufs(power);
  if (!(loudness >= kAbsoluteGateLufs)) return;
  const auto step = static_cast<std::size_t>((loudness - kAbsoluteGateLufs) / kStepLu);
  Step& at = steps[std::min(step, steps.size() - 1)];
  ++at.count;
  at.power += power;
}

LoudnessMeter::Histogram::Step LoudnessMeter::Histogram::above(std::size_t first) const noexcept {
  Step sum;
  for (std::size_t i = first; i < steps.size(); ++i) {
    sum.count += steps[i].count;
    sum.power += steps[i].power;
  }
  if (sum.count > 0) sum.power /= static_cast<double>(sum.count);
  return sum;
}

std::size_t LoudnessMeter::Histogram::step_of(double loudness) noexcept {
  return static_cast<std::size_t>(
      std::max(std::ceil((loudness - kAbsoluteGateLufs) / kStepLu - 0.5), 0.0));
}

LoudnessMeter::LoudnessMeter(int sample_rate_hz, std::size_t channels)
    : weights_(channel_weights(channels)),
      weighting_(checked_weighting(sample_rate_hz, channels), {.channels = channels}),
      oversampler_(oversampling(sample_rate_hz),
                   {.channels = channels, .most_frames = kBlockFrames}),
      weighted_(channels, kBlockFrames),
      tenth_frames_(static_cast<std::size_t>((sample_rate_hz + 5) / 10)) {
  const auto steps = static_cast<std::size_t>((kMostLufs - kAbsoluteGateLufs) / kStepLu);
  blocks_.steps.resize(steps);
  spans_.steps.resize(steps);
}

void LoudnessMeter::process(ConstAudioView in) noexcept {
  for (std::size_t first = 0; first < in.frames();) {
    const std::size_t frames =
        std::min({in.frames() - first, kBlockFrames, tenth_frames_ - frames_});
    measure_block(in.part(first, frames));
    first += frames;
    frames_ += frames;
    if (frames_ == tenth_frames_) end_tenth();
  }
}

void LoudnessMeter::measure_block(ConstAudioView in) noexcept {
  const AudioView weighted = weighted_.view().part(0, in.frames());
  weighting_.process(in, weighted);
  for (std::size_t channel = 0; channel < in.channels(); ++channel) {
    double sum = 0.0;
    for (const float sample : weighted.channel(channel))
      sum += static_cast<double>(sample) * static_cast<double>(sample);
    power_ += weights_[channel] * sum;
  }
  measure_peak(in);
}

void LoudnessMeter::measure_peak(ConstAudioView in) noexcept {
  const AudioView fine = oversampler_.up(in);
  for (std::size_t channel = 0; channel < fine.channels(); ++channel)
    for (const float sample : fine.channel(channel)) peak_ = std::max(peak_, std::abs(sample));
}

void LoudnessMeter::end_tenth() noexcept {
  tenths_[tenth_count_ % kTenths] = power_ / static_cast<double>(tenth_frames_);
  ++tenth_count_;
  frames_ = 0;
  power_ = 0.0;
  if (tenth_count_ >= kBlockTenths) blocks_.add(mean_power(kBlockTenths));
  if (tenth_count_ >= kSpanTenths && tenth_count_ % kSpanHopTenths == 0)
    spans_.add(mean_power(kSpanTenths));
}

double LoudnessMeter::mean_power(std::size_t tenths) const noexcept {
  const std::size_t count = std::min(tenths, tenth_count_);
  double sum = 0.0;
  for (std::size_t i = 1; i <= count; ++i) sum += tenths_[(tenth_count_ - i) % kTenths];
  return count > 0 ? sum / static_cast<double>(count) : 0.0;
}

double LoudnessMeter::momentary_lufs() const noexcept { return lufs(mean_power(kBlockTenths)); }
double LoudnessMeter::short_term_lufs() const noexcept { return lufs(mean_power(kSpanTenths)); }

void LoudnessMeter::reset() noexcept {
  weighting_.reset();
  oversampler_.reset();
  frames_ = 0;
  power_ = 0.0;
  tenth_count_ = 0;
  peak_ = 0.0F;
  std::ranges::fill(blocks_.steps, Histogram::Step{});
  std::ranges::fill(spans_.steps, Histogram::Step{});
}

Loudness LoudnessMeter::finish() {
  Loudness result{kSilence, 0.0, kSilence};
  if (const auto all = blocks_.above(0); all.count > 0) {
    const double gate = lufs(all.power) + kRelativeGateLu;
    result.integrated_lufs = lufs(blocks_.above(Histogram::step_of(gate)).power);
  }
  if (const auto all = spans_.above(0); all.count > 0) {
    const std::size_t first = Histogram::step_of(lufs(all.power) + kRangeGateLu);
    const auto last = static_cast<double>(spans_.above(first).count - 1);
    const auto at = [&](double part) {
      std::size_t left = static_cast<std::size_t>(last * part + 0.5) + 1;
      std::size_t step = first;
      while (spans_.steps[step].count < left) left -= spans_.steps[step++].count;
      return lufs(spans_.steps[step].power / static_cast<double>(spans_.steps[step].count));
    };
    result.range_lu = at(0.95) - at(0.10);
  }
  // The filters still hold the last samples back.
  const AudioBuffer silence(weights_.size(), kBlockFrames);
  for (std::size_t sent = 0; sent <= oversampler_.latency_samples(); sent += kBlockFrames)
    measure_peak(silence);
  if (peak_ > 0.0F) result.true_peak_dbtp = 20.0 * std::log10(static_cast<double>(peak_));
  return result;
}

}  // namespace metalaudio::dsp

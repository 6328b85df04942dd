#include <metalaudio/core/error.h>
#include <metalaudio/core/realtime/denormals.h>
#include <metalaudio/core/realtime/triple_buffer.h>
#include <metalaudio/dsp/biquad/biquad_engine.h>
#include <metalaudio/dsp/biquad_cascade.h>

#include <algorithm>
#include <cassert>
#include <vector>

namespace metalaudio::dsp {

namespace {

using Sections = std::vector<BiquadCoefficients>;

/// Steps and settling happen at multiples of these many samples, whatever the blocks are.
constexpr std::size_t kStepSamples = 4;
constexpr std::size_t kSettleSamples = 1024;

double between(double from, double to, double t) { return from + (to - from) * t; }

/// Stable if both ends are: the stable region is convex.
BiquadCoefficients between(const BiquadCoefficients& from, const BiquadCoefficients& to, double t) {
  return {between(from.b0, to.b0, t), between(from.b1, to.b1, t), between(from.b2, to.b2, t),
          between(from.a1, to.a1, t), between(from.a2, to.a2, t)};
}

Sections checked(std::span<const BiquadCoefficients> sections, const BiquadOptions& options) {
  check_stable("BiquadCascade", sections);
  constexpr std::size_t kLargest = std::size_t{1} << 16;
  if (options.channels == 0 || options.channels > kLargest || sections.size() > kLargest) {
    fail(ErrorCode::invalid_argument, "[BiquadCascade] {} channels, {} sections: expected 1 to {}",
         options.channels, sections.size(), kLargest);
  }
  return {sections.begin(), sections.end()};
}

}  // namespace

struct BiquadCascade::Impl {
  Impl(std::span<const BiquadCoefficients> sections, const BiquadOptions& options)
      : target(checked(sections, options)),
        from(target),
        current(target),
        requests(target),
        channels(options.channels),
        ramp_steps(options.ramp_samples / kStepSamples +
                   (options.ramp_samples % kStepSamples == 0 ? 0 : 1)),
        steps_left(0),
        engine(make_biquad_engine(channels, target.size())) {
    engine->set(current);
  }

  void glide_to(std::span<const BiquadCoefficients> sections) noexcept {
    std::copy(sections.begin(), sections.end(), target.begin());
    std::copy(current.begin(), current.end(), from.begin());
    steps_left = std::max<std::size_t>(ramp_steps, 1);
    in_step = 0;
  }

  void step() noexcept {
    --steps_left;
    const double t = ramp_steps == 0 ? 1.0
                                     : static_cast<double>(ramp_steps - steps_left) /
                                           static_cast<double>(ramp_steps);
    for (std::size_t k = 0; k < current.size(); ++k) {
      current[k] = steps_left == 0 ? target[k] : between(from[k], target[k], t);
    }
    engine->set(current);
  }

  void process(const BiquadBlock& block, std::size_t frames) noexcept {
    const FlushDenormals flush;
    if (requests.update()) glide_to(requests.read_buffer());
    for (std::size_t first = 0; first < frames;) {
      if (steps_left > 0 && in_step == 0) step();
      std::size_t count = std::min(frames - first, kSettleSamples - since_settled);
      if (steps_left > 0) count = std::min(count, kStepSamples - in_step);
      if (!engine->process(block, first, count)) status.report(Trouble::input_replaced);
      first += count;
      in_step = (in_step + count) % kStepSamples;
      since_settled = (since_settled + count) % kSettleSamples;
      if (since_settled == 0 && !engine->settle()) status.report(Trouble::state_cleared);
    }
  }

  Sections target;
  Sections from;
  Sections current;
  TripleBuffer<Sections> requests;
  std::size_t channels;
  std::size_t ramp_steps;
  std::size_t steps_left;
  std::size_t in_step = 0;
  std::size_t since_settled = 0;
  RealtimeStatus status;
  std::unique_ptr<BiquadEngine> engine;
};

BiquadCascade::BiquadCascade(std::span<const BiquadCoefficients> sections,
                             const BiquadOptions& options)
    : impl_(std::make_unique<Impl>(sections, options)) {}
BiquadCascade::~BiquadCascade() = default;
BiquadCascade::BiquadCascade(BiquadCascade&&) noexcept = default;
BiquadCascade& BiquadCascade::operator=(BiquadCascade&&) noexcept = default;

std::size_t BiquadCascade::channels() const noexcept { return impl_->channels; }
std::size_t BiquadCascade::sections() const noexcept { return impl_->target.size(); }

void BiquadCascade::process(std::span<const float> in, std::span<float> out) noexcept {
  assert(in.size() == out.size() && in.size() % impl_->channels == 0);
  impl_->process({.in_frames = in.data(), .out_frames = out.data()}, in.size() / impl_->channels);
}

void BiquadCascade::process(ConstAudioView in, AudioView out) noexcept {
  assert(in.channels() == impl_->channels && out.channels() == impl_->channels);
  assert(in.frames() == out.frames());
  impl_->process({.planar = true, .in = in, .out = out}, in.frames());
}

float BiquadCascade::process(float sample) noexcept {
  assert(impl_->channels == 1);
  impl_->process({.in_frames = &sample, .out_frames = &sample}, 1);
  return sample;
}

bool BiquadCascade::set_coefficients(std::span<const BiquadCoefficients> sections) noexcept {
  const bool fine = sections.size() == impl_->target.size() &&
                    std::all_of(sections.begin(), sections.end(), is_stable);
  if (fine) {
    impl_->glide_to(sections);
  } else {
    impl_->status.report(Trouble::parameters_refused);
  }
  return fine;
}

void BiquadCascade::request_coefficients(std::span<const BiquadCoefficients> sections) {
  check_stable("BiquadCascade", sections);
  if (sections.size() != impl_->target.size()) {
    fail(ErrorCode::invalid_argument, "[BiquadCascade] {} sections: expected {}", sections.size(),
         impl_->target.size());
  }
  Sections& slot = impl_->requests.write_buffer();
  std::copy(sections.begin(), sections.end(), slot.begin());
  impl_->requests.publish();
}

void BiquadCascade::reset() noexcept {
  if (impl_->requests.update()) impl_->glide_to(impl_->requests.read_buffer());
  impl_->current = impl_->target;
  impl_->steps_left = 0;
  impl_->in_step = 0;
  impl_->since_settled = 0;
  impl_->engine->set(impl_->current);
  impl_->engine->reset();
}

Trouble BiquadCascade::status() const noexcept { return impl_->status.peek(); }
Trouble BiquadCascade::take_status() noexcept { return impl_->status.take(); }

}  // namespace metalaudio::dsp

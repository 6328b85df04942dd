#include <metalaudio/core/error.h>
#include <metalaudio/core/realtime/denormals.h>
#include <metalaudio/dsp/finite.h>
#include <metalaudio/dsp/state_variable_filter.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>

namespace metalaudio::dsp {

namespace {

/// -600 dB: below it states become zero.
constexpr double kInaudible = 1e-30;

/// Written so that NaN fails.
bool usable(const StateVariableParameters& p, double sample_rate_hz) noexcept {
  return p.frequency_hz > 0.0 && p.frequency_hz < sample_rate_hz / 2.0 && p.q >= 1e-6 &&
         p.q <= 1e6 && std::abs(p.gain_db) <= 120.0;
}

}  // namespace

StateVariableFilter::StateVariableFilter(double sample_rate_hz,
                                         const StateVariableParameters& parameters)
    : sample_rate_hz_(sample_rate_hz), parameters_(parameters) {
  if (!(sample_rate_hz > 0.0 && std::isfinite(sample_rate_hz) &&
        usable(parameters, sample_rate_hz))) {
    fail(ErrorCode::invalid_argument,
         "[StateVariableFilter] {} Hz, Q {}, {} dB at a sample rate of {} Hz: expected a frequency "
         "below half the rate, 1e-6 <= Q <= 1e6, at most 120 dB",
         parameters.frequency_hz, parameters.q, parameters.gain_db, sample_rate_hz);
  }
  mix();
  tune();
}

void StateVariableFilter::mix() noexcept {
  const double a = std::pow(10.0, parameters_.gain_db / 40.0);
  damping_ = 1.0 / parameters_.q;
  warp_ = 1.0;
  const auto set = [&](double m0, double m1, double m2) { m0_ = m0, m1_ = m1, m2_ = m2; };
  switch (parameters_.shape) {
    case StateVariableShape::low_pass:
      return set(0.0, 0.0, 1.0);
    case StateVariableShape::band_pass:
      return set(0.0, damping_, 0.0);
    case StateVariableShape::high_pass:
      return set(1.0, -damping_, -1.0);
    case StateVariableShape::notch:
      return set(1.0, -damping_, 0.0);
    case StateVariableShape::peak:
      return set(-1.0, damping_, 2.0);
    case StateVariableShape::all_pass:
      return set(1.0, -2.0 * damping_, 0.0);
    case StateVariableShape::bell:
      damping_ /= a;
      return set(1.0, damping_ * (a * a - 1.0), 0.0);
    case StateVariableShape::low_shelf:
      warp_ = 1.0 / std::sqrt(a);
      return set(1.0, damping_ * (a - 1.0), a * a - 1.0);
    case StateVariableShape::high_shelf:
      warp_ = std::sqrt(a);
      return set(a * a, damping_ * (1.0 - a) * a, 1.0 - a * a);
  }
}

void StateVariableFilter::tune() noexcept {
  const double g = warp_ * std::tan(std::numbers::pi * parameters_.frequency_hz / sample_rate_hz_);
  a1_ = 1.0 / (1.0 + g * (g + damping_));
  a2_ = g * a1_;
  a3_ = g * a2_;
}

float StateVariableFilter::process(float sample) noexcept {
  process({&sample, 1}, {&sample, 1});
  return sample;
}

void StateVariableFilter::process(std::span<const float> in, std::span<float> out) noexcept {
  assert(in.size() == out.size());
  const FlushDenormals flush;
  for (std::size_t i = 0; i < in.size(); ++i) {
    double x = in[i];
    if (!(std::abs(x) <= double{kLargestSample})) {
      x = 0.0;
      status_.report(Trouble::input_replaced);
    }
    const double v3 = x - state2_;
    const double v1 = a1_ * state1_ + a2_ * v3;
    const double v2 = state2_ + a2_ * state1_ + a3_ * v3;
    state1_ = 2.0 * v1 - state1_;
    state2_ = 2.0 * v2 - state2_;
    if (std::abs(state1_) + std::abs(state2_) < kInaudible) state1_ = state2_ = 0.0;
    out[i] = static_cast<float>(m0_ * x + m1_ * v1 + m2_ * v2);
  }
}

void StateVariableFilter::process(std::span<const float> in, std::span<const float> frequencies_hz,
                                  std::span<float> out) noexcept {
  assert(in.size() == out.size() && in.size() == frequencies_hz.size());
  for (std::size_t i = 0; i < in.size(); ++i) {
    const double hz = frequencies_hz[i];
    if (std::isfinite(hz)) {
      parameters_.frequency_hz = std::clamp(hz, 1e-6 * sample_rate_hz_, 0.4999 * sample_rate_hz_);
      tune();
    } else {
      status_.report(Trouble::parameters_refused);
    }
    out[i] = process(in[i]);
  }
}

bool StateVariableFilter::set(const StateVariableParameters& parameters) noexcept {
  if (!usable(parameters, sample_rate_hz_)) {
    status_.report(Trouble::parameters_refused);
    return false;
  }
  parameters_ = parameters;
  mix();
  tune();
  return true;
}

void StateVariableFilter::reset() noexcept { state1_ = state2_ = 0.0; }

}  // namespace metalaudio::dsp

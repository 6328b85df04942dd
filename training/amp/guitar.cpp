#include "training/amp/guitar.h"

#include <metalaudio/dsp/biquad_design.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <random>

namespace metalaudio::training {
namespace {

/// The same numbers from the same seed with every compiler, which the standard's distributions are
/// not.
class Random {
 public:
  explicit Random(std::uint32_t seed) : engine_(seed) {}
  double uniform(double low, double high) {
    return low + (high - low) * static_cast<double>(engine_()) / 4294967296.0;
  }
  std::size_t below(std::size_t count) { return engine_() % count; }

 private:
  std::mt19937 engine_;
};

class Section {
 public:
  explicit Section(const dsp::BiquadCoefficients& c) : c_(c) {}
  double process(double x) {
    const double y = c_.b0 * x + s1_;
    s1_ = c_.b1 * x - c_.a1 * y + s2_;
    s2_ = c_.b2 * x - c_.a2 * y;
    return y;
  }

 private:
  dsp::BiquadCoefficients c_;
  double s1_ = 0.0;
  double s2_ = 0.0;
};

void add_pluck(const Pluck& pluck, double rate_hz, Random& random, std::vector<double>& sum) {
  const double hz = 440.0 * std::exp2((pluck.note - 69.0) / 12.0);
  const double period = rate_hz / hz;
  // The loop's low pass [stretch, 1 - stretch] and the all-pass complete the period.
  const double brightness = pluck.muted ? 0.72 : 0.93;
  const auto whole = static_cast<std::size_t>(period - (1.0 - brightness) - 0.1);
  const double rest = period - (1.0 - brightness) - static_cast<double>(whole);
  const double all_pass = (1.0 - rest) / (1.0 + rest);
  // Seconds to fall by 60 dB; low strings ring longer.
  const double ring = pluck.muted ? 0.35 : std::clamp(9.0 - 0.09 * pluck.note, 1.5, 6.0);
  const double loss = std::pow(10.0, -3.0 / (hz * ring));
  const double damped = std::pow(10.0, -3.0 / (hz * 0.08));

  std::vector<double> string(whole);
  double dull = 0.0;
  const double softness = 0.75 - 0.6 * pluck.strength;
  for (double& sample : string) {
    dull += (1.0 - softness) * (random.uniform(-1.0, 1.0) - dull);
    sample = dull;
  }
  double mean = 0.0;
  for (const double sample : string) mean += sample / static_cast<double>(whole);
  for (double& sample : string) sample -= mean;
  const std::vector<double> plucked = string;
  const auto pick = static_cast<std::size_t>(0.13 * static_cast<double>(whole)) + 1;
  for (std::size_t i = 0; i < whole; ++i)
    string[i] = pluck.strength * (plucked[i] - plucked[(i + whole - pick) % whole]);

  const auto first = static_cast<std::size_t>(pluck.start_seconds * rate_hz);
  const auto held = static_cast<std::size_t>(pluck.length_seconds * rate_hz);
  const std::size_t frames = held + static_cast<std::size_t>(0.15 * rate_hz);
  double before = 0.0, in_before = 0.0, out_before = 0.0;
  for (std::size_t n = 0; n < frames && first + n < sum.size(); ++n) {
    double& place = string[n % whole];
    const double x = place;
    sum[first + n] += x;
    const double smooth = brightness * x + (1.0 - brightness) * before;
    before = x;
    const double tuned = all_pass * (smooth - out_before) + in_before;
    in_before = smooth;
    out_before = tuned;
    place = tuned * (n < held ? loss : damped);
  }
}

void add_chord(std::vector<Pluck>& plucks, double at, double root, std::span<const double> steps,
               double length, double strength, bool muted, double strum_seconds) {
  for (std::size_t i = 0; i < steps.size(); ++i)
    plucks.push_back({.start_seconds = at + strum_seconds * static_cast<double>(i),
                      .note = root + steps[i],
                      .length_seconds = length,
                      .strength = strength,
                      .muted = muted});
}

constexpr std::array kPower = {0.0, 7.0, 12.0};
constexpr std::array kMajor = {0.0, 7.0, 12.0, 16.0, 19.0, 24.0};
constexpr std::array kMinor = {0.0, 7.0, 12.0, 15.0, 19.0, 24.0};
constexpr std::array kSeventh = {0.0, 7.0, 10.0, 16.0, 19.0};

}  // namespace

std::vector<float> play_guitar(std::span<const Pluck> plucks, double seconds, double sample_rate_hz,
                               std::uint32_t seed) {
  Random random(seed);
  std::vector<double> sum(static_cast<std::size_t>(seconds * sample_rate_hz));
  for (const Pluck& pluck : plucks) add_pluck(pluck, sample_rate_hz, random, sum);
  Section body(dsp::design_biquad({dsp::BiquadShape::high_pass, 70.0, sample_rate_hz}));
  Section pickup(
      dsp::design_biquad({dsp::BiquadShape::low_pass, 3800.0, sample_rate_hz, dsp::Q(1.8)}));
  double peak = 1e-9;
  for (double& sample : sum) {
    sample = pickup.process(body.process(sample));
    peak = std::max(peak, std::abs(sample));
  }
  std::vector<float> out(sum.size());
  std::ranges::transform(sum, out.begin(),
                         [peak](double x) { return static_cast<float>(x / peak); });
  return out;
}

std::vector<Pluck> random_playing(double seconds, std::uint32_t seed) {
  Random random(seed);
  std::vector<Pluck> plucks;
  constexpr std::array scale = {0.0, 3.0, 5.0, 7.0, 10.0, 12.0, 15.0, 17.0};
  for (double at = 0.0; at < seconds;) {
    const double root = 40.0 + static_cast<double>(random.below(13));
    const double strength = random.uniform(0.25, 1.0);
    switch (random.below(4)) {
      case 0: {  // one chord that rings
        const std::array<std::span<const double>, 4> chords{kPower, kMajor, kMinor, kSeventh};
        const double length = random.uniform(0.8, 2.5);
        add_chord(plucks, at, root, chords[random.below(4)], length, strength, false,
                  random.uniform(0.003, 0.03));
        at += length;
        break;
      }
      case 1: {  // a rhythm on two strings, every other stroke muted
        const double step = random.uniform(0.11, 0.22);
        for (int i = 0; i < 8; ++i, at += step)
          add_chord(plucks, at, root, std::span(kPower).first(2), 0.9 * step, strength, i % 3 != 0,
                    0.004);
        break;
      }
      case 2: {  // a run
        const double step = random.uniform(0.12, 0.35);
        for (int i = 0; i < 8; ++i, at += step)
          add_chord(plucks, at, root + 12.0 + scale[random.below(scale.size())],
                    std::span(kPower).first(1), 0.95 * step, random.uniform(0.3, 1.0), false, 0.0);
        break;
      }
      default: {  // a long note, or two in a bend's interval
        const double length = random.uniform(1.0, 2.5);
        const std::array pair = {0.0, random.uniform(3.0, 5.0)};
        add_chord(plucks, at, root + 12.0 + static_cast<double>(random.below(18)),
                  std::span(pair).first(1 + random.below(2)), length, strength, false, 0.01);
        at += length;
      }
    }
    at += random.below(3) == 0 ? random.uniform(0.1, 0.6) : 0.0;
  }
  return plucks;
}

std::vector<Pluck> demo_playing() {
  std::vector<Pluck> plucks;
  // Em, C, G, D in bars of eight eighths at 132 beats a minute.
  constexpr double eighth = 60.0 / 132.0 / 2.0;
  struct Bar {
    double root;
    std::span<const double> chord;
  };
  const std::array<Bar, 4> bars{{{40, kMinor}, {48, kMajor}, {43, kMajor}, {50, kMajor}}};
  double at = 0.1;
  for (const Bar& bar : std::span(bars).first(2)) {  // picked softly, notes ring into the next ones
    for (const std::size_t string : {0U, 2U, 3U, 4U, 5U, 4U, 3U, 2U}) {
      plucks.push_back({.start_seconds = at,
                        .note = bar.root + bar.chord[string],
                        .length_seconds = 4.0 * eighth,
                        .strength = 0.35});
      at += eighth;
    }
  }
  for (const Bar& bar : bars) {  // power chords with mutes between them
    for (int i = 0; i < 8; ++i, at += eighth) {
      const bool open = i == 0 || i == 3 || i == 6;
      add_chord(plucks, at, bar.root, std::span<const double>(kPower).first(open ? 3 : 2),
                (open ? 1.8 : 0.8) * eighth, open ? 0.95 : 0.6, !open, 0.006);
    }
  }
  add_chord(plucks, at, 40.0, kMinor, 2.6, 1.0, false, 0.02);
  return plucks;
}

std::vector<float> cabinet_response(double sample_rate_hz) {
  using dsp::BiquadShape;
  const auto section = [&](BiquadShape shape, double hz, double q, double gain_db = 0.0) {
    return dsp::design_biquad({shape, hz, sample_rate_hz, dsp::Q(q), gain_db});
  };
  std::vector<dsp::BiquadCoefficients> sections{section(BiquadShape::high_pass, 75.0, 0.9),
                                                section(BiquadShape::peaking, 115.0, 2.0, 5.0),
                                                section(BiquadShape::peaking, 420.0, 0.9, -5.0),
                                                section(BiquadShape::peaking, 1250.0, 2.2, -2.5),
                                                section(BiquadShape::peaking, 1900.0, 2.5, 2.5),
                                                section(BiquadShape::peaking, 2700.0, 2.0, 6.0),
                                                section(BiquadShape::peaking, 3500.0, 5.0, -4.0),
                                                section(BiquadShape::peaking, 4200.0, 4.0, 5.0)};
  for (const auto& part : dsp::design_butterworth(dsp::PassBand::low, 6, 5000.0, sample_rate_hz))
    sections.push_back(part);
  double loudest_db = -300.0;
  for (double hz = 40.0; hz < 8000.0; hz *= 1.01)
    loudest_db = std::max(loudest_db, dsp::response_db(sections, hz, sample_rate_hz));
  const double gain = std::pow(10.0, -loudest_db / 20.0);

  std::vector<double> impulse(static_cast<std::size_t>(0.04 * sample_rate_hz));
  const auto at = [&](double seconds) {
    return static_cast<std::size_t>(seconds * sample_rate_hz);
  };
  impulse[0] = gain;
  impulse[at(0.00083)] = -0.16 * gain;  // the box's edge
  impulse[at(0.0031)] = 0.09 * gain;    // its floor
  std::vector<Section> run(sections.begin(), sections.end());
  std::vector<float> response(impulse.size());
  for (std::size_t i = 0; i < impulse.size(); ++i) {
    double x = impulse[i];
    for (Section& s : run) x = s.process(x);
    // The last quarter fades, so that the end is none that one hears.
    const double left =
        static_cast<double>(impulse.size() - i) / static_cast<double>(impulse.size());
    const double fade = left > 0.25 ? 1.0 : 0.5 - 0.5 * std::cos(std::numbers::pi * left / 0.25);
    response[i] = static_cast<float>(x * fade);
  }
  return response;
}

}  // namespace metalaudio::training

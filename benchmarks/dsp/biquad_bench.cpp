#include "biquad_bench.h"

#include <fmt/format.h>
#include <metalaudio/dsp/biquad_cascade.h>
#include <metalaudio/dsp/biquad_design.h>
#include <metalaudio/dsp/filter_bank.h>

#include <cmath>
#include <string>
#include <vector>

#include "measure.h"

namespace metalaudio::bench {

namespace {

using Sections = std::vector<dsp::BiquadCoefficients>;
constexpr std::size_t kFrames = 512;
constexpr double kRate = 48000.0;

Sections equalizer() {
  Sections sections;
  for (int i = 0; i < 8; ++i) {
    sections.push_back(dsp::design_biquad({.shape = dsp::BiquadShape::peaking,
                                           .frequency_hz = 40.0 * std::pow(2.2, i),
                                           .sample_rate_hz = kRate,
                                           .gain_db = i % 2 == 0 ? 3.0 : -3.0}));
  }
  return sections;
}

std::vector<float> noise(std::size_t size) {
  std::vector<float> x(size);
  for (std::size_t i = 0; i < size; ++i) {
    x[i] = std::sin(0.1F * static_cast<float>(i * i % 1009));
  }
  return x;
}

/// The reference: a transposed direct form II in float, section after section, as most write it.
class PlainCascade {
 public:
  explicit PlainCascade(const Sections& sections) {
    for (const auto& c : sections) {
      sections_.push_back({static_cast<float>(c.b0), static_cast<float>(c.b1),
                           static_cast<float>(c.b2), static_cast<float>(c.a1),
                           static_cast<float>(c.a2)});
    }
  }
  void process(const float* in, float* out, std::size_t frames, std::size_t stride) {
    for (std::size_t i = 0; i < frames; ++i) {
      float v = in[i * stride];
      for (Section& s : sections_) {
        const float y = s.b0 * v + s.s1;
        s.s1 = s.b1 * v - s.a1 * y + s.s2;
        s.s2 = s.b2 * v - s.a2 * y;
        v = y;
      }
      out[i * stride] = v;
    }
  }

 private:
  struct Section {
    float b0, b1, b2, a1, a2;
    float s1 = 0.0F, s2 = 0.0F;
  };
  std::vector<Section> sections_;
};

void report(const std::string& name, double ns, double reference_ns, double mark_ns,
            nlohmann::json& rows) {
  nlohmann::json row = {{"name", name}, {"ns", ns}, {"reference_ns", reference_ns}};
  if (mark_ns > 0.0) row["mark_ns"] = mark_ns;
  fmt::print("{:<28} {:>7.3f} ns per sample and channel, plain {:>6.2f} ({:.1f}x)  mark {}\n", name,
             ns, reference_ns, reference_ns / ns, mark_ns);
  rows.push_back(row);
}

void bench_channels(std::size_t channels, bool planar, double mark_ns, nlohmann::json& rows) {
  const auto x = noise(channels * kFrames);
  std::vector<float> y(x.size());
  std::vector<const float*> in;
  std::vector<float*> out;
  for (std::size_t c = 0; c < channels; ++c) {
    in.push_back(x.data() + c * kFrames);
    out.push_back(y.data() + c * kFrames);
  }
  dsp::BiquadCascade cascade(equalizer(), {.channels = channels});
  std::vector<PlainCascade> plain(channels, PlainCascade(equalizer()));
  Race race;
  if (planar) {
    race.add([&] { cascade.process({in, kFrames}, {out, kFrames}); });
  } else {
    race.add([&] { cascade.process(x, y); });
  }
  race.add([&] {
    for (std::size_t c = 0; c < channels; ++c) {
      plain[c].process(planar ? in[c] : x.data() + c, planar ? out[c] : y.data() + c, kFrames,
                       planar ? 1 : channels);
    }
  });
  const auto ns = race.run();
  const auto samples = static_cast<double>(channels * kFrames);
  const std::string layout =
      channels == 1 ? "mono" : fmt::format("{}ch/{}", channels, planar ? "planar" : "interleaved");
  report("biquad/8/" + layout, ns[0] / samples, ns[1] / samples, mark_ns, rows);
}

/// The same signal at full level and decaying below the smallest normal numbers.
void bench_denormals(nlohmann::json& rows) {
  std::vector<float> quiet = noise(kFrames);
  for (float& v : quiet) v *= 1e-39F;
  const auto loud = noise(kFrames);
  std::vector<float> y(kFrames);
  dsp::BiquadCascade a(equalizer());
  dsp::BiquadCascade b(equalizer());
  Race race;
  race.add([&] { a.process(quiet, y); });
  race.add([&] { b.process(loud, y); });
  const auto ns = race.run();
  report("biquad/8/mono/denormal", ns[0] / kFrames, ns[1] / kFrames, 0.0, rows);
}

void bench_bank(nlohmann::json& rows) {
  const auto bands = dsp::octave_bands(dsp::OctaveFraction::third_octave, 25.0, 20000.0);
  const auto filters = dsp::design_band_passes(bands, kRate);
  dsp::FilterBank bank(filters);
  std::vector<PlainCascade> plain;
  for (const auto& sections : filters) plain.emplace_back(sections);
  const auto x = noise(kFrames);
  std::vector<float> y(kFrames * bands.size());
  std::vector<float*> out;
  for (std::size_t i = 0; i < bands.size(); ++i) out.push_back(y.data() + i * kFrames);
  Race race;
  race.add([&] { bank.process(x, {out, kFrames}); });
  race.add([&] {
    for (std::size_t i = 0; i < bands.size(); ++i) {
      plain[i].process(x.data(), out[i], kFrames, 1);
    }
  });
  const auto ns = race.run();
  const auto samples = static_cast<double>(y.size());
  report("filterbank/third_octave", ns[0] / samples, ns[1] / samples, 0.0, rows);
}

}  // namespace

void bench_biquads(nlohmann::json& rows) {
  bench_channels(1, true, 2.2, rows);
  for (const std::size_t channels : {2U, 4U, 6U, 7U, 8U, 12U, 16U}) {
    for (const bool planar : {true, false}) {
      bench_channels(channels, planar, channels == 16 ? 0.6 : 0.0, rows);
    }
  }
  bench_denormals(rows);
  bench_bank(rows);
}

}  // namespace metalaudio::bench

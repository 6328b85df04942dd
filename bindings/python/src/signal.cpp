#include <metalaudio/audio/resampler.h>
#include <metalaudio/dsp/biquad_cascade.h>
#include <metalaudio/dsp/biquad_design.h>
#include <metalaudio/dsp/convolve.h>
#include <metalaudio/dsp/fft.h>
#include <metalaudio/dsp/stft.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "bindings/python/src/arrays.h"

namespace metalaudio::python {
namespace {

using Sections = std::vector<std::vector<double>>;

/// Short-time transforms of whole signals, with a window that Python has made.
class WholeStft {
 public:
  WholeStft(std::size_t fft_size, std::size_t hop, const Samples& window, bool center,
            const std::string& padding)
      : center_(center), stft_(options_of(fft_size, hop, window, center, padding)) {}

  std::size_t frames(std::size_t samples) const { return stft_.frames(samples); }

  void forward(const Samples& x, const SpectraOut& out) const {
    const auto from = span_of(x);
    const auto to = span_of(out);
    const nb::gil_scoped_release release;
    stft_.forward(from, to);
  }

  /// librosa.istft: overlap-add over as many frames as give out.size() samples, divided by the
  /// windows' squares where there are any.
  void inverse(const Spectra& spectra, const SamplesOut& out) const {
    const std::span<float> to = span_of(out);
    const std::size_t bins = stft_.bins();
    if (spectra.shape(1) != bins)
      fail(ErrorCode::invalid_argument, "[istft] {} bins: expected {}", spectra.shape(1), bins);
    const nb::gil_scoped_release release;
    const std::size_t start = center_ ? stft_.fft_size() / 2 : 0;
    std::vector<float> weights(to.size(), 0.0F);
    std::vector<float> frame(stft_.fft_size());
    dsp::Stft::Scratch scratch = stft_.make_scratch();
    std::ranges::fill(to, 0.0F);
    for (std::size_t f = 0; f < spectra.shape(0); ++f) {
      const std::size_t first = f * stft_.hop_samples();
      if (first >= start + to.size()) break;
      stft_.synthesize_frame(std::span(spectra.data() + f * bins, bins), frame, scratch);
      const std::span<const float> window = stft_.window();
      for (std::size_t i = first < start ? start - first : 0;
           i < frame.size() && first + i - start < to.size(); ++i) {
        to[first + i - start] += frame[i];
        weights[first + i - start] += window[i] * window[i];
      }
    }
    for (std::size_t i = 0; i < to.size(); ++i)
      if (weights[i] > std::numeric_limits<float>::min()) to[i] /= weights[i];
  }

 private:
  static dsp::StftOptions options_of(std::size_t fft_size, std::size_t hop, const Samples& window,
                                     bool center, const std::string& padding) {
    dsp::StftOptions options;
    options.fft_size = fft_size;
    options.hop_samples = hop;
    options.own_window.assign(window.data(), window.data() + window.size());
    options.center = center;
    options.padding = choose("pad_mode", padding,
                             {std::pair{"constant", dsp::StftPadding::constant},
                              {"reflect", dsp::StftPadding::reflect},
                              {"edge", dsp::StftPadding::replicate}});
    return options;
  }

  bool center_;
  dsp::Stft stft_;
};

void resample(const Channels& x, const ChannelsOut& out, int in_rate, int out_rate) {
  const ConstAudioView from = view_of(x);
  const AudioView to = view_of(out);
  if (from.channels() != to.channels())
    fail(ErrorCode::invalid_argument, "[resample] {} channels into {}", from.channels(),
         to.channels());
  const nb::gil_scoped_release release;
  audio::Resampler resampler(in_rate, out_rate, from.channels());
  std::size_t done = 0;
  const auto take = [&](ConstAudioView ready) {
    const std::size_t frames = std::min(ready.frames(), to.frames() - done);
    for (std::size_t c = 0; c < to.channels(); ++c)
      std::ranges::copy(ready.channel(c).first(frames), to.channel(c).subspan(done).begin());
    done += frames;
  };
  constexpr std::size_t kBlock = 1 << 16;
  for (std::size_t at = 0; at < from.frames(); at += kBlock)
    take(resampler.process(from.part(at, std::min(kBlock, from.frames() - at))));
  take(resampler.flush(static_cast<std::int64_t>(to.frames())));
  for (std::size_t c = 0; c < to.channels(); ++c)
    std::ranges::fill(to.channel(c).subspan(done), 0.0F);
}

std::vector<dsp::BiquadCoefficients> sections_of(const DoubleRows& sos) {
  std::vector<dsp::BiquadCoefficients> sections;
  for (std::size_t i = 0; i < sos.shape(0); ++i) {
    const double* const row = sos.data() + i * 6;
    sections.push_back({row[0], row[1], row[2], row[4], row[5]});
  }
  return sections;
}

void filter_float(const DoubleRows& sos, const Channels& x, const ChannelsOut& out) {
  const auto sections = sections_of(sos);
  const ConstAudioView from = view_of(x);
  const AudioView to = view_of(out);
  const nb::gil_scoped_release release;
  dsp::BiquadOptions options;
  options.channels = from.channels();
  dsp::BiquadCascade cascade(sections, options);
  cascade.process(from, to);
  if (cascade.status() != Trouble::none)
    fail(ErrorCode::invalid_data, "[sosfilt] samples that are not finite, or beyond 1e9");
}

/// scipy's form, in double, with its state: zi[channels][sections][2].
void filter_double(const DoubleRows& sos, const DoubleRows& x, const DoubleRowsOut& zi,
                   const DoubleRowsOut& out) {
  const auto sections = sections_of(sos);
  const nb::gil_scoped_release release;
  for (std::size_t c = 0; c < x.shape(0); ++c) {
    const double* const from = x.data() + c * x.shape(1);
    double* const to = out.data() + c * x.shape(1);
    double* const state = zi.data() + c * zi.shape(1);
    for (std::size_t n = 0; n < x.shape(1); ++n) {
      double value = from[n];
      for (std::size_t s = 0; s < sections.size(); ++s) {
        const dsp::BiquadCoefficients& section = sections[s];
        double* const z = state + 2 * s;
        const double next = section.b0 * value + z[0];
        z[0] = section.b1 * value - section.a1 * next + z[1];
        z[1] = section.b2 * value - section.a2 * next;
        value = next;
      }
      to[n] = value;
    }
  }
}

void convolve_float(const Samples& a, const Samples& b, const SamplesOut& out) {
  const auto first = span_of(a);
  const auto second = span_of(b);
  const auto to = span_of(out);
  const nb::gil_scoped_release release;
  const bool swap = first.size() < second.size();
  const std::vector<float> y = dsp::convolve(swap ? second : first, swap ? first : second);
  if (y.size() != to.size())
    fail(ErrorCode::invalid_argument, "[fftconvolve] room for {}: expected {}", to.size(),
         y.size());
  std::ranges::copy(y, to.begin());
}

void convolve_double(const Doubles& a, const Doubles& b, const DoublesOut& out) {
  const auto first = span_of(a);
  const auto second = span_of(b);
  const auto to = span_of(out);
  const nb::gil_scoped_release release;
  const std::size_t size = std::bit_ceil(std::max<std::size_t>(to.size(), 2));
  dsp::FftDouble fft(size);
  std::vector<double> padded(size, 0.0);
  std::vector<std::complex<double>> spectrum(fft.bins());
  std::vector<std::complex<double>> other(fft.bins());
  std::ranges::copy(first, padded.begin());
  fft.forward(padded, spectrum);
  std::ranges::fill(padded, 0.0);
  std::ranges::copy(second, padded.begin());
  fft.forward(padded, other);
  for (std::size_t k = 0; k < spectrum.size(); ++k) spectrum[k] *= other[k];
  fft.inverse(spectrum, padded);
  std::copy_n(padded.begin(), to.size(), to.begin());
}

Sections butterworth(std::size_t order, double low_hz, double high_hz, double rate_hz,
                     const std::string& kind) {
  std::vector<dsp::BiquadCoefficients> design;
  if (kind == "bandpass")
    design = dsp::design_butterworth_band(order, low_hz, high_hz, rate_hz);
  else
    design = dsp::design_butterworth(
        choose("btype", kind,
               {std::pair{"lowpass", dsp::PassBand::low}, {"highpass", dsp::PassBand::high}}),
        order, low_hz, rate_hz);
  Sections sections;
  for (const auto& section : design)
    sections.push_back({section.b0, section.b1, section.b2, 1.0, section.a1, section.a2});
  return sections;
}

}  // namespace

void bind_signal(nb::module_& module) {
  nb::class_<WholeStft>(module, "WholeStft")
      .def(nb::init<std::size_t, std::size_t, const Samples&, bool, const std::string&>(),
           nb::arg("fft_size"), nb::arg("hop"), nb::arg("window").noconvert(), nb::arg("center"),
           nb::arg("padding"))
      .def("frames", &WholeStft::frames, nb::arg("samples"))
      .def("forward", &WholeStft::forward, nb::arg("x").noconvert(), nb::arg("out").noconvert())
      .def("inverse", &WholeStft::inverse, nb::arg("spectra").noconvert(),
           nb::arg("out").noconvert());
  module.def("resample", &resample, nb::arg("x").noconvert(), nb::arg("out").noconvert(),
             nb::arg("in_rate"), nb::arg("out_rate"));
  module.def("filter_float", &filter_float, nb::arg("sos").noconvert(), nb::arg("x").noconvert(),
             nb::arg("out").noconvert());
  module.def("filter_double", &filter_double, nb::arg("sos").noconvert(), nb::arg("x").noconvert(),
             nb::arg("zi").noconvert(), nb::arg("out").noconvert());
  module.def("convolve_float", &convolve_float, nb::arg("a").noconvert(), nb::arg("b").noconvert(),
             nb::arg("out").noconvert());
  module.def("convolve_double", &convolve_double, nb::arg("a").noconvert(),
             nb::arg("b").noconvert(), nb::arg("out").noconvert());
  module.def("butterworth", &butterworth, nb::arg("order"), nb::arg("low_hz"), nb::arg("high_hz"),
             nb::arg("rate_hz"), nb::arg("kind"));
  module.def(
      "make_window",
      [](std::size_t size, const std::string& shape, double beta, const SamplesOut& out) {
        dsp::WindowOptions options;
        options.kaiser_beta = beta;
        options.shape = choose("window", shape,
                               {std::pair{"boxcar", dsp::WindowShape::rectangular},
                                {"hann", dsp::WindowShape::hann},
                                {"hamming", dsp::WindowShape::hamming},
                                {"blackman", dsp::WindowShape::blackman},
                                {"blackmanharris", dsp::WindowShape::blackman_harris},
                                {"kaiser", dsp::WindowShape::kaiser}});
        std::ranges::copy(dsp::make_window(size, options), out.data());
      },
      nb::arg("size"), nb::arg("shape"), nb::arg("beta"), nb::arg("out").noconvert());
}

}  // namespace metalaudio::python

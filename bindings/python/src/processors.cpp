#include <metalaudio/dsp/biquad_cascade.h>
#include <metalaudio/dsp/convolution.h>
#include <metalaudio/dsp/filter_bank.h>
#include <metalaudio/dsp/stft_analyzer.h>
#include <metalaudio/dsp/stft_synthesizer.h>
#include <metalaudio/models/amp/amp.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "bindings/python/src/arrays.h"

namespace metalaudio::python {
namespace {

using Rows = std::vector<std::vector<double>>;  // b0 b1 b2 a0 a1 a2

std::vector<dsp::BiquadCoefficients> sections_of(const Rows& sos) {
  std::vector<dsp::BiquadCoefficients> sections;
  for (const auto& row : sos) {
    if (row.size() != 6 || row[3] != 1.0)
      fail(ErrorCode::invalid_argument, "[metalaudio] sos: rows of b0 b1 b2 1 a1 a2");
    sections.push_back({row[0], row[1], row[2], row[4], row[5]});
  }
  return sections;
}

Rows rows_of(std::span<const dsp::BiquadCoefficients> sections) {
  Rows rows;
  for (const auto& s : sections) rows.push_back({s.b0, s.b1, s.b2, 1.0, s.a1, s.a2});
  return rows;
}

/// A processor cannot throw where it runs; Python is told afterwards.
void tell(Trouble trouble, const char* name) {
  if (trouble == Trouble::none) return;
  if (trouble == Trouble::input_replaced)
    fail(ErrorCode::invalid_data,
         "[{}] samples that are not finite, or out of range, were taken for silence", name);
  fail(ErrorCode::invalid_data, "[{}] {}", name, to_string(trouble));
}

void check_rows(const char* name, std::size_t in, std::size_t expected_in, std::size_t out,
                std::size_t expected_out, std::size_t frames, std::size_t out_frames) {
  if (in != expected_in || out != expected_out || frames != out_frames)
    fail(ErrorCode::invalid_argument,
         "[{}] [{}, {}] into [{}, {}]: expected {} channels into {}, of one length", name, in,
         frames, out, out_frames, expected_in, expected_out);
}

class Convolution {
 public:
  Convolution(const Channels& ir, std::size_t inputs, std::size_t outputs, std::size_t block,
              std::size_t crossfade)
      : options_(options_of(inputs, outputs, block, crossfade)),
        convolution_(dsp::convolution_routes(view_of(ir), inputs, outputs), options_) {}

  void process(const Channels& x, const ChannelsOut& out) {
    check_rows("Convolution", x.shape(0), options_.inputs, out.shape(0), options_.outputs,
               x.shape(1), out.shape(1));
    const ConstAudioView from = view_of(x);
    const AudioView to = view_of(out);
    const Released released(mutex_);
    convolution_.process(from, to);
    tell(convolution_.take_status(), "Convolution");
  }
  void swap(const Channels& ir) {
    const ConstAudioView view = view_of(ir);
    const nb::gil_scoped_release release;
    convolution_.swap_ir(dsp::convolution_routes(view, options_.inputs, options_.outputs));
  }
  void reset() {
    const Released released(mutex_);
    convolution_.reset();
  }
  std::size_t inputs() const { return options_.inputs; }
  std::size_t outputs() const { return options_.outputs; }
  std::size_t latency_samples() const { return convolution_.latency_samples(); }

 private:
  static dsp::ConvolutionOptions options_of(std::size_t inputs, std::size_t outputs,
                                            std::size_t block, std::size_t crossfade) {
    dsp::ConvolutionOptions options;
    options.inputs = inputs;
    options.outputs = outputs;
    options.block_samples = block;
    options.crossfade_samples = crossfade;
    return options;
  }

  dsp::ConvolutionOptions options_;
  dsp::Convolution convolution_;
  std::recursive_mutex mutex_;
};

class BiquadCascade {
 public:
  BiquadCascade(const Rows& sos, std::size_t channels, std::size_t ramp)
      : cascade_(sections_of(sos), dsp::BiquadOptions{channels, ramp}) {}

  void process(const Channels& x, const ChannelsOut& out) {
    check_rows("BiquadCascade", x.shape(0), channels(), out.shape(0), channels(), x.shape(1),
               out.shape(1));
    const ConstAudioView from = view_of(x);
    const AudioView to = view_of(out);
    const Released released(mutex_);
    cascade_.process(from, to);
    tell(cascade_.take_status(), "BiquadCascade");
  }
  void set_sos(const Rows& sos) { cascade_.request_coefficients(sections_of(sos)); }
  void reset() {
    const Released released(mutex_);
    cascade_.reset();
  }
  std::size_t channels() const { return cascade_.channels(); }
  std::size_t sections() const { return cascade_.sections(); }
  std::size_t latency_samples() const { return cascade_.latency_samples(); }

 private:
  dsp::BiquadCascade cascade_;
  std::recursive_mutex mutex_;
};

class FilterBank {
 public:
  explicit FilterBank(const std::vector<Rows>& bands) : bank_(bands_of(bands)) {}

  void process(const Samples& x, const ChannelsOut& out) {
    check_rows("FilterBank", 1, 1, out.shape(0), bands(), x.size(), out.shape(1));
    const auto from = span_of(x);
    const AudioView to = view_of(out);
    const Released released(mutex_);
    bank_.process(from, to);
    tell(bank_.take_status(), "FilterBank");
  }
  void reset() {
    const Released released(mutex_);
    bank_.reset();
  }
  std::size_t bands() const { return bank_.bands(); }
  std::size_t latency_samples() const { return bank_.latency_samples(); }

 private:
  static std::vector<dsp::FilterSections> bands_of(const std::vector<Rows>& bands) {
    std::vector<dsp::FilterSections> sections;
    for (const Rows& band : bands) sections.push_back(sections_of(band));
    return sections;
  }

  dsp::FilterBank bank_;
  std::recursive_mutex mutex_;
};

std::vector<Rows> rows_of_bands(const std::vector<dsp::FilterSections>& bands) {
  std::vector<Rows> rows;
  for (const auto& band : bands) rows.push_back(rows_of(band));
  return rows;
}

/// Frames of a running signal, and the signal that running frames give.
class StftStream {
 public:
  StftStream(std::size_t fft_size, std::size_t hop, const Samples& window)
      : options_(options_of(fft_size, hop, window)), analyzer_(options_) {}

  std::size_t bins() const { return analyzer_.stft().bins(); }
  std::size_t hop_samples() const { return analyzer_.stft().hop_samples(); }
  std::size_t fft_size() const { return analyzer_.stft().fft_size(); }
  /// How many frames so many more samples complete.
  std::size_t frames(std::size_t samples) const { return (filled_ + samples) / hop_samples(); }

  void process(const Samples& x, const SpectraOut& out) {
    if (out.shape(0) != frames(x.size()) || out.shape(1) != bins())
      fail(ErrorCode::invalid_argument, "[Stft] room for {} frames of {}: expected {} of {}",
           out.shape(0), out.shape(1), frames(x.size()), bins());
    const auto from = span_of(x);
    std::complex<float>* to = out.data();
    const Released released(mutex_);
    analyzer_.process(from, [&](std::span<std::complex<float>> spectrum) {
      to = std::copy(spectrum.begin(), spectrum.end(), to);
    });
    filled_ = (filled_ + from.size()) % hop_samples();
    tell(analyzer_.take_status(), "Stft");
  }
  void inverse(const Spectra& spectra, const SamplesOut& out) {
    if (spectra.shape(1) != bins() || out.size() != spectra.shape(0) * hop_samples())
      fail(ErrorCode::invalid_argument,
           "[Stft] {} frames of {} bins into {} samples: expected {} bins and {} samples a frame",
           spectra.shape(0), spectra.shape(1), out.size(), bins(), hop_samples());
    float* to = out.data();
    const Released released(mutex_);
    if (!synthesizer_) synthesizer_.emplace(options_);
    for (std::size_t f = 0; f < spectra.shape(0); ++f)
      to = std::ranges::copy(synthesizer_->add(std::span(spectra.data() + f * bins(), bins())), to)
               .out;
  }
  void reset() {
    const Released released(mutex_);
    analyzer_.reset();
    filled_ = 0;
    if (synthesizer_) synthesizer_->reset();
  }
  std::size_t latency_samples() const { return fft_size() - hop_samples(); }

 private:
  static dsp::StftOptions options_of(std::size_t fft_size, std::size_t hop, const Samples& window) {
    dsp::StftOptions options;
    options.fft_size = fft_size;
    options.hop_samples = hop;
    options.own_window.assign(window.data(), window.data() + window.size());
    options.center = false;
    return options;
  }

  dsp::StftOptions options_;
  dsp::StftAnalyzer analyzer_;
  std::optional<dsp::StftSynthesizer> synthesizer_;  // where the window allows one
  std::size_t filled_ = 0;
  std::recursive_mutex mutex_;
};

class Amp {
 public:
  Amp(const std::filesystem::path& path, std::size_t channels, bool fast, double slim)
      : amp_(path, options_of(channels, fast, slim)) {}

  void process(const Channels& x, const ChannelsOut& out) {
    check_rows("Amp", x.shape(0), channels(), out.shape(0), channels(), x.shape(1), out.shape(1));
    const ConstAudioView from = view_of(x);
    const AudioView to = view_of(out);
    const Released released(mutex_);
    amp_.process(from, to);
    tell(amp_.take_status(), "Amp");
  }
  void reset() {
    const Released released(mutex_);
    amp_.reset();
  }
  void set_control(std::size_t index, float value) {
    if (index >= amp_.controls())
      fail(ErrorCode::invalid_argument, "[Amp] control {}: there are {}", index, amp_.controls());
    const Released released(mutex_);
    amp_.set_control(index, value);
  }
  const models::Amp& amp() const { return amp_; }
  std::size_t channels() const { return amp_.channels(); }

 private:
  static models::AmpOptions options_of(std::size_t channels, bool fast, double slim) {
    models::AmpOptions options;
    options.channels = channels;
    options.tanh = fast ? models::AmpTanh::fast : models::AmpTanh::exact;
    options.slim = slim;
    return options;
  }

  models::Amp amp_;
  std::recursive_mutex mutex_;
};

}  // namespace

void bind_processors(nb::module_& module) {
  const auto x = nb::arg("x").noconvert();
  const auto out = nb::arg("out").noconvert();
  nb::class_<Convolution>(module, "Convolution")
      .def(nb::init<const Channels&, std::size_t, std::size_t, std::size_t, std::size_t>(),
           nb::arg("ir").noconvert(), nb::arg("inputs"), nb::arg("outputs"), nb::arg("block"),
           nb::arg("crossfade"))
      .def("process", &Convolution::process, x, out)
      .def("swap", &Convolution::swap, nb::arg("ir").noconvert())
      .def("reset", &Convolution::reset)
      .def_prop_ro("inputs", &Convolution::inputs)
      .def_prop_ro("outputs", &Convolution::outputs)
      .def_prop_ro("latency_samples", &Convolution::latency_samples);
  nb::class_<BiquadCascade>(module, "BiquadCascade")
      .def(nb::init<const Rows&, std::size_t, std::size_t>(), nb::arg("sos"), nb::arg("channels"),
           nb::arg("ramp"))
      .def("process", &BiquadCascade::process, x, out)
      .def("set_sos", &BiquadCascade::set_sos, nb::arg("sos"))
      .def("reset", &BiquadCascade::reset)
      .def_prop_ro("channels", &BiquadCascade::channels)
      .def_prop_ro("sections", &BiquadCascade::sections)
      .def_prop_ro("latency_samples", &BiquadCascade::latency_samples);
  nb::class_<FilterBank>(module, "FilterBank")
      .def(nb::init<const std::vector<Rows>&>(), nb::arg("bands"))
      .def("process", &FilterBank::process, x, out)
      .def("reset", &FilterBank::reset)
      .def_prop_ro("bands", &FilterBank::bands)
      .def_prop_ro("latency_samples", &FilterBank::latency_samples);
  nb::class_<StftStream>(module, "StftStream")
      .def(nb::init<std::size_t, std::size_t, const Samples&>(), nb::arg("fft_size"),
           nb::arg("hop"), nb::arg("window").noconvert())
      .def("frames", &StftStream::frames, nb::arg("samples"))
      .def("process", &StftStream::process, x, out)
      .def("inverse", &StftStream::inverse, nb::arg("spectra").noconvert(), out)
      .def("reset", &StftStream::reset)
      .def_prop_ro("bins", &StftStream::bins)
      .def_prop_ro("latency_samples", &StftStream::latency_samples);
  nb::class_<Amp>(module, "Amp")
      .def(nb::init<const std::filesystem::path&, std::size_t, bool, double>(), nb::arg("path"),
           nb::arg("channels"), nb::arg("fast"), nb::arg("slim"))
      .def("process", &Amp::process, x, out)
      .def("reset", &Amp::reset)
      .def("set_control", &Amp::set_control, nb::arg("index"), nb::arg("value"))
      .def_prop_ro("channels", &Amp::channels)
      .def_prop_ro("controls", [](const Amp& a) { return a.amp().controls(); })
      .def_prop_ro("sample_rate_hz", [](const Amp& a) { return a.amp().sample_rate_hz(); })
      .def_prop_ro("loudness_db", [](const Amp& a) { return a.amp().loudness_db(); })
      .def_prop_ro("latency_samples", [](const Amp& a) { return a.amp().latency_samples(); });
  module.def("crossover_bands",
             [](const std::vector<double>& splits_hz, std::size_t order, double rate_hz) {
               return rows_of_bands(dsp::design_crossover(splits_hz, order, rate_hz));
             });
  module.def("octave_bands", [](std::size_t fraction, double low_hz, double high_hz, double rate_hz,
                                std::size_t order) {
    if (fraction != 1 && fraction != 3)
      fail(ErrorCode::invalid_argument, "[FilterBank] a {}th of an octave: expected 1 or 3",
           fraction);
    const auto bands =
        dsp::octave_bands(static_cast<dsp::OctaveFraction>(fraction), low_hz, high_hz);
    return rows_of_bands(dsp::design_band_passes(bands, rate_hz, order));
  });
}

}  // namespace metalaudio::python

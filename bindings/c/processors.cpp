#include <metalaudio/core/audio_view.h>
#include <metalaudio/dsp/convolution.h>
#include <metalaudio/dsp/fft.h>
#include <metalaudio/models/amp/amp.h>

#include <complex>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "bindings/c/guard.h"

namespace {

using namespace metalaudio;
using c::guarded;
using c::need;
using c::need_channels;
using c::need_count;

/// What the audio thread could not throw, once per call.
void tell(Trouble trouble, const char* function) {
  if (trouble == Trouble::none) return;
  fail(ErrorCode::invalid_data, "[{}] {}", function, to_string(trouble));
}

std::vector<dsp::ConvolutionRoute> routes_of(const float* const* responses, size_t channels,
                                             size_t taps, size_t inputs, size_t outputs,
                                             const char* function) {
  need_channels(responses, channels, taps, function, "responses");
  return dsp::convolution_routes(ConstAudioView(responses, channels, taps), inputs, outputs);
}

}  // namespace

struct metalaudio_amp {
  models::Amp amp;
};

struct metalaudio_fft {
  dsp::Fft fft;
};

struct metalaudio_convolution {
  dsp::ConvolutionOptions options;
  dsp::Convolution convolution;
};

metalaudio_status metalaudio_amp_load(const char* path, size_t channels, metalaudio_amp** amp) {
  return guarded([&] {
    const char* const name = "metalaudio_amp_load";
    need(amp, name, "amp") = nullptr;
    const std::filesystem::path file(&need(path, name, "path"));
    models::AmpOptions options;
    options.channels = channels;
    *amp = new metalaudio_amp{models::Amp(file, options)};
  });
}

void metalaudio_amp_free(metalaudio_amp* amp) { delete amp; }

double metalaudio_amp_sample_rate_hz(const metalaudio_amp* amp) {
  return amp == nullptr ? 0.0 : amp->amp.sample_rate_hz().value_or(0.0);
}

size_t metalaudio_amp_latency_samples(const metalaudio_amp* amp) {
  return amp == nullptr ? 0 : amp->amp.latency_samples();
}

size_t metalaudio_amp_controls(const metalaudio_amp* amp) {
  return amp == nullptr ? 0 : amp->amp.controls();
}

metalaudio_status metalaudio_amp_set_control(metalaudio_amp* amp, size_t control, float value) {
  return guarded([&] {
    const char* const name = "metalaudio_amp_set_control";
    if (control >= need(amp, name, "amp").amp.controls())
      fail(ErrorCode::invalid_argument, "[{}] control {}: there are {}", name, control,
           amp->amp.controls());
    amp->amp.set_control(control, value);
  });
}

metalaudio_status metalaudio_amp_process(metalaudio_amp* amp, const float* const* in,
                                         float* const* out, size_t channels, size_t frames) {
  return guarded([&] {
    const char* const name = "metalaudio_amp_process";
    need_count(channels, need(amp, name, "amp").amp.channels(), name, "channels");
    need_channels(in, channels, frames, name, "in");
    need_channels(out, channels, frames, name, "out");
    amp->amp.process(ConstAudioView(in, channels, frames), AudioView(out, channels, frames));
    tell(amp->amp.take_status(), name);
  });
}

metalaudio_status metalaudio_amp_reset(metalaudio_amp* amp) {
  return guarded([&] { need(amp, "metalaudio_amp_reset", "amp").amp.reset(); });
}

metalaudio_status metalaudio_fft_create(size_t size, metalaudio_fft** fft) {
  return guarded([&] {
    need(fft, "metalaudio_fft_create", "fft") = nullptr;
    *fft = new metalaudio_fft{dsp::Fft(size)};
  });
}

void metalaudio_fft_free(metalaudio_fft* fft) { delete fft; }

size_t metalaudio_fft_bins(const metalaudio_fft* fft) {
  return fft == nullptr ? 0 : fft->fft.bins();
}

metalaudio_status metalaudio_fft_forward(metalaudio_fft* fft, const float* x, size_t size,
                                         float* spectrum, size_t bins) {
  return guarded([&] {
    const char* const name = "metalaudio_fft_forward";
    need_count(size, need(fft, name, "fft").fft.size(), name, "samples");
    need_count(bins, fft->fft.bins(), name, "bins");
    need(x, name, "x");
    need(spectrum, name, "spectrum");
    fft->fft.forward(std::span(x, size),
                     std::span(reinterpret_cast<std::complex<float>*>(spectrum), bins));
  });
}

metalaudio_status metalaudio_fft_inverse(metalaudio_fft* fft, const float* spectrum, size_t bins,
                                         float* x, size_t size) {
  return guarded([&] {
    const char* const name = "metalaudio_fft_inverse";
    need_count(size, need(fft, name, "fft").fft.size(), name, "samples");
    need_count(bins, fft->fft.bins(), name, "bins");
    need(spectrum, name, "spectrum");
    need(x, name, "x");
    fft->fft.inverse(std::span(reinterpret_cast<const std::complex<float>*>(spectrum), bins),
                     std::span(x, size));
  });
}

metalaudio_status metalaudio_convolution_create(const float* const* responses, size_t channels,
                                                size_t taps, size_t inputs, size_t outputs,
                                                metalaudio_convolution** convolution) {
  return guarded([&] {
    const char* const name = "metalaudio_convolution_create";
    need(convolution, name, "convolution") = nullptr;
    const auto routes = routes_of(responses, channels, taps, inputs, outputs, name);
    dsp::ConvolutionOptions options;
    options.inputs = inputs;
    options.outputs = outputs;
    *convolution = new metalaudio_convolution{options, dsp::Convolution(routes, options)};
  });
}

void metalaudio_convolution_free(metalaudio_convolution* convolution) { delete convolution; }

size_t metalaudio_convolution_latency_samples(const metalaudio_convolution* convolution) {
  return convolution == nullptr ? 0 : convolution->convolution.latency_samples();
}

metalaudio_status metalaudio_convolution_process(metalaudio_convolution* convolution,
                                                 const float* const* in, size_t inputs,
                                                 float* const* out, size_t outputs, size_t frames) {
  return guarded([&] {
    const char* const name = "metalaudio_convolution_process";
    need_count(inputs, need(convolution, name, "convolution").options.inputs, name, "inputs");
    need_count(outputs, convolution->options.outputs, name, "outputs");
    need_channels(in, inputs, frames, name, "in");
    need_channels(out, outputs, frames, name, "out");
    convolution->convolution.process(ConstAudioView(in, inputs, frames),
                                     AudioView(out, outputs, frames));
    tell(convolution->convolution.take_status(), name);
  });
}

metalaudio_status metalaudio_convolution_swap(metalaudio_convolution* convolution,
                                              const float* const* responses, size_t channels,
                                              size_t taps) {
  return guarded([&] {
    const char* const name = "metalaudio_convolution_swap";
    const auto& options = need(convolution, name, "convolution").options;
    convolution->convolution.swap_ir(
        routes_of(responses, channels, taps, options.inputs, options.outputs, name));
  });
}

metalaudio_status metalaudio_convolution_reset(metalaudio_convolution* convolution) {
  return guarded([&] {
    need(convolution, "metalaudio_convolution_reset", "convolution").convolution.reset();
  });
}

#include <metalaudio/core/error.h>
#include <metalaudio/dsp/stft.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdint>

namespace metalaudio::dsp {

namespace {

StftOptions checked(StftOptions options) {
  if (options.fft_size == 0) fail(ErrorCode::invalid_argument, "[Stft] fft_size 0: expected >= 1");
  const std::vector<float>& own = options.own_window;
  if (options.window_samples == 0) {
    options.window_samples = own.empty() ? options.fft_size : own.size();
  }
  if (options.hop_samples == 0)
    options.hop_samples = std::max<std::size_t>(1, options.fft_size / 4);
  if (options.window_samples > options.fft_size) {
    fail(ErrorCode::invalid_argument, "[Stft] window of {} samples: expected at most fft_size {}",
         options.window_samples, options.fft_size);
  }
  constexpr std::size_t kLargestHop = std::size_t{1} << 30;
  if (options.hop_samples > kLargestHop) {
    fail(ErrorCode::invalid_argument, "[Stft] hop of {} samples: expected at most {}",
         options.hop_samples, kLargestHop);
  }
  if (!own.empty() && own.size() != options.window_samples) {
    fail(ErrorCode::invalid_argument, "[Stft] own window of {} samples: expected window_samples {}",
         own.size(), options.window_samples);
  }
  for (std::size_t i = 0; i < own.size(); ++i) {
    if (std::isfinite(own[i])) continue;
    fail(ErrorCode::invalid_argument, "[Stft] own window: sample {} is {}", i, own[i]);
  }
  return options;
}

std::vector<float> centred_window(const StftOptions& options) {
  const std::vector<float> window = options.own_window.empty()
                                        ? make_window(options.window_samples, options.window)
                                        : options.own_window;
  std::vector<float> frame(options.fft_size, 0.0F);
  const std::size_t left = (options.fft_size - options.window_samples) / 2;
  std::copy(window.begin(), window.end(), frame.begin() + static_cast<std::ptrdiff_t>(left));
  return frame;
}

/// Runs body(index, thread) on the pool, or here.
template <typename Body>
void for_each(std::size_t count, ThreadPool* pool, Body&& body) {
  if (pool != nullptr) {
    pool->parallel_for(count, body);
  } else {
    for (std::size_t i = 0; i < count; ++i) body(i, 0);
  }
}

/// Where a sample outside of x is taken from; x.size() for a zero.
std::size_t padded_index(std::int64_t i, std::int64_t size, StftPadding padding) {
  if (i >= 0 && i < size) return static_cast<std::size_t>(i);
  switch (padding) {
    case StftPadding::constant:
      return static_cast<std::size_t>(size);
    case StftPadding::replicate:
      return static_cast<std::size_t>(i < 0 ? 0 : size - 1);
    case StftPadding::reflect:
      return static_cast<std::size_t>(i < 0 ? -i : 2 * (size - 1) - i);
  }
  return static_cast<std::size_t>(size);
}

}  // namespace

Stft::Stft(const StftOptions& options)
    : options_(checked(options)), fft_(options_.fft_size), window_(centred_window(options_)) {
  if (options_.normalized) scale_ = static_cast<float>(1.0 / std::sqrt(double(options_.fft_size)));
  synthesis_window_ = window_;
  for (float& value : synthesis_window_) value /= scale_;
}

std::size_t Stft::frames(std::size_t samples) const noexcept {
  const bool reflects = options_.center && options_.padding == StftPadding::reflect;
  const std::size_t padded = samples + (options_.center ? 2 * (fft_size() / 2) : 0);
  if (samples == 0 || padded < fft_size() || (reflects && samples <= fft_size() / 2)) return 0;
  return (padded - fft_size()) / hop_samples() + 1;
}

ColaResult Stft::validate_cola() const { return dsp::validate_cola(window_, hop_samples()); }

Stft::Scratch Stft::make_scratch() const {
  // A frame beside the transform's own memory.
  return Scratch(fft_.scratch_size() + fft_size());
}

void Stft::gather_frame(std::span<const float> x, std::size_t frame, std::span<float> out) const {
  const std::size_t pad = options_.center ? fft_size() / 2 : 0;
  const std::size_t start = frame * hop_samples();
  if (start >= pad && start - pad + fft_size() <= x.size()) {
    std::copy_n(x.begin() + static_cast<std::ptrdiff_t>(start - pad), fft_size(), out.begin());
    return;
  }
  const auto size = static_cast<std::int64_t>(x.size());
  for (std::size_t i = 0; i < fft_size(); ++i) {
    const auto at = static_cast<std::int64_t>(start + i) - static_cast<std::int64_t>(pad);
    const std::size_t index = padded_index(at, size, options_.padding);
    out[i] = index < x.size() ? x[index] : 0.0F;
  }
}

void Stft::forward(std::span<const float> x, std::span<Complex> spectra, ThreadPool* pool) const {
  const std::size_t count = frames(x.size());
  if (count == 0) {
    fail(ErrorCode::invalid_argument, "[Stft] {} samples are too few for frames of {}", x.size(),
         fft_size());
  }
  if (spectra.size() != count * bins()) {
    fail(ErrorCode::invalid_argument, "[Stft] room for {} bins: expected {} frames of {}",
         spectra.size(), count, bins());
  }
  const std::size_t threads = pool != nullptr ? pool->threads() : 1;
  std::vector<Scratch> scratch;
  for (std::size_t t = 0; t < threads; ++t) scratch.push_back(make_scratch());
  std::vector<std::vector<float>> frame(threads, std::vector<float>(fft_size()));
  for_each(count, pool, [&](std::size_t f, std::size_t thread) {
    gather_frame(x, f, frame[thread]);
    analyze_frame(frame[thread], spectra.subspan(f * bins(), bins()), scratch[thread]);
  });
}

std::vector<float> Stft::envelope(std::size_t count) const {
  std::vector<float> sum((count - 1) * hop_samples() + fft_size(), 0.0F);
  for (std::size_t f = 0; f < count; ++f) {
    float* out = sum.data() + f * hop_samples();
    for (std::size_t i = 0; i < fft_size(); ++i) out[i] += window_[i] * window_[i];
  }
  return sum;
}

void Stft::inverse(std::span<const Complex> spectra, std::span<float> x, ThreadPool* pool) const {
  const std::size_t count = spectra.size() / bins();
  if (count == 0 || spectra.size() != count * bins()) {
    fail(ErrorCode::invalid_argument, "[Stft] {} bins: expected a number of frames of {}",
         spectra.size(), bins());
  }
  const std::size_t hop = hop_samples();
  std::vector<float> frames(count * fft_size());
  const std::size_t threads = pool != nullptr ? pool->threads() : 1;
  std::vector<Scratch> scratch;
  for (std::size_t t = 0; t < threads; ++t) scratch.push_back(make_scratch());
  for_each(count, pool, [&](std::size_t f, std::size_t thread) {
    synthesize_frame(spectra.subspan(f * bins(), bins()),
                     std::span(frames).subspan(f * fft_size(), fft_size()), scratch[thread]);
  });

  std::vector<float> sum((count - 1) * hop + fft_size(), 0.0F);
  for (std::size_t f = 0; f < count; ++f) {
    const float* in = frames.data() + f * fft_size();
    float* out = sum.data() + f * hop;
    for (std::size_t i = 0; i < fft_size(); ++i) out[i] += in[i];
  }
  const std::vector<float> weights = envelope(count);
  const std::size_t start = options_.center ? fft_size() / 2 : 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t at = start + i;
    if (at >= sum.size()) {
      x[i] = 0.0F;
      continue;
    }
    if (weights[at] < 1e-11F) {  // torch.istft's own bound
      fail(ErrorCode::invalid_argument, "[Stft] sample {} is covered by no window", i);
    }
    x[i] = sum[at] / weights[at];
  }
}

void Stft::analyze_frame(std::span<const float> frame, std::span<Complex> spectrum,
                         Scratch& scratch) const noexcept {
  assert(frame.size() == fft_size() && spectrum.size() == bins());
  float* windowed = scratch.data() + fft_.scratch_size();
  for (std::size_t i = 0; i < fft_size(); ++i) windowed[i] = frame[i] * window_[i] * scale_;
  fft_.forward_batch({windowed, fft_size()}, spectrum, scratch);
}

void Stft::synthesize_frame(std::span<const Complex> spectrum, std::span<float> frame,
                            Scratch& scratch) const noexcept {
  assert(frame.size() == fft_size() && spectrum.size() == bins());
  fft_.inverse_batch(spectrum, frame, scratch);
  for (std::size_t i = 0; i < fft_size(); ++i) frame[i] *= synthesis_window_[i];
}

}  // namespace metalaudio::dsp

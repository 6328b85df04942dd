#include <metalaudio/models/htdemucs/spectrogram.h>

#include <algorithm>

namespace metalaudio::models {

namespace {

/// Frames that upstream cuts off on each side.
constexpr std::size_t kMargin = 2;
/// Rows and frames that are transposed at a time, so that both sides stay in the cache.
constexpr std::size_t kTile = 8;

dsp::StftOptions stft_options(const HTDemucsConfig& config) {
  dsp::StftOptions options;
  options.fft_size = static_cast<std::size_t>(config.nfft);
  options.hop_samples = static_cast<std::size_t>(config.hop_samples());
  options.normalized = true;
  return options;
}

}  // namespace

Spectrogram::Spectrogram(const HTDemucsConfig& config, std::size_t outputs, ThreadPool& pool)
    : pool_(pool),
      stft_(stft_options(config)),
      segment_(static_cast<std::size_t>(config.segment_samples())),
      frames_(static_cast<std::size_t>(config.frames())),
      rows_(static_cast<std::size_t>(config.nfft / 2)),
      pad_(static_cast<std::size_t>(config.hop_samples() / 2 * 3)),
      padded_(frames_ * static_cast<std::size_t>(config.hop_samples()) + 2 * pad_),
      spectra_(std::max(outputs, static_cast<std::size_t>(config.audio_channels)) *
               (frames_ + 2 * kMargin) * stft_.bins()) {}

/// demucs.hdemucs.pad1d in reflect mode: pad_ samples before, the rest after; a signal too short to
/// reflect is first lengthened with zeros, on the right as far as the padding there goes.
void Spectrogram::pad_reflecting(std::span<const float> x) {
  const std::size_t right = padded_.size() - pad_ - x.size();
  std::size_t zeros_left = 0;
  std::size_t zeros_right = 0;
  const std::size_t most = std::max(pad_, right);
  if (x.size() <= most) {
    const std::size_t extra = most - x.size() + 1;
    zeros_right = std::min(right, extra);
    zeros_left = extra - zeros_right;
  }
  std::fill(padded_.begin(), padded_.end(), 0.0F);
  std::copy(x.begin(), x.end(), padded_.begin() + static_cast<std::ptrdiff_t>(pad_));
  const std::size_t first = pad_ - zeros_left;
  const std::size_t last = pad_ + x.size() + zeros_right - 1;
  for (std::size_t i = 1; i <= first; ++i) padded_[first - i] = padded_[first + i];
  for (std::size_t i = 1; last + i < padded_.size(); ++i) padded_[last + i] = padded_[last - i];
}

void Spectrogram::forward(std::span<const float> x, std::span<float> z) {
  const std::size_t channels = x.size() / segment_;
  const std::size_t bins = stft_.bins();
  const std::size_t spectrum = (frames_ + 2 * kMargin) * bins;
  for (std::size_t c = 0; c < channels; ++c) {
    pad_reflecting(x.subspan(c * segment_, segment_));
    stft_.forward(padded_, {spectra_.data() + c * spectrum, spectrum}, &pool_);
  }
  pool_.parallel_for((rows_ + kTile - 1) / kTile, [&](std::size_t tile, std::size_t) {
    const std::size_t end = std::min(rows_, (tile + 1) * kTile);
    for (std::size_t t = 0; t < frames_; ++t) {
      for (std::size_t f = tile * kTile; f < end; ++f) {
        float* to = z.data() + (f * frames_ + t) * 2 * channels;
        for (std::size_t c = 0; c < channels; ++c) {
          const Complex value = spectra_[c * spectrum + (t + kMargin) * bins + f];
          to[2 * c] = value.real();
          to[2 * c + 1] = value.imag();
        }
      }
    }
  });
}

void Spectrogram::inverse(std::span<const float> z, float scale, float offset, std::span<float> x) {
  const std::size_t outputs = x.size() / segment_;
  const std::size_t bins = stft_.bins();
  const std::size_t spectrum = (frames_ + 2 * kMargin) * bins;
  // The margins and the last bin are zero; forward() has written over them.
  std::fill(spectra_.begin(), spectra_.end(), Complex());
  pool_.parallel_for((rows_ + kTile - 1) / kTile, [&](std::size_t tile, std::size_t) {
    const std::size_t end = std::min(rows_, (tile + 1) * kTile);
    for (std::size_t t0 = 0; t0 < frames_; t0 += kTile) {
      const std::size_t t1 = std::min(frames_, t0 + kTile);
      for (std::size_t f = tile * kTile; f < end; ++f) {
        for (std::size_t t = t0; t < t1; ++t) {
          const float* from = z.data() + (f * frames_ + t) * 2 * outputs;
          Complex* to = spectra_.data() + (t + kMargin) * bins + f;
          for (std::size_t o = 0; o < outputs; ++o) {
            to[o * spectrum] = {from[2 * o] * scale + offset, from[2 * o + 1] * scale + offset};
          }
        }
      }
    }
  });
  for (std::size_t o = 0; o < outputs; ++o) {
    stft_.inverse({spectra_.data() + o * spectrum, spectrum}, padded_, &pool_);
    std::copy_n(padded_.begin() + static_cast<std::ptrdiff_t>(pad_), segment_,
                x.begin() + static_cast<std::ptrdiff_t>(o * segment_));
  }
}

}  // namespace metalaudio::models

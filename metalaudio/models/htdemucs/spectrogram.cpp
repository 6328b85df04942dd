#include <metalaudio/models/htdemucs/spectrogram.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace metalaudio::models {

namespace {

/// Frames that upstream cuts off on each side.
constexpr std::size_t kMargin = 2;
/// Frames that one thread transforms, and back: no fewer than overlap each other, so that every second
/// block may be added at the same time.
constexpr std::size_t kBlockFrames = 12;
constexpr std::size_t kBlockSamples = 4096;

dsp::StftOptions stft_options(const HTDemucsConfig& config) {
  dsp::StftOptions options;
  options.fft_size = static_cast<std::size_t>(config.nfft);
  options.hop_samples = static_cast<std::size_t>(config.hop_samples());
  options.normalized = true;
  return options;
}

/// The sums of squared windows under samples [first, first + count) of overlapping frames.
std::vector<float> weights_of(const dsp::Stft& stft, std::size_t frames, std::size_t first,
                              std::size_t count) {
  std::vector<float> sums((frames - 1) * stft.hop_samples() + stft.fft_size());
  for (std::size_t f = 0; f < frames; ++f) {
    float* const to = sums.data() + f * stft.hop_samples();
    for (std::size_t i = 0; i < stft.fft_size(); ++i) to[i] += stft.window()[i] * stft.window()[i];
  }
  return {sums.begin() + static_cast<std::ptrdiff_t>(first),
          sums.begin() + static_cast<std::ptrdiff_t>(first + count)};
}

}  // namespace

Spectrogram::Spectrogram(const HTDemucsConfig& config, std::size_t outputs, ThreadPool& pool)
    : pool_(pool),
      stft_(stft_options(config)),
      segment_(static_cast<std::size_t>(config.segment_samples())),
      frames_(static_cast<std::size_t>(config.frames())),
      rows_(static_cast<std::size_t>(config.nfft / 2)),
      pad_(static_cast<std::size_t>(config.hop_samples() / 2 * 3)),
      padded_frames_(frames_ * static_cast<std::size_t>(config.hop_samples()) + 2 * pad_),
      padded_(static_cast<std::size_t>(config.audio_channels) * padded_frames_),
      weights_(weights_of(stft_, frames_ + 2 * kMargin, stft_.fft_size() / 2 + pad_, segment_)) {
  for (std::size_t thread = 0; thread < pool.threads(); ++thread) {
    blocks_.push_back({std::vector<Complex>(outputs * kBlockFrames * stft_.bins()),
                       std::vector<float>(stft_.fft_size()), stft_.make_scratch()});
  }
}

/// demucs.hdemucs.pad1d in reflect mode: pad_ samples before, the rest after; a signal too short to
/// reflect is first lengthened with zeros, on the right as far as the padding there goes.
void Spectrogram::pad_reflecting(std::span<const float> x, std::span<float> padded) {
  const std::size_t right = padded.size() - pad_ - x.size();
  std::size_t zeros_left = 0;
  std::size_t zeros_right = 0;
  const std::size_t most = std::max(pad_, right);
  if (x.size() <= most) {
    const std::size_t extra = most - x.size() + 1;
    zeros_right = std::min(right, extra);
    zeros_left = extra - zeros_right;
  }
  std::fill(padded.begin(), padded.end(), 0.0F);
  std::copy(x.begin(), x.end(), padded.begin() + static_cast<std::ptrdiff_t>(pad_));
  const std::size_t first = pad_ - zeros_left;
  const std::size_t last = pad_ + x.size() + zeros_right - 1;
  for (std::size_t i = 1; i <= first; ++i) padded[first - i] = padded[first + i];
  for (std::size_t i = 1; last + i < padded.size(); ++i) padded[last + i] = padded[last - i];
}

void Spectrogram::forward(std::span<const float> x, std::span<float> z) {
  const std::size_t channels = x.size() / segment_;
  for (std::size_t c = 0; c < channels; ++c)
    pad_reflecting(x.subspan(c * segment_, segment_), padded(c));
  const std::size_t bins = stft_.bins();
  const std::size_t blocks = (frames_ + kBlockFrames - 1) / kBlockFrames;
  pool_.parallel_for(blocks, [&](std::size_t index, std::size_t thread) {
    Block& block = blocks_[thread];
    const std::size_t first = index * kBlockFrames;
    const std::size_t count = std::min(kBlockFrames, frames_ - first);
    for (std::size_t c = 0; c < channels; ++c) {
      for (std::size_t t = 0; t < count; ++t) {
        copy_frame(c, first + t, block.frame);
        stft_.analyze_frame(block.frame,
                            std::span(block.spectra).subspan((c * kBlockFrames + t) * bins, bins),
                            block.scratch);
      }
    }
    for (std::size_t f = 0; f < rows_; ++f) {
      float* to = z.data() + (f * frames_ + first) * 2 * channels;
      for (std::size_t t = 0; t < count; ++t) {
        for (std::size_t c = 0; c < channels; ++c, to += 2) {
          const Complex value = block.spectra[(c * kBlockFrames + t) * bins + f];
          to[0] = value.real();
          to[1] = value.imag();
        }
      }
    }
  });
}

/// A frame as torch.stft takes it from the padded signal, which it reflects at the ends.
void Spectrogram::copy_frame(std::size_t channel, std::size_t frame, std::span<float> to) {
  const std::span<const float> from = padded(channel);
  const auto last = static_cast<std::int64_t>(from.size()) - 1;
  const auto begin = static_cast<std::int64_t>((frame + kMargin) * stft_.hop_samples()) -
                     static_cast<std::int64_t>(stft_.fft_size() / 2);
  if (begin >= 0 && begin + static_cast<std::int64_t>(to.size()) <= last + 1) {
    std::copy_n(from.begin() + begin, to.size(), to.begin());
    return;
  }
  for (std::size_t i = 0; i < to.size(); ++i) {
    const std::int64_t at = std::abs(begin + static_cast<std::int64_t>(i));
    to[i] = from[static_cast<std::size_t>(at > last ? 2 * last - at : at)];
  }
}

/// torch.istft, whose overlap-add goes straight to where it is wanted: first every second block of
/// frames, then the others, which overlap with them alone.
void Spectrogram::inverse(std::span<const float> z, float scale, float offset, std::span<float> x) {
  const std::size_t outputs = x.size() / segment_;
  pool_.parallel_for(outputs, [&](std::size_t o, std::size_t) {
    std::ranges::fill(x.subspan(o * segment_, segment_), 0.0F);
  });
  const std::size_t blocks = (frames_ + kBlockFrames - 1) / kBlockFrames;
  for (const std::size_t odd : {std::size_t{0}, std::size_t{1}}) {
    pool_.parallel_for((blocks + 1 - odd) / 2, [&](std::size_t index, std::size_t thread) {
      const std::size_t first = (2 * index + odd) * kBlockFrames;
      const std::size_t count = std::min(kBlockFrames, frames_ - first);
      gather(z, outputs, first, count, scale, offset, blocks_[thread]);
      for (std::size_t o = 0; o < outputs; ++o)
        add_frames(o, first, count, blocks_[thread], x.subspan(o * segment_, segment_));
    });
  }
  pool_.parallel_for((segment_ + kBlockSamples - 1) / kBlockSamples,
                     [&](std::size_t block, std::size_t) {
                       const std::size_t end = std::min(segment_, (block + 1) * kBlockSamples);
                       for (std::size_t o = 0; o < outputs; ++o) {
                         float* const samples = x.data() + o * segment_;
                         for (std::size_t i = block * kBlockSamples; i < end; ++i)
                           samples[i] /= weights_[i];
                       }
                     });
}

/// The spectra of some frames, [outputs][frames][bins]. Their last bin is zero.
void Spectrogram::gather(std::span<const float> z, std::size_t outputs, std::size_t first,
                         std::size_t count, float scale, float offset, Block& block) const {
  const std::size_t bins = stft_.bins();
  for (std::size_t o = 0; o < outputs; ++o) {
    for (std::size_t t = 0; t < count; ++t)
      block.spectra[(o * kBlockFrames + t) * bins + rows_] = Complex();
  }
  for (std::size_t f = 0; f < rows_; ++f) {
    const float* from = z.data() + (f * frames_ + first) * 2 * outputs;
    for (std::size_t t = 0; t < count; ++t) {
      for (std::size_t o = 0; o < outputs; ++o, from += 2) {
        block.spectra[(o * kBlockFrames + t) * bins + f] = {from[0] * scale + offset,
                                                            from[1] * scale + offset};
      }
    }
  }
}

void Spectrogram::add_frames(std::size_t output, std::size_t first, std::size_t count, Block& block,
                             std::span<float> x) const {
  const std::size_t bins = stft_.bins();
  for (std::size_t t = 0; t < count; ++t) {
    stft_.synthesize_frame(
        std::span(block.spectra).subspan((output * kBlockFrames + t) * bins, bins), block.frame,
        block.scratch);
    const auto begin = static_cast<std::int64_t>((first + t + kMargin) * stft_.hop_samples()) -
                       static_cast<std::int64_t>(stft_.fft_size() / 2 + pad_);
    const auto skipped = static_cast<std::size_t>(std::max<std::int64_t>(-begin, 0));
    const auto end = static_cast<std::size_t>(
        std::clamp<std::int64_t>(static_cast<std::int64_t>(x.size()) - begin, 0,
                                 static_cast<std::int64_t>(block.frame.size())));
    for (std::size_t i = skipped; i < end; ++i)
      x[static_cast<std::size_t>(begin + static_cast<std::int64_t>(i))] += block.frame[i];
  }
}

}  // namespace metalaudio::models

#include <metalaudio/models/htdemucs/spectrogram.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace metalaudio::models {

namespace {

/// Frames that upstream cuts off on each side.
constexpr std::size_t kMargin = 2;
/// Frames of one task: more than overlap each other.
constexpr std::size_t kTaskFrames = 12;
/// Those of all outputs that are transformed back together: their spectra lie in the second cache.
constexpr std::size_t kTogether = 2;

dsp::StftOptions stft_options(const HTDemucsConfig& config) {
  dsp::StftOptions options;
  options.fft_size = static_cast<std::size_t>(config.nfft);
  options.hop_samples = static_cast<std::size_t>(config.hop_samples());
  options.normalized = true;
  return options;
}

/// One over the sums of squared windows under samples [first, first + count) of overlapping frames.
std::vector<float> inverse_weights(const dsp::Stft& stft, std::size_t frames, std::size_t first,
                                   std::size_t count) {
  std::vector<double> sums((frames - 1) * stft.hop_samples() + stft.fft_size());
  for (std::size_t f = 0; f < frames; ++f) {
    double* const to = sums.data() + f * stft.hop_samples();
    for (std::size_t i = 0; i < stft.fft_size(); ++i)
      to[i] += static_cast<double>(stft.window()[i]) * stft.window()[i];
  }
  std::vector<float> inverses(count);
  for (std::size_t i = 0; i < count; ++i) inverses[i] = static_cast<float>(1.0 / sums[first + i]);
  return inverses;
}

// Both ways take two bins at a time, which are two rows of z: of these, only a few lines of each are
// read or written, which no processor foresees.
constexpr std::size_t kBinsAhead = 16;
constexpr std::size_t kLineFloats = 16;

/// spectra[column][bin] = scale · z[bin][column] + offset.
void columns_of(const float* z, std::size_t z_stride, std::size_t bins, std::size_t columns,
                float scale, float offset, float* spectra, std::size_t stride) {
  for (std::size_t f = 0; f < bins; f += 2) {
    const float* a = z + f * z_stride;
    const float* b = f + 1 < bins ? a + z_stride : a;
    for (std::size_t i = 0; i < 2 * columns && f + kBinsAhead + 1 < bins; i += kLineFloats) {
      __builtin_prefetch(a + kBinsAhead * z_stride + i);
      __builtin_prefetch(b + kBinsAhead * z_stride + i);
    }
    float* to = spectra + 2 * f;
    for (std::size_t s = 0; s < columns; ++s, to += stride) {
      const float pair[4] = {a[2 * s] * scale + offset, a[2 * s + 1] * scale + offset,
                             b[2 * s] * scale + offset, b[2 * s + 1] * scale + offset};
      std::memcpy(to, pair, sizeof(pair));
    }
  }
}

/// z[bin][column] = spectra[column][bin].
void rows_of(const float* spectra, std::size_t stride, std::size_t bins, std::size_t columns,
             float* z, std::size_t z_stride) {
  for (std::size_t f = 0; f < bins; f += 2) {
    float* a = z + f * z_stride;
    float* b = f + 1 < bins ? a + z_stride : a;
    for (std::size_t i = 0; i < 2 * columns && f + kBinsAhead + 1 < bins; i += kLineFloats) {
      __builtin_prefetch(a + kBinsAhead * z_stride + i, 1);
      __builtin_prefetch(b + kBinsAhead * z_stride + i, 1);
    }
    const float* from = spectra + 2 * f;
    for (std::size_t s = 0; s < columns; ++s, from += stride) {
      if (f + 1 < bins) std::memcpy(b + 2 * s, from + 2, 2 * sizeof(float));
      std::memcpy(a + 2 * s, from, 2 * sizeof(float));
    }
  }
}

}  // namespace

Spectrogram::Spectrogram(const HTDemucsConfig& config, std::size_t outputs, ThreadPool& pool)
    : pool_(pool),
      stft_(stft_options(config)),
      segment_(static_cast<std::size_t>(config.segment_samples())),
      frames_(static_cast<std::size_t>(config.frames())),
      rows_(static_cast<std::size_t>(config.nfft / 2)),
      pad_(static_cast<std::size_t>(config.hop_samples() / 2 * 3)),
      hops_((stft_.fft_size() + stft_.hop_samples() - 1) / stft_.hop_samples()),
      stride_((stft_.bins() + kBinsAhead - 1) / kBinsAhead * kBinsAhead + kLineFloats / 2),
      tail_((hops_ - 1) * stft_.hop_samples()),
      inverses_(
          inverse_weights(stft_, frames_ + 2 * kMargin, stft_.fft_size() / 2 + pad_, segment_)),
      moments_((frames_ + kTaskFrames - 1) / kTaskFrames),
      tails_((moments_.size() - 1) * outputs * tail_) {
  const auto channels = static_cast<std::size_t>(config.audio_channels);
  const std::size_t spectra = std::max(channels * kTaskFrames, outputs * kTogether);
  for (std::size_t thread = 0; thread < pool.threads(); ++thread) {
    by_thread_.push_back({Array<Complex>(spectra * stride_), std::vector<float>(stft_.fft_size()),
                          stft_.make_scratch()});
  }
}

std::span<Spectrogram::Complex> Spectrogram::spectrum(Frames& frames, std::size_t row) const {
  return std::span<Complex>(frames.spectra).subspan(row * stride_, stft_.bins());
}

Moments Spectrogram::forward(std::span<const float> x, std::span<float> z) {
  const std::size_t channels = x.size() / segment_;
  pool_.parallel_for(moments_.size(), [&](std::size_t task, std::size_t thread) {
    Frames& frames = by_thread_[thread];
    const std::size_t first = task * kTaskFrames;
    const std::size_t count = std::min(kTaskFrames, frames_ - first);
    moments_[task] = {};
    for (std::size_t row = 0; row < count * channels; ++row) {
      const std::span<Complex> to = spectrum(frames, row);
      const std::span<const float> channel = x.subspan(row % channels * segment_, segment_);
      stft_.analyze_frame(frame_of(channel, first + row / channels, frames.frame), to,
                          frames.scratch);
      moments_[task].merge(moments_of({reinterpret_cast<const float*>(to.data()), 2 * rows_}));
    }
    rows_of(reinterpret_cast<const float*>(frames.spectra.data()), 2 * stride_, rows_,
            count * channels, z.data() + first * 2 * channels, frames_ * 2 * channels);
  });
  Moments all;
  for (const Moments& some : moments_) all.merge(some);
  return all;
}

/// A frame as torch.stft takes it from the padded signal, which it reflects at the ends.
std::span<const float> Spectrogram::frame_of(std::span<const float> x, std::size_t frame,
                                             std::span<float> room) const {
  const std::int64_t begin = start_of(frame);
  const auto size = static_cast<std::int64_t>(room.size());
  if (begin >= 0 && begin + size <= static_cast<std::int64_t>(x.size()))
    return x.subspan(static_cast<std::size_t>(begin), room.size());
  const auto before = static_cast<std::int64_t>(pad_);
  const auto last = static_cast<std::int64_t>(frames_ * stft_.hop_samples() + 2 * pad_) - 1;
  for (std::int64_t i = 0; i < size; ++i) {
    const std::int64_t at = std::abs(before + begin + i);
    room[static_cast<std::size_t>(i)] = padded(x, (at > last ? 2 * last - at : at) - before);
  }
  return room;
}

/// demucs.hdemucs.pad1d in reflect mode: pad_ samples before, the rest after; a signal too short to
/// reflect is first lengthened with zeros, on the right as far as the padding there goes.
float Spectrogram::padded(std::span<const float> x, std::int64_t index) const {
  const auto size = static_cast<std::int64_t>(x.size());
  const auto left = static_cast<std::int64_t>(pad_);
  const std::int64_t right = static_cast<std::int64_t>(frames_ * stft_.hop_samples()) + left - size;
  const std::int64_t lacking = std::max<std::int64_t>(std::max(left, right) - size + 1, 0);
  const std::int64_t zeros_right = std::min(right, lacking);
  const std::int64_t first = zeros_right - lacking;
  const std::int64_t last = size + zeros_right - 1;
  if (index < first) index = 2 * first - index;
  if (index > last) index = 2 * last - index;
  return index >= 0 && index < size ? x[static_cast<std::size_t>(index)] : 0.0F;
}

/// Of the samples, which begin inside of the first frame.
std::int64_t Spectrogram::start_of(std::size_t hop) const {
  return static_cast<std::int64_t>((hop + kMargin) * stft_.hop_samples()) -
         static_cast<std::int64_t>(stft_.fft_size() / 2 + pad_);
}

Spectrogram::Range Spectrogram::samples_of(std::size_t first_hop, std::size_t end_hop) const {
  const auto inside = [this](std::int64_t sample) {
    return static_cast<std::size_t>(
        std::clamp<std::int64_t>(sample, 0, static_cast<std::int64_t>(segment_)));
  };
  return {inside(start_of(first_hop)), inside(start_of(end_hop))};
}

Spectrogram::Part Spectrogram::part(std::size_t index, std::size_t outputs) {
  const std::size_t first = index * kTaskFrames;
  if (first + kTaskFrames >= frames_) return {first, frames_, frames_ + hops_ - 1, nullptr};
  return {first, first + kTaskFrames, first + kTaskFrames, tails_.data() + index * outputs * tail_};
}

/// torch.istft, whose overlap-add goes straight to where it is wanted. Where the frames of two tasks
/// overlap, what the first one has to add is kept and added in the end.
void Spectrogram::inverse(std::span<const float> z, float scale, float offset, std::span<float> x,
                          const Waveform& waveform) {
  const std::size_t outputs = x.size() / segment_;
  const std::size_t parts = moments_.size();
  pool_.parallel_for(parts, [&](std::size_t index, std::size_t thread) {
    Frames& frames = by_thread_[thread];
    const Part part = this->part(index, outputs);
    std::size_t finished = index == 0 ? part.first : part.first + hops_ - 1;
    for (std::size_t first = part.first; first < part.end; first += kTogether) {
      const std::size_t count = std::min(kTogether, part.end - first);
      columns_of(z.data() + first * 2 * outputs, frames_ * 2 * outputs, rows_, count * outputs,
                 scale, offset, reinterpret_cast<float*>(frames.spectra.data()), 2 * stride_);
      for (std::size_t o = 0; o < outputs; ++o)
        add_frames(part, o, first, count, outputs, frames, x);
      const std::size_t whole = first + count == part.end ? part.hops_end : first + count;
      if (whole > finished) finish(finished, whole, nullptr, waveform, x);
      finished = std::max(finished, whole);
    }
  });
  pool_.parallel_for(parts - 1, [&](std::size_t index, std::size_t) {
    const Part before = part(index, outputs);
    finish(before.end, before.end + hops_ - 1, before.tail, waveform, x);
  });
}

/// Transforms and adds frames of an output. Their last bin is zero.
void Spectrogram::add_frames(const Part& part, std::size_t output, std::size_t first,
                             std::size_t count, std::size_t outputs, Frames& frames,
                             std::span<float> x) const {
  for (std::size_t t = 0; t < count; ++t) {
    const std::span<Complex> from = spectrum(frames, t * outputs + output);
    from[rows_] = Complex();
    stft_.synthesize_frame(from, frames.frame, frames.scratch);
    add_frame(part, output, first + t, frames.frame, x);
  }
}

/// Hop by hop: what no frame of the part has reached yet is written instead.
void Spectrogram::add_frame(const Part& part, std::size_t output, std::size_t frame,
                            std::span<const float> values, std::span<float> x) const {
  const std::size_t hop = stft_.hop_samples();
  for (std::size_t h = frame; h < frame + hops_; ++h) {
    const std::size_t begin = (h - frame) * hop;
    std::span<const float> from = values.subspan(begin, std::min(hop, values.size() - begin));
    std::span<float> to;
    if (h < part.hops_end) {
      const Range inside = samples_of(h, h + 1);
      if (inside.begin == inside.end) continue;
      to = x.subspan(output * segment_ + inside.begin, inside.end - inside.begin);
      const auto before = static_cast<std::int64_t>(inside.begin) - start_of(h);
      from = from.subspan(std::min(from.size(), static_cast<std::size_t>(before)));
    } else {
      to = {part.tail + output * tail_ + (h - part.hops_end) * hop, hop};
    }
    const std::size_t count = std::min(from.size(), to.size());
    if (frame == part.first || h + 1 == frame + hops_) {
      std::copy_n(from.begin(), count, to.begin());
      std::ranges::fill(to.subspan(count), 0.0F);
    } else {
      for (std::size_t i = 0; i < count; ++i) to[i] += from[i];
    }
  }
}

/// Divides sums by their weights and adds the waveform, after what a part kept for them.
void Spectrogram::finish(std::size_t first_hop, std::size_t end_hop, const float* tail,
                         const Waveform& waveform, std::span<float> x) const {
  constexpr std::size_t kSamples = 256;  // of all outputs, in the first cache
  const std::size_t outputs = x.size() / segment_;
  const Range all = samples_of(first_hop, end_hop);
  const std::int64_t start = start_of(first_hop);
  for (std::size_t begin = all.begin; begin < all.end; begin += kSamples) {
    const std::size_t count = std::min(kSamples, all.end - begin);
    const float* const inverses = inverses_.data() + begin;
    for (std::size_t o = 0; o < outputs; ++o) {
      float* const to = x.data() + o * segment_ + begin;
      if (tail != nullptr) {
        const float* const more = tail + o * tail_ + (static_cast<std::int64_t>(begin) - start);
        for (std::size_t i = 0; i < count; ++i) to[i] += more[i];
      }
      if (waveform.values.empty()) {
        for (std::size_t i = 0; i < count; ++i) to[i] *= inverses[i];
        continue;
      }
      const float* const beside = waveform.values.data() + begin * outputs + o;
      for (std::size_t i = 0; i < count; ++i)
        to[i] = to[i] * inverses[i] + (beside[i * outputs] * waveform.scale + waveform.offset);
    }
  }
}

}  // namespace metalaudio::models

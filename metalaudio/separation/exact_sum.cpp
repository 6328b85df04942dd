#include <metalaudio/separation/exact_sum.h>

#include <algorithm>
#include <utility>

namespace metalaudio::separation {
namespace {

constexpr std::size_t kFrame = 4096;  // the network's own
constexpr std::size_t kHop = kFrame / 4;

dsp::StftOptions stft_options() {
  dsp::StftOptions options;
  options.fft_size = kFrame;
  options.hop_samples = kHop;
  options.center = false;
  return options;
}

}  // namespace

ExactSum::ExactSum(std::size_t sources, std::size_t channels, Sink sink)
    : sink_(std::move(sink)), channels_(channels), hop_(kHop) {
  for (std::size_t i = 0; i <= sources; ++i) {
    frames_.emplace_back(channels, kFrame);
    ready_.emplace_back(channels, kHop);
    spectra_.emplace_back(kFrame / 2 + 1);
  }
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t i = 0; i <= sources; ++i) analyzers_.emplace_back(stft_options());
    for (std::size_t i = 0; i < sources; ++i) synthesizers_.emplace_back(stft_options());
  }
}

void ExactSum::push(ConstAudioView mix, std::span<const ConstAudioView> sources) {
  for (std::size_t first = 0; first < mix.frames();) {
    const std::size_t count = std::min(mix.frames() - first, kHop - filled_);
    append(mix, sources, first, count);
    first += count;
    taken_ += static_cast<std::int64_t>(count);
    if (filled_ == kHop) end_hop();
  }
}

void ExactSum::append(ConstAudioView mix, std::span<const ConstAudioView> sources,
                      std::size_t first, std::size_t frames) {
  const std::size_t at = kFrame - kHop + filled_;
  for (std::size_t i = 0; i < frames_.size(); ++i)
    for (std::size_t c = 0; c < channels_; ++c) {
      const std::span<const float> from = i == 0 ? mix.channel(c) : sources[i - 1].channel(c);
      std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(first), frames,
                  frames_[i].channel(c).begin() + static_cast<std::ptrdiff_t>(at));
    }
  filled_ += frames;
}

void ExactSum::finish() {
  const std::vector<AudioBuffer> silence(frames_.size(), AudioBuffer(channels_, kHop));
  const std::vector<ConstAudioView> sources(silence.begin() + 1, silence.end());
  while (given_ < taken_) {
    const std::size_t missing = kHop - filled_;
    append(silence[0], sources, 0, missing);
    end_hop();
  }
}

/// The first hop of the frame is complete then: no later frame adds to it.
void ExactSum::end_hop() {
  for (std::size_t c = 0; c < channels_; ++c) correct(c);
  filled_ = 0;
  ++ended_;
  const auto frames = static_cast<std::size_t>(std::min<std::int64_t>(kHop, taken_ - given_));
  if (ended_ * static_cast<std::int64_t>(kHop) >= static_cast<std::int64_t>(kFrame) && frames > 0) {
    std::vector<ConstAudioView> views;
    for (const AudioBuffer& ready : ready_) views.push_back(ConstAudioView(ready).part(0, frames));
    sink_(views[0], std::span(views).subspan(1));
    given_ += static_cast<std::int64_t>(frames);
  }
  for (AudioBuffer& frame : frames_)
    for (std::size_t c = 0; c < channels_; ++c) {
      const std::span<float> samples = frame.channel(c);
      std::copy(samples.begin() + kHop, samples.end(), samples.begin());
    }
}

void ExactSum::correct(std::size_t channel) {
  const std::size_t sources = frames_.size() - 1;
  for (std::size_t i = 0; i <= sources; ++i) {
    std::ranges::copy(frames_[i].channel(channel).last(kHop), hop_.begin());
    if (i == 0)
      for (std::size_t j = 1; j <= sources; ++j) {
        const std::span<const float> source = frames_[j].channel(channel).last(kHop);
        for (std::size_t k = 0; k < kHop; ++k) hop_[k] -= source[k];
      }
    analyzers_[channel * (sources + 1) + i].process(
        hop_, [&](std::span<std::complex<float>> spectrum) {
          std::ranges::copy(spectrum, spectra_[i].begin());
        });
  }
  for (std::size_t bin = 0; bin < spectra_[0].size(); ++bin) {
    float all = 0.0F;
    for (std::size_t i = 1; i <= sources; ++i) all += std::norm(spectra_[i][bin]);
    for (std::size_t i = 1; i <= sources; ++i)
      spectra_[i][bin] = spectra_[0][bin] * (all > 0.0F ? std::norm(spectra_[i][bin]) / all
                                                        : 1.0F / static_cast<float>(sources));
  }
  std::ranges::copy(frames_[0].channel(channel).first(kHop), ready_[0].channel(channel).begin());
  for (std::size_t i = 1; i <= sources; ++i) {
    const std::span<const float> share = synthesizers_[channel * sources + i - 1].add(spectra_[i]);
    const std::span<const float> source = frames_[i].channel(channel);
    const std::span<float> ready = ready_[i].channel(channel);
    for (std::size_t k = 0; k < kHop; ++k) ready[k] = source[k] + share[k];
  }
}

}  // namespace metalaudio::separation

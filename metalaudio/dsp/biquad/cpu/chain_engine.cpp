#include <metalaudio/core/array.h>
#include <metalaudio/dsp/biquad/biquad_engine.h>
#include <metalaudio/dsp/biquad/cpu/biquad_kernels.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace metalaudio::dsp {

namespace {

constexpr std::size_t kLanes = BiquadChain::kSections;
/// Longer blocks are worked off in chunks that stay in the first-level cache.
constexpr std::size_t kChunkFrames = 1024;
/// -600 dB.
constexpr double kInaudible = 1e-30;

class ChainEngine final : public BiquadEngine {
 public:
  ChainEngine(std::size_t channels, std::size_t sections)
      : kernels_(biquad_kernels()),
        channels_(channels),
        sections_(sections),
        groups_((sections + kLanes - 1) / kLanes),
        chains_(channels * groups_),
        samples_(kChunkFrames),
        frames_(kChunkFrames) {
    for (BiquadChain& chain : chains_) std::fill_n(chain.b0, kLanes, 1.0);
  }

  void set(std::span<const BiquadCoefficients> sections) noexcept override {
    for (std::size_t i = 0; i < chains_.size(); ++i) {
      const std::size_t first = i % groups_ * kLanes;
      const std::size_t count = std::min(kLanes, sections_ - first);
      for (std::size_t k = 0; k < count; ++k) set_lane(chains_[i], k, sections[first + k]);
    }
  }

  bool process(const BiquadBlock& block, std::size_t first, std::size_t frames) noexcept override {
    bool fine = true;
    for (std::size_t channel = 0; channel < channels_; ++channel) {
      for (std::size_t done = 0; done < frames; done += kChunkFrames) {
        const std::size_t count = std::min(kChunkFrames, frames - done);
        fine = process_chunk(block, channel, first + done, count) && fine;
      }
    }
    return fine;
  }

  void reset() noexcept override {
    for (BiquadChain& chain : chains_) {
      std::fill_n(chain.s, kLanes, 0.0);
      std::fill_n(chain.s_before, kLanes, 0.0);
      std::fill_n(chain.x_before, kLanes, 0.0);
    }
  }

  bool settle() noexcept override {
    bool finite = true;
    for (BiquadChain& chain : chains_) {
      for (double* states : {chain.s, chain.s_before, chain.x_before}) {
        for (std::size_t k = 0; k < kLanes; ++k) {
          finite = finite && std::isfinite(states[k]);
          if (std::abs(states[k]) < kInaudible) states[k] = 0.0;
        }
      }
    }
    if (!finite) reset();
    return finite;
  }

 private:
  static void set_lane(BiquadChain& chain, std::size_t k, const BiquadCoefficients& c) noexcept {
    // The output is y = b0·x + s: s before is what the new b0 leaves of it.
    chain.s_before[k] += (chain.b0[k] - c.b0) * chain.x_before[k];
    chain.b0[k] = c.b0;
    chain.g1[k] = std::fma(-c.a1, c.b0, c.b1);
    chain.g2[k] = std::fma(-c.a2, c.b0, c.b2);
    chain.a1[k] = c.a1;
    chain.a2[k] = c.a2;
  }

  bool process_chunk(const BiquadBlock& block, std::size_t channel, std::size_t first,
                     std::size_t count) noexcept {
    const float* in = frames_.data();
    if (block.planar) {
      in = block.in.channel(channel).data() + first;
    } else if (channels_ == 1) {
      in = block.in_frames + first;
    } else {
      const float* from = block.in_frames + first * channels_ + channel;
      for (std::size_t i = 0; i < count; ++i) frames_[i] = from[i * channels_];
    }
    const bool fine = kernels_.widen(in, count, samples_.data());
    for (std::size_t g = 0; g < groups_; ++g) {
      kernels_.chain(chains_[channel * groups_ + g], std::min(kLanes, sections_ - g * kLanes),
                     samples_.data(), count);
    }
    if (block.planar) {
      kernels_.narrow(samples_.data(), count, block.out.channel(channel).data() + first);
    } else if (channels_ == 1) {
      kernels_.narrow(samples_.data(), count, block.out_frames + first);
    } else {
      float* to = block.out_frames + first * channels_ + channel;
      for (std::size_t i = 0; i < count; ++i) to[i * channels_] = static_cast<float>(samples_[i]);
    }
    return fine;
  }

  const BiquadKernels& kernels_;
  std::size_t channels_;
  std::size_t sections_;
  std::size_t groups_;
  Array<BiquadChain> chains_;  ///< [channels][groups]
  Array<double> samples_;
  Array<float> frames_;
};

}  // namespace

std::unique_ptr<BiquadEngine> make_biquad_chain_engine(std::size_t channels, std::size_t sections) {
  return std::make_unique<ChainEngine>(channels, sections);
}

std::unique_ptr<BiquadEngine> make_biquad_engine(std::size_t channels, std::size_t sections) {
  // A vector costs the same however many of its lanes have a channel: as much as five chains of its
  // eight, measured.
  const std::size_t lanes = biquad_kernels().lanes;
  const std::size_t rounded_up = (channels + lanes - 1) / lanes * lanes;
  if (8 * channels <= 5 * rounded_up) return make_biquad_chain_engine(channels, sections);
  return make_biquad_lane_engine(channels, sections);
}

}  // namespace metalaudio::dsp

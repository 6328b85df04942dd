#include <metalaudio/core/array.h>
#include <metalaudio/dsp/biquad/biquad_engine.h>
#include <metalaudio/dsp/biquad/cpu/biquad_kernels.h>
#include <metalaudio/dsp/biquad/cpu/lane_section.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace metalaudio::dsp {

namespace {

/// A tile of 8 lanes and eight sections of them fit the first-level cache together, twice.
constexpr std::size_t kTileFrames = 128;
/// Doubles in the widest vector there is.
constexpr std::size_t kMostLanes = 8;
/// -600 dB.
constexpr double kInaudible = 1e-30;

class LaneEngine final : public BiquadEngine {
 public:
  LaneEngine(std::size_t channels, std::size_t sections)
      : kernels_(biquad_kernels()),
        lanes_(kernels_.lanes),
        channels_(channels),
        groups_((channels + lanes_ - 1) / lanes_),
        current_(sections),
        group_size_(sections * kBiquadLaneRows * lanes_),
        rows_(groups_ * group_size_),
        tile_(kTileFrames * lanes_) {}

  void set(std::span<const BiquadCoefficients> sections) noexcept override {
    for (std::size_t k = 0; k < current_.size(); ++k) {
      const auto next = biquad_lane_section(sections[k]);
      // What the state alone makes of the next two outputs stays.
      const double tilt = sections[k].a1 - current_[k].a1;
      for (std::size_t g = 0; g < groups_; ++g) {
        double* rows = rows_.data() + g * group_size_ + k * kBiquadLaneRows * lanes_;
        for (std::size_t i = 0; i < lanes_; ++i) {
          rows[kState2 * lanes_ + i] += tilt * rows[kState1 * lanes_ + i];
          store_lane(next, rows + i, lanes_);
        }
      }
      current_[k] = sections[k];
    }
  }

  bool process(const BiquadBlock& block, std::size_t first, std::size_t frames) noexcept override {
    bool fine = true;
    for (std::size_t done = 0; done < frames; done += kTileFrames) {
      const std::size_t count = std::min(kTileFrames, frames - done);
      for (std::size_t g = 0; g < groups_; ++g) {
        fine = process_tile(block, g, first + done, count) && fine;
      }
    }
    return fine;
  }

  void reset() noexcept override {
    for_each_state([](double& state) { state = 0.0; });
  }

  bool settle() noexcept override {
    bool finite = true;
    for_each_state([&](double& state) {
      finite = finite && std::isfinite(state);
      if (std::abs(state) < kInaudible) state = 0.0;
    });
    if (!finite) reset();
    return finite;
  }

 private:
  template <typename Body>
  void for_each_state(const Body& body) noexcept {
    for (std::size_t section = 0; section < groups_ * current_.size(); ++section) {
      double* states = rows_.data() + (section * kBiquadLaneRows + kState1) * lanes_;
      for (std::size_t i = 0; i < 2 * lanes_; ++i) body(states[i]);
    }
  }

  bool process_tile(const BiquadBlock& block, std::size_t group, std::size_t first,
                    std::size_t frames) noexcept {
    const std::size_t channel = group * lanes_;
    const std::size_t count = std::min(lanes_, channels_ - channel);
    const std::size_t at = first * channels_ + channel;
    double* x = tile_.data();
    std::array<const float*, kMostLanes> in{};
    std::array<float*, kMostLanes> out{};
    for (std::size_t i = 0; block.planar && i < count; ++i) {
      in[i] = block.in.channel(channel + i).data();
      out[i] = block.out.channel(channel + i).data();
    }
    const bool fine = block.planar
                          ? kernels_.gather(in.data(), count, first, frames, x)
                          : kernels_.load_rows(block.in_frames + at, channels_, count, frames, x);
    kernels_.run_lanes(rows_.data() + group * group_size_, current_.size(), x, frames);
    if (block.planar) {
      kernels_.scatter(x, frames, out.data(), count, first);
    } else {
      kernels_.store_rows(x, frames, block.out_frames + at, channels_, count);
    }
    return fine;
  }

  const BiquadKernels& kernels_;
  std::size_t lanes_;
  std::size_t channels_;
  std::size_t groups_;
  std::vector<BiquadCoefficients> current_;
  std::size_t group_size_;
  Array<double> rows_;  ///< [groups][sections][kBiquadLaneRows][lanes]
  Array<double> tile_;
};

}  // namespace

std::unique_ptr<BiquadEngine> make_biquad_lane_engine(std::size_t channels, std::size_t sections) {
  return std::make_unique<LaneEngine>(channels, sections);
}

}  // namespace metalaudio::dsp

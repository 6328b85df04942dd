#pragma once

#include <metalaudio/audio/audio_writer.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace metalaudio::audio {

/// Samples as integers of a number of bits, clamped beyond full scale.
/// Errors:   none.
/// Threads:  one instance per thread.
class Quantizer {
 public:
  Quantizer(Rounding rounding, int bits)
      : rounding_(rounding),
        full_scale_(static_cast<double>(std::int64_t{1} << (bits - 1))),
        largest_(static_cast<float>(full_scale_ - 1.0)) {}

  int operator()(float sample) noexcept {
    // In float, as upstream has it.
    if (rounding_ == Rounding::towards_zero) {
      return static_cast<int>(std::clamp(sample, -1.0F, 1.0F) * largest_);
    }
    double value = static_cast<double>(sample) * full_scale_;
    if (rounding_ == Rounding::dithered) value += uniform() - uniform();
    return static_cast<int>(std::nearbyint(std::clamp(value, -full_scale_, full_scale_ - 1.0)));
  }
  /// Many at once, as integers times `scale`.
  template <typename Integer>
  void operator()(std::span<const float> samples, int scale, std::vector<Integer>& out) {
    out.resize(samples.size());
    std::ranges::transform(samples, out.begin(), [&](float sample) {
      return static_cast<Integer>((*this)(sample)*scale);
    });
  }

 private:
  /// 0 to 1, the same for every file: equal samples give equal files. (A 64-bit linear congruence
  /// after Knuth, of which the upper bits are good.)
  double uniform() noexcept {
    random_ = random_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<double>(random_ >> 11) * 0x1p-53;
  }

  Rounding rounding_;
  double full_scale_;
  float largest_;
  std::uint64_t random_ = 1;
};

}  // namespace metalaudio::audio

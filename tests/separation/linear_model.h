#pragma once

#include <metalaudio/models/segment_model.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace metalaudio::separation {

/// The linear stand-in of tools/goldens/make_separation_goldens.py: two stems at 1 kHz, each a
/// varying gain on a channel plus a delayed other channel, so that a misplaced sample shows.
class LinearModel final : public models::SegmentModel {
 public:
  explicit LinearModel(std::size_t segment_samples = 400, std::size_t* runs = nullptr)
      : segment_(segment_samples), runs_(runs) {}

  const std::vector<std::string>& sources() const noexcept override { return sources_; }
  int sample_rate_hz() const noexcept override { return 1000; }
  std::size_t channels() const noexcept override { return 2; }
  std::size_t segment_samples() const noexcept override { return segment_; }

  void run(std::span<const float> mix, std::span<float> stems) override {
    if (runs_ != nullptr) ++*runs_;
    for (std::size_t row = 0; row < 4; ++row) {
      const std::size_t stem = row / 2;
      const std::size_t channel = row % 2;
      const std::size_t delay = 3 * (stem + 1);
      for (std::size_t i = 0; i < segment_; ++i) {
        const float place = static_cast<float>(i) / static_cast<float>(segment_);
        const float own = mix[channel * segment_ + i];
        const float other = i < delay ? 0.0F : mix[(1 - channel) * segment_ + i - delay];
        stems[row * segment_ + i] = (static_cast<float>(1 + stem) - place) * own +
                                    (0.5F - 0.25F * static_cast<float>(stem)) * other;
      }
    }
  }

 private:
  std::vector<std::string> sources_{"first", "second"};
  std::size_t segment_;
  std::size_t* runs_;
};

}  // namespace metalaudio::separation

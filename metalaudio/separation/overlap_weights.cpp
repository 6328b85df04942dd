#include <metalaudio/core/error.h>
#include <metalaudio/separation/overlap_weights.h>

#include <algorithm>
#include <cmath>

namespace metalaudio::separation {
namespace {

std::vector<float> triangle(std::size_t size, double power) {
  std::vector<float> weights(size);
  const std::size_t rising = size / 2;
  const auto highest = static_cast<float>(size - rising);
  for (std::size_t i = 0; i < size; ++i) {
    const auto height = static_cast<float>(i < rising ? i + 1 : size - i);
    weights[i] = std::pow(height / highest, static_cast<float>(power));
  }
  return weights;
}

}  // namespace

OverlapWeights::OverlapWeights(std::size_t segment_samples, double overlap, double power) {
  // Negated, so that a NaN fails too.
  if (!(overlap >= 0.0 && overlap < 1.0))
    fail(ErrorCode::invalid_argument, "[Separator] overlap {}: expected 0 or more, below 1",
         overlap);
  if (!(power >= 1.0 && std::isfinite(power)))
    fail(ErrorCode::invalid_argument, "[Separator] transition power {}: expected 1 or more", power);
  stride_ = static_cast<std::size_t>((1.0 - overlap) * static_cast<double>(segment_samples));
  if (stride_ == 0)
    fail(ErrorCode::invalid_argument,
         "[Separator] overlap {} leaves no stride in a segment of {} samples", overlap,
         segment_samples);
  triangle_ = triangle(segment_samples, power);
}

OverlapWeights::OverlapWeights(std::size_t segment_samples)
    : triangle_(segment_samples, 1.0F), stride_(segment_samples) {}

std::int64_t OverlapWeights::reach() const noexcept {
  return static_cast<std::int64_t>((triangle_.size() - 1) / stride_);
}

std::int64_t OverlapWeights::earlier(std::int64_t k) const noexcept { return std::min(k, reach()); }

std::span<const float> OverlapWeights::of_segment(std::int64_t k) {
  const std::size_t size = triangle_.size();
  const std::int64_t earlier = this->earlier(k);
  if (earlier == earlier_) return normalised_;

  normalised_.assign(size, 0.0F);
  for (std::int64_t back = earlier; back >= -reach(); --back) {
    const std::int64_t shift = back * static_cast<std::int64_t>(stride_);
    const auto first = static_cast<std::size_t>(std::max<std::int64_t>(0, -shift));
    const auto last = static_cast<std::size_t>(static_cast<std::int64_t>(size) -
                                               std::max<std::int64_t>(0, shift));
    for (std::size_t i = first; i < last; ++i)
      normalised_[i] += triangle_[static_cast<std::size_t>(static_cast<std::int64_t>(i) + shift)];
  }
  for (std::size_t i = 0; i < size; ++i) normalised_[i] = triangle_[i] / normalised_[i];
  earlier_ = earlier;
  return normalised_;
}

}  // namespace metalaudio::separation

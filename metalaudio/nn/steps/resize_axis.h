#pragma once

#include <metalaudio/nn/operations/resize.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace metalaudio::nn {

/// One axis of a Resize while planning.
struct ResizeAxis {
  ResizeAxis(const Resize& r, const Shape& shape, std::size_t axis)
      : resize(r), in(shape[axis]), out(r.shape[axis]) {
    scale = r.scales.empty() ? static_cast<double>(out) / static_cast<double>(in) : r.scales[axis];
    if (r.coordinates == ResizeCoordinates::tf_crop_and_resize) {
      start = r.roi[axis];
      end = r.roi[r.roi.size() / 2 + axis];
    }
  }

  /// Where an index of the result stands in x.
  double position(std::int64_t index) const {
    const auto i = static_cast<double>(index);
    const auto width = static_cast<double>(in);
    const double stretched = scale * width;  // the new extent before it was cut to a whole number
    switch (resize.coordinates) {
      case ResizeCoordinates::half_pixel:
        return (i + 0.5) / scale - 0.5;
      case ResizeCoordinates::half_pixel_symmetric:
        return width / 2 * (1 - static_cast<double>(out) / stretched) + (i + 0.5) / scale - 0.5;
      case ResizeCoordinates::pytorch_half_pixel:
        return out > 1 ? (i + 0.5) / scale - 0.5 : 0.0;
      case ResizeCoordinates::align_corners:
        return index == 0 || stretched == 1 ? 0.0 : i * (width - 1) / (stretched - 1);
      case ResizeCoordinates::asymmetric:
        return i / scale;
      case ResizeCoordinates::tf_crop_and_resize:
        return start * (width - 1) +
               (out == 1 ? (end - start) * (width - 1) / 2
                         : i * (end - start) * (width - 1) / (static_cast<double>(out) - 1));
    }
    return 0;
  }

  bool is_outside(std::int64_t index) const {
    if (resize.coordinates != ResizeCoordinates::tf_crop_and_resize) return false;
    const double at = position(index);
    return at < 0 || at > static_cast<double>(in - 1);
  }

  std::int64_t clamped(double at) const {
    return static_cast<std::int64_t>(std::clamp(at, 0.0, static_cast<double>(in - 1)));
  }

  std::int64_t nearest(std::int64_t index) const {
    const double at = position(index);
    switch (resize.rounding) {
      case ResizeRounding::round_prefer_floor:
        return clamped(std::ceil(at - 0.5));
      case ResizeRounding::round_prefer_ceil:
        return clamped(std::floor(at + 0.5));
      case ResizeRounding::floor:
        return clamped(std::floor(at));
      case ResizeRounding::ceil:
        return clamped(std::ceil(at));
    }
    return 0;
  }

  /// What a sample at a distance weighs.
  double kernel(double distance) const {
    const double x = std::abs(distance);
    const double a = resize.cubic_coefficient;
    if (resize.mode == ResizeMode::linear) return std::max(0.0, 1 - x);
    if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0.0;
  }

  const Resize& resize;
  std::int64_t in;
  std::int64_t out;
  double scale = 1;
  double start = 0;
  double end = 1;
};

}  // namespace metalaudio::nn

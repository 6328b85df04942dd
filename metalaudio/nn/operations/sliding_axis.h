#pragma once

#include <cstdint>

namespace metalaudio::nn {

/// How a kernel slides along one axis: before and after are zeros added at the ends.
struct SlidingAxis {
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t dilation = 1;
  std::int64_t before = 0;
  std::int64_t after = 0;

  /// Below 1 where the kernel does not fit.
  std::int64_t output_extent(std::int64_t input) const noexcept {
    const std::int64_t room = input + before + after - dilation * (kernel - 1) - 1;
    return room < 0 ? 0 : room / stride + 1;
  }
  bool sound() const noexcept {
    return kernel >= 1 && stride >= 1 && dilation >= 1 &&
           kernel <= (std::int64_t{1} << 40) / dilation;
  }
};

/// Output index = stride · input index + dilation · tap - crop, for the first `extent` of them.
struct TransposeAxis {
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t crop = 0;
  std::int64_t extent = 0;
  std::int64_t dilation = 1;

  std::int64_t full_extent(std::int64_t input) const noexcept {
    return input == 0 ? 0 : stride * (input - 1) + dilation * (kernel - 1) + 1;
  }
  bool sound() const noexcept {
    return kernel >= 1 && stride >= 1 && dilation >= 1 && extent >= 0 &&
           kernel <= (std::int64_t{1} << 40) / dilation;
  }
};

}  // namespace metalaudio::nn

#pragma once

namespace metalaudio::nn::cuda {

/// What of a device decides which kernels it takes.
struct DeviceLimits {
  int capability = 90;          ///< 10 · major + minor
  int shared_bytes = 48 << 10;  ///< that a block may ask for
};

DeviceLimits limits_of(int device);
/// Of the device that launches go to.
DeviceLimits current_limits();

}  // namespace metalaudio::nn::cuda

#pragma once

#include <metalaudio/core/audio_device.h>

#include <cstddef>
#include <memory>

namespace metalaudio::dsp {

/// The most points up to which this machine's CPU transforms faster than a GPU: Fft on one thread
/// beside BatchedFft with the copies there and back, of one transform and, from 4096 points on, of
/// several. The largest number where the CPU is faster at every size that is measured.
/// Errors:   throws Error{invalid_argument} on a device that is no GPU, and what the device throws.
/// Threads:  any; it takes a second or so.
std::size_t measure_gpu_threshold(const std::shared_ptr<AudioDevice>& gpu);

}  // namespace metalaudio::dsp

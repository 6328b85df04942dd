#pragma once

#include <metalaudio/core/audio_device.h>

#include <cstddef>
#include <memory>

namespace metalaudio::dsp {

/// The most points up to which this machine's CPU transforms faster than a GPU could: each size's
/// Fft beside as many values that go to the GPU, pass through its memory as often as its transform
/// would, and come back. The largest number where the CPU is faster at every size that is measured.
/// Errors:   throws what the device and its pipelines throw.
/// Threads:  any; it takes a second or so.
std::size_t measure_gpu_threshold(const std::shared_ptr<AudioDevice>& gpu);

}  // namespace metalaudio::dsp

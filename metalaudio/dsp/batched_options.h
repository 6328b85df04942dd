#pragma once

#include <metalaudio/core/audio_device.h>
#include <metalaudio/core/thread_pool.h>
#include <metalaudio/core/tolerance_configuration.h>

#include <cstddef>
#include <memory>

namespace metalaudio::dsp {

/// Where a batched processor works. Its tensors lie on that device, or in host memory for the CPU.
struct BatchedOptions {
  std::shared_ptr<AudioDevice> device = nullptr;  ///< null: the CPU; see choose_device()
  ThreadPool* pool = nullptr;                     ///< shares the work on the CPU, if there is one
};

/// The device for work on so many points at a time: a GPU where one answers and should_use_gpu()
/// says yes now, otherwise the CPU. `metalaudio calibrate` measures the threshold that it goes by.
/// Threads:  any.
/// Realtime: no; it is for whoever makes a processor.
std::shared_ptr<AudioDevice> choose_device(std::size_t points,
                                           const ToleranceConfiguration& tolerances = {});

}  // namespace metalaudio::dsp

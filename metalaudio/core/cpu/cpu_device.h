#pragma once

#include <metalaudio/core/audio_device.h>

#include <memory>

namespace metalaudio {

std::shared_ptr<AudioDevice> make_cpu_device();

}  // namespace metalaudio

#include "tests/dsp/batched/device.h"

namespace metalaudio::dsp {

std::shared_ptr<AudioDevice> batched_test_device() {
  static const std::shared_ptr<AudioDevice> device = open_device(DeviceType::cpu);
  return device;
}

}  // namespace metalaudio::dsp

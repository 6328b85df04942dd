#include <metalaudio/core/audio_device.h>
#include <metalaudio/core/cpu/cpu_device.h>
#include <metalaudio/core/cuda_part.h>
#include <metalaudio/core/error.h>

namespace metalaudio {

std::vector<DeviceProperties> list_devices() {
  std::vector<DeviceProperties> devices{make_cpu_device()->properties()};
  for (DeviceProperties& device : list_cuda_devices()) devices.push_back(std::move(device));
  return devices;
}

std::shared_ptr<AudioDevice> open_device(DeviceType type, int index) {
  if (type == DeviceType::automatic) {
    type = list_cuda_devices().empty() ? DeviceType::cpu : DeviceType::cuda;
  }
  if (type == DeviceType::cuda) return make_cuda_device(index);
  if (index != 0) {
    fail(ErrorCode::backend_unavailable, "[AudioDevice] cpu {}: there is only cpu 0", index);
  }
  return make_cpu_device();
}

}  // namespace metalaudio

#include <metalaudio/core/accelerator.h>
#include <metalaudio/core/audio_device.h>
#include <metalaudio/core/cpu/cpu_device.h>
#include <metalaudio/core/cuda_part.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/gpu_profile.h>
#include <metalaudio/core/pipeline.h>
#include <metalaudio/core/tolerance_configuration.h>

#include <utility>

namespace metalaudio {

std::shared_ptr<const Pipeline> AudioDevice::pipeline(const PipelineSource& source) {
  const std::string& name = source.kernel.entry;
  std::shared_ptr<const Kernel> kernel;
  std::string trouble;
  Accelerator* const gpu = accelerator();
  if (gpu != nullptr && !source.kernel.source.empty()) {
    try {
      kernel = gpu->compile(source.kernel);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::backend_unavailable || !source.cpu) throw;
      trouble = error.what();
    }
  }
  if (!kernel && !source.cpu) {
    fail(ErrorCode::backend_unavailable, "[Pipeline] {}: {}", name,
         gpu == nullptr ? "no GPU, and no function for the CPU" : "no kernel");
  }
  return std::make_shared<const Pipeline>(this, name, std::move(kernel), source.cpu,
                                          std::move(trouble));
}

bool AudioDevice::should_use_gpu(std::size_t size, const ToleranceConfiguration& tolerances) {
  Accelerator* const gpu = accelerator();
  if (gpu == nullptr) return false;
  const GpuConditions conditions =
      conditions_of(HardwareProfile::detect(), gpu->state(), properties().memory_bytes);
  return size > gpu_threshold(tolerances.gpu_cpu_threshold, conditions);
}

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

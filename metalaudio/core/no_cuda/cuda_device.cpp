#include <metalaudio/core/cuda/cuda_device.h>
#include <metalaudio/core/error.h>

namespace metalaudio {

std::vector<DeviceProperties> list_cuda_devices() { return {}; }

std::shared_ptr<AudioDevice> make_cuda_device(int index) {
  fail(ErrorCode::backend_unavailable, "[AudioDevice] cuda {}: built without CUDA", index);
}

}  // namespace metalaudio

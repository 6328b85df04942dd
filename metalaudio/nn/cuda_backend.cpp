#include <metalaudio/core/cuda_part.h>
#include <metalaudio/core/error.h>
#include <metalaudio/nn/cuda_backend.h>

#include <utility>

namespace metalaudio::nn {

std::shared_ptr<const Backend> make_cuda_backend(std::shared_ptr<AudioDevice> device,
                                                 Precision precision) {
  if (device == nullptr || device->properties().type != DeviceType::cuda) {
    fail(ErrorCode::invalid_argument, "[nn::Plan] the CUDA backend needs a CUDA device");
  }
  using Make = void(std::shared_ptr<AudioDevice>, Precision, std::shared_ptr<const Backend>*);
  std::shared_ptr<const Backend> backend;
  cuda_function_as<Make>("metalaudio_cuda_make_backend")(std::move(device), precision, &backend);
  return backend;
}

std::shared_ptr<const Backend> find_cuda_backend(Precision precision) {
  try {
    return make_cuda_backend(open_device(DeviceType::cuda), precision);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::backend_unavailable && error.code() != ErrorCode::out_of_memory)
      throw;
    return nullptr;
  }
}

}  // namespace metalaudio::nn

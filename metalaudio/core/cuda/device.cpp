#include <metalaudio/core/audio_device.h>
#include <metalaudio/core/cuda/accelerator.h>
#include <metalaudio/core/cuda/check.h>
#include <metalaudio/core/cuda/exports.h>
#include <metalaudio/core/cuda/nvml.h>
#include <metalaudio/core/cuda_support.h>

#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

namespace metalaudio::cuda {

namespace {

DeviceProperties properties_of(int index) {
  cudaDeviceProp found{};
  check(cudaGetDeviceProperties(&found, index), "its properties");
  DeviceProperties properties;
  properties.type = DeviceType::cuda;
  properties.index = index;
  properties.name = found.name;
  properties.memory_bytes = found.totalGlobalMem;
  properties.host_memory = false;
  properties.architecture = fmt::format("{}.{}", found.major, found.minor);
  properties.compute_units = found.multiProcessorCount;
  int kilohertz = 0;
  if (cudaDeviceGetAttribute(&kilohertz, cudaDevAttrClockRate, index) == cudaSuccess) {
    properties.clock_mhz = kilohertz / 1000;
  }
  return properties;
}

CudaAnswer ask_driver() {
  CudaAnswer answer;
  const cudaError_t error = cudaGetDeviceCount(&answer.devices);
  cudaGetLastError();
  answer.error = error;
  answer.error_text = cudaGetErrorString(error);
  if (error != cudaSuccess) answer.devices = 0;
  cudaDriverGetVersion(&answer.driver_version);
  cudaRuntimeGetVersion(&answer.runtime_version);
  if (const char* const visible = std::getenv("CUDA_VISIBLE_DEVICES")) {
    answer.visible_devices = visible;
  }
  return answer;
}

/// Why this build cannot use a GPU; empty where it can.
std::string trouble_of(int index) {
  int major = 0, minor = 0;
  cudaError_t error = cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, index);
  if (error == cudaSuccess) {
    error = cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, index);
  }
  if (error != cudaSuccess) return cudaGetErrorString(error);
  return wrong_architecture_reason(METALAUDIO_CUDA_ARCHITECTURES, major, minor);
}

Stream make_stream(int index) {
  const CurrentDevice current(index);
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "a stream");
  return {stream, [index](cudaStream_t last) {
            const CurrentDevice ending(index);
            cudaStreamDestroy(last);
          }};
}

/// One GPU with a stream of its own.
class CudaDevice final : public AudioDevice {
 public:
  explicit CudaDevice(int index)
      : properties_(properties_of(index)),
        stream_(make_stream(index)),
        accelerator_(index, stream_) {}

  const DeviceProperties& properties() const noexcept override { return properties_; }

  void* allocate(std::size_t bytes) override {
    const CurrentDevice current(properties_.index);
    void* handle = nullptr;
    const cudaError_t error = cudaMalloc(&handle, bytes == 0 ? 1 : bytes);
    if (error == cudaErrorMemoryAllocation) {
      cudaGetLastError();
      fail(ErrorCode::out_of_memory, "[AudioDevice] cuda {}: {} MiB are not free",
           properties_.index, bytes >> 20U);
    }
    check(error, "memory");
    return handle;
  }
  void deallocate(void* handle) noexcept override {
    const CurrentDevice current(properties_.index);
    cudaFree(handle);
  }

  void clear(void* handle, std::size_t offset, std::size_t bytes) override {
    const CurrentDevice current(properties_.index);
    check(cudaMemsetAsync(at(handle, offset), 0, bytes, stream_.get()), "clearing memory");
  }
  void upload(void* handle, std::size_t offset, const void* host, std::size_t bytes) override {
    const CurrentDevice current(properties_.index);
    check(cudaMemcpyAsync(at(handle, offset), host, bytes, cudaMemcpyHostToDevice, stream_.get()),
          "an upload");
    synchronize();
  }
  void download(void* host, const void* handle, std::size_t offset, std::size_t bytes) override {
    const CurrentDevice current(properties_.index);
    check(cudaMemcpyAsync(host, at(handle, offset), bytes, cudaMemcpyDeviceToHost, stream_.get()),
          "a download");
    synchronize();
  }
  void copy(void* to, std::size_t to_offset, const void* from, std::size_t from_offset,
            std::size_t bytes) override {
    const CurrentDevice current(properties_.index);
    check(cudaMemcpyAsync(at(to, to_offset), at(from, from_offset), bytes, cudaMemcpyDeviceToDevice,
                          stream_.get()),
          "a copy");
  }
  void synchronize() override {
    const CurrentDevice current(properties_.index);
    check(cudaStreamSynchronize(stream_.get()), "waiting for the GPU");
  }
  void* stream() const noexcept override { return stream_.get(); }
  Accelerator* accelerator() noexcept override { return &accelerator_; }

 private:
  static std::byte* at(void* handle, std::size_t offset) noexcept {
    return static_cast<std::byte*>(handle) + offset;
  }
  static const std::byte* at(const void* handle, std::size_t offset) noexcept {
    return static_cast<const std::byte*>(handle) + offset;
  }

  DeviceProperties properties_;
  Stream stream_;
  CudaAccelerator accelerator_;
};

}  // namespace

}  // namespace metalaudio::cuda

const char* metalaudio_cuda_version() { return METALAUDIO_VERSION; }

void metalaudio_cuda_survey(metalaudio::GpuSurvey* survey) {
  using namespace metalaudio;
  const CudaAnswer answer = cuda::ask_driver();
  survey->trouble = no_gpu_reason(answer);
  for (int index = 0; index < answer.devices; ++index) {
    GpuProfile gpu;
    gpu.properties = cuda::properties_of(index);
    cuda::read_nvml(index, gpu.state);
    gpu.trouble = cuda::trouble_of(index);
    survey->gpus.push_back(std::move(gpu));
  }
}

void metalaudio_cuda_list_devices(std::vector<metalaudio::DeviceProperties>* devices) {
  const int count = metalaudio::cuda::ask_driver().devices;
  for (int index = 0; index < count; ++index) {
    if (!metalaudio::cuda::trouble_of(index).empty()) continue;
    devices->push_back(metalaudio::cuda::properties_of(index));
  }
}

void metalaudio_cuda_make_device(int index, std::shared_ptr<metalaudio::AudioDevice>* device) {
  using namespace metalaudio;
  const CudaAnswer answer = cuda::ask_driver();
  const std::string none = no_gpu_reason(answer);
  if (!none.empty()) fail(ErrorCode::backend_unavailable, "[AudioDevice] cuda: {}", none);
  if (index < 0 || index >= answer.devices) {
    fail(ErrorCode::backend_unavailable,
         "[AudioDevice] cuda {}: GPUs are counted from 0, and {} answered", index, answer.devices);
  }
  const std::string trouble = cuda::trouble_of(index);
  if (!trouble.empty()) {
    fail(ErrorCode::backend_unavailable, "[AudioDevice] cuda {}: {}", index, trouble);
  }
  *device = std::make_shared<cuda::CudaDevice>(index);
}

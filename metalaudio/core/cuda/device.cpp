#include <metalaudio/core/audio_device.h>
#include <metalaudio/core/cuda/check.h>
#include <metalaudio/core/cuda/exports.h>

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
  return properties;
}

/// How many GPUs answer; throws where none does, and says why.
int device_count() {
  int count = 0;
  check(cudaGetDeviceCount(&count), "no GPU answers");
  return count;
}

/// One GPU with a stream of its own.
class CudaDevice final : public AudioDevice {
 public:
  explicit CudaDevice(int index) : properties_(properties_of(index)) {
    const CurrentDevice current(index);
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "a stream");
  }
  ~CudaDevice() override {
    const CurrentDevice current(properties_.index);
    cudaStreamDestroy(stream_);
  }

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
    check(cudaMemsetAsync(at(handle, offset), 0, bytes, stream_), "clearing memory");
  }
  void upload(void* handle, std::size_t offset, const void* host, std::size_t bytes) override {
    const CurrentDevice current(properties_.index);
    check(cudaMemcpyAsync(at(handle, offset), host, bytes, cudaMemcpyHostToDevice, stream_),
          "an upload");
    synchronize();
  }
  void download(void* host, const void* handle, std::size_t offset, std::size_t bytes) override {
    const CurrentDevice current(properties_.index);
    check(cudaMemcpyAsync(host, at(handle, offset), bytes, cudaMemcpyDeviceToHost, stream_),
          "a download");
    synchronize();
  }
  void copy(void* to, std::size_t to_offset, const void* from, std::size_t from_offset,
            std::size_t bytes) override {
    const CurrentDevice current(properties_.index);
    check(cudaMemcpyAsync(at(to, to_offset), at(from, from_offset), bytes, cudaMemcpyDeviceToDevice,
                          stream_),
          "a copy");
  }
  void synchronize() override {
    const CurrentDevice current(properties_.index);
    check(cudaStreamSynchronize(stream_), "waiting for the GPU");
  }
  void* stream() const noexcept override { return stream_; }

 private:
  static std::byte* at(void* handle, std::size_t offset) noexcept {
    return static_cast<std::byte*>(handle) + offset;
  }
  static const std::byte* at(const void* handle, std::size_t offset) noexcept {
    return static_cast<const std::byte*>(handle) + offset;
  }

  DeviceProperties properties_;
  cudaStream_t stream_ = nullptr;
};

}  // namespace

}  // namespace metalaudio::cuda

const char* metalaudio_cuda_version() { return METALAUDIO_VERSION; }

void metalaudio_cuda_list_devices(std::vector<metalaudio::DeviceProperties>* devices) {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) {
    cudaGetLastError();
    return;
  }
  for (int index = 0; index < count; ++index) {
    devices->push_back(metalaudio::cuda::properties_of(index));
  }
}

void metalaudio_cuda_make_device(int index, std::shared_ptr<metalaudio::AudioDevice>* device) {
  const int count = metalaudio::cuda::device_count();
  if (index < 0 || index >= count) {
    metalaudio::fail(metalaudio::ErrorCode::backend_unavailable,
                     "[AudioDevice] cuda {}: there are {} GPUs, counted from 0", index, count);
  }
  *device = std::make_shared<metalaudio::cuda::CudaDevice>(index);
}

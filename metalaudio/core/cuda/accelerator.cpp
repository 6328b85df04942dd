#include <metalaudio/core/cuda/accelerator.h>
#include <metalaudio/core/cuda/check.h>
#include <metalaudio/core/cuda/nvml.h>
#include <metalaudio/core/cuda/nvrtc.h>

#include <string>
#include <utility>

namespace metalaudio::cuda {

namespace {

int attribute(cudaDeviceAttr what, int index) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, what, index), "an attribute");
  return value;
}

class CudaKernel final : public Kernel {
 public:
  CudaKernel(int index, Stream stream, const CompiledKernel& compiled)
      : index_(index), stream_(std::move(stream)) {
    const CurrentDevice current(index_);
    cudaLibrary_t library = nullptr;
    check_code(cudaLibraryLoadData(&library, compiled.code.data(), nullptr, nullptr, 0, nullptr,
                                   nullptr, 0),
               "loading it");
    library_.reset(library);
    check_code(cudaLibraryGetKernel(&kernel_, library, compiled.name.c_str()), "finding it");
    // Asking brings the code onto the GPU now rather than at the first launch.
    cudaFuncAttributes found{};
    check_code(cudaFuncGetAttributes(&found, function()), "its needs");
    const int most = attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, index_) -
                     static_cast<int>(found.sharedSizeBytes);
    if (most > 0) {
      check_code(cudaKernelSetAttributeForDevice(
                     kernel_, cudaFuncAttributeMaxDynamicSharedMemorySize, most, index_),
                 "its shared memory");
    }
  }

  void launch(const LaunchShape& shape, std::span<void* const> arguments) const override {
    const CurrentDevice current(index_);
    const cudaError_t error =
        cudaLaunchKernel(function(), dim3(shape.blocks), dim3(shape.threads),
                         const_cast<void**>(arguments.data()), shape.shared_bytes, stream_.get());
    if (error == cudaErrorInvalidConfiguration || error == cudaErrorInvalidValue ||
        error == cudaErrorLaunchOutOfResources) {
      cudaGetLastError();
      fail(ErrorCode::invalid_argument,
           "[Pipeline] {} blocks of {} threads with {} bytes of shared memory: {}", shape.blocks,
           shape.threads, shape.shared_bytes, cudaGetErrorString(error));
    }
    check(error, "a launch");
  }

 private:
  struct Unload {
    void operator()(cudaLibrary_t library) const noexcept { cudaLibraryUnload(library); }
  };

  const void* function() const noexcept { return reinterpret_cast<const void*>(kernel_); }

  /// Code that the driver refuses is not a device that is lost.
  static void check_code(cudaError_t error, const char* what) {
    if (error == cudaErrorInvalidPtx || error == cudaErrorUnsupportedPtxVersion ||
        error == cudaErrorNoKernelImageForDevice || error == cudaErrorSymbolNotFound ||
        error == cudaErrorInvalidKernelImage || error == cudaErrorInvalidValue) {
      cudaGetLastError();
      fail(ErrorCode::invalid_data, "[Pipeline] {}: {}", what, cudaGetErrorString(error));
    }
    check(error, what);
  }

  int index_;
  Stream stream_;
  std::unique_ptr<std::remove_pointer_t<cudaLibrary_t>, Unload> library_;
  cudaKernel_t kernel_ = nullptr;
};

KernelCompiler compiler_for(int index, const Stream& stream) {
  const int capability = 10 * attribute(cudaDevAttrComputeCapabilityMajor, index) +
                         attribute(cudaDevAttrComputeCapabilityMinor, index);
  return {.target = fmt::format("{} for {}", nvrtc_version(), capability),
          .build =
              [capability](const KernelSource& source) {
                return compile_with_nvrtc(source, capability).pack();
              },
          .load = [index, stream](const std::string& packed) -> std::shared_ptr<const Kernel> {
            return std::make_shared<CudaKernel>(index, stream, CompiledKernel::unpack(packed));
          }};
}

}  // namespace

CudaAccelerator::CudaAccelerator(int index, Stream stream)
    : index_(index),
      stream_(std::move(stream)),
      cache_(compiler_for(index, stream_), DiskCache(DiskCache::default_folder())) {}

void* CudaAccelerator::allocate_staging(std::size_t bytes) {
  const CurrentDevice current(index_);
  void* host = nullptr;
  check(cudaHostAlloc(&host, bytes == 0 ? 1 : bytes, cudaHostAllocPortable), "staging memory");
  return host;
}

void CudaAccelerator::deallocate_staging(void* host) noexcept {
  const CurrentDevice current(index_);
  cudaFreeHost(host);
}

void CudaAccelerator::upload_async(void* handle, std::size_t offset, const void* staging,
                                   std::size_t bytes) {
  const CurrentDevice current(index_);
  check(cudaMemcpyAsync(static_cast<std::byte*>(handle) + offset, staging, bytes,
                        cudaMemcpyHostToDevice, stream_.get()),
        "an upload");
}

void CudaAccelerator::download_async(void* staging, const void* handle, std::size_t offset,
                                     std::size_t bytes) {
  const CurrentDevice current(index_);
  check(cudaMemcpyAsync(staging, static_cast<const std::byte*>(handle) + offset, bytes,
                        cudaMemcpyDeviceToHost, stream_.get()),
        "a download");
}

GpuState CudaAccelerator::state() const {
  GpuState state;
  read_nvml(index_, state);
  const CurrentDevice current(index_);
  std::size_t free = 0, total = 0;
  if (cudaMemGetInfo(&free, &total) == cudaSuccess) {
    state.free_memory_bytes = free;
  } else {
    cudaGetLastError();
  }
  return state;
}

}  // namespace metalaudio::cuda

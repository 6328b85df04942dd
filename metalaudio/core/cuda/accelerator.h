#pragma once

#include <metalaudio/core/accelerator.h>
#include <metalaudio/core/pipelines/pipeline_cache.h>

#include <cuda_runtime_api.h>

#include <memory>
#include <type_traits>

namespace metalaudio::cuda {

/// A stream that lives as long as the last who uses it.
using Stream = std::shared_ptr<std::remove_pointer_t<cudaStream_t>>;

/// Of one GPU, on one stream of it.
class CudaAccelerator final : public Accelerator {
 public:
  CudaAccelerator(int index, Stream stream);

  void* allocate_staging(std::size_t bytes) override;
  void deallocate_staging(void* host) noexcept override;
  void upload_async(void* handle, std::size_t offset, const void* staging,
                    std::size_t bytes) override;
  void download_async(void* staging, const void* handle, std::size_t offset,
                      std::size_t bytes) override;
  std::shared_ptr<const Kernel> compile(const KernelSource& source) override {
    return cache_.get(source);
  }
  GpuState state() const override;

 private:
  int index_;
  Stream stream_;
  PipelineCache cache_;
};

}  // namespace metalaudio::cuda

#pragma once

#include <metalaudio/core/accelerator.h>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>

namespace metalaudio {

class AudioDevice;

/// The same work as a kernel's, on the host: reads `in`, writes all of `out`.
using CpuFunction = std::function<void(std::span<const float> in, std::span<float> out)>;

/// A user's own kernel: CUDA C++, the name of a __global__ function in it, and a function that does
/// its work on the CPU where there is no GPU, or none any more; either may be missing.
struct PipelineSource {
  KernelSource kernel{};
  CpuFunction cpu{};
};

/// Work for a device, compiled. AudioDevice::pipeline() makes it.
/// Threads:  any; it does not change.
class Pipeline {
 public:
  Pipeline(const AudioDevice* device, std::string name, std::shared_ptr<const Kernel> kernel,
           CpuFunction cpu, std::string trouble)
      : device_(device),
        name_(std::move(name)),
        kernel_(std::move(kernel)),
        cpu_(std::move(cpu)),
        trouble_(std::move(trouble)) {}

  /// Whose kernel it is, to compare: it may be gone.
  const AudioDevice* device() const noexcept { return device_; }
  /// The kernel's entry.
  const std::string& name() const noexcept { return name_; }
  /// Null where it runs on the CPU alone.
  const Kernel* kernel() const noexcept { return kernel_.get(); }
  /// Empty where it runs on a GPU alone.
  const CpuFunction& cpu() const noexcept { return cpu_; }
  /// Why there is no kernel, where one was asked for; otherwise empty.
  const std::string& trouble() const noexcept { return trouble_; }

 private:
  const AudioDevice* device_;
  std::string name_;
  std::shared_ptr<const Kernel> kernel_;
  CpuFunction cpu_;
  std::string trouble_;
};

}  // namespace metalaudio

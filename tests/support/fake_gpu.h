#pragma once

#include <metalaudio/core/accelerator.h>
#include <metalaudio/core/audio_device.h>
#include <metalaudio/core/buffer.h>
#include <metalaudio/core/error.h>
#include <metalaudio/core/pipeline.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace metalaudio {

/// A driver layer of the host's memory: copies and launches wait for synchronize(), kernels are
/// functions by name, and it is lost for good at a launch of one's choice.
class FakeGpu final : public AudioDevice, public Accelerator {
 public:
  const DeviceProperties& properties() const noexcept override { return properties_; }
  void* allocate(std::size_t bytes) override {
    check();
    return host_.allocate(bytes);
  }
  void deallocate(void* handle) noexcept override {
    work();  // memory goes when nothing uses it any more, as cudaFree has it
    host_.deallocate(handle);
  }
  void clear(void* handle, std::size_t offset, std::size_t bytes) override {
    check();
    std::memset(static_cast<char*>(handle) + offset, 0, bytes);
  }
  void upload(void* handle, std::size_t offset, const void* host, std::size_t bytes) override {
    check();
    std::memcpy(static_cast<char*>(handle) + offset, host, bytes);
  }
  void download(void* host, const void* handle, std::size_t offset, std::size_t bytes) override {
    check();
    std::memcpy(host, static_cast<const char*>(handle) + offset, bytes);
  }
  void copy(void* to, std::size_t to_offset, const void* from, std::size_t from_offset,
            std::size_t bytes) override {
    upload(to, to_offset, static_cast<const char*>(from) + from_offset, bytes);
  }
  void synchronize() override {
    check();
    work();
    check();
  }
  void* stream() const noexcept override { return nullptr; }
  Accelerator* accelerator() noexcept override { return this; }

  void* allocate_staging(std::size_t bytes) override {
    ++staging;
    return host_.allocate(bytes);
  }
  void deallocate_staging(void* host) noexcept override {
    --staging;
    work();
    host_.deallocate(host);
  }
  void upload_async(void* handle, std::size_t offset, const void* from,
                    std::size_t bytes) override {
    check();
    pending_.push_back([=] { std::memcpy(static_cast<char*>(handle) + offset, from, bytes); });
  }
  void download_async(void* to, const void* handle, std::size_t offset,
                      std::size_t bytes) override {
    check();
    pending_.push_back([=] { std::memcpy(to, static_cast<const char*>(handle) + offset, bytes); });
  }
  std::shared_ptr<const Kernel> compile(const KernelSource& source) override {
    if (no_compiler) fail(ErrorCode::backend_unavailable, "[Pipeline] no compiler");
    const auto found = kernels.find(source.entry);
    if (found == kernels.end()) {
      fail(ErrorCode::invalid_argument, "[Pipeline] {} does not compile", source.entry);
    }
    return std::make_shared<FakeKernel>(*this, found->second);
  }
  GpuState state() const override { return gpu_state; }

  std::map<std::string, CpuFunction> kernels;  ///< by entry
  GpuState gpu_state;
  std::atomic<int> launches_left{1 << 30};  ///< then it is lost
  std::atomic<int> launches{0};
  std::atomic<int> staging{0};
  bool no_compiler = false;

 private:
  class FakeKernel final : public Kernel {
   public:
    FakeKernel(FakeGpu& gpu, CpuFunction function) : gpu_(gpu), function_(std::move(function)) {}
    void launch(const LaunchShape& shape, std::span<void* const> arguments) const override {
      gpu_.check();
      if (shape.threads > 1024) fail(ErrorCode::invalid_argument, "[Pipeline] too many threads");
      ++gpu_.launches;
      auto* const in = *static_cast<const float**>(arguments[0]);
      auto* const out = *static_cast<float**>(arguments[1]);
      const auto outs = static_cast<std::size_t>(*static_cast<int*>(arguments[2]));
      const auto ins = static_cast<std::size_t>(*static_cast<int*>(arguments[3]));
      gpu_.pending_.push_back([this, in, out, ins, outs] {
        if (gpu_.launches_left-- <= 0) gpu_.lost_ = true;
        if (!gpu_.lost_) function_({in, ins}, {out, outs});
      });
    }

   private:
    FakeGpu& gpu_;
    CpuFunction function_;
  };

  void work() noexcept {
    for (const auto& piece : pending_) piece();
    pending_.clear();
  }
  void check() const {
    if (lost_) fail(ErrorCode::backend_unavailable, "[FakeGpu] an illegal address");
  }

  std::atomic<bool> lost_{false};
  std::vector<std::function<void()>> pending_;
  std::shared_ptr<AudioDevice> cpu_ = open_device(DeviceType::cpu);
  AudioDevice& host_ = *cpu_;
  DeviceProperties properties_{.type = DeviceType::cuda,
                               .name = "fake",
                               .memory_bytes = std::size_t{1} << 30U,
                               .host_memory = false};
};

}  // namespace metalaudio

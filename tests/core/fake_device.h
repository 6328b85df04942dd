#pragma once

#include <metalaudio/core/audio_device.h>

#include <cstdlib>
#include <cstring>

namespace metalaudio {

/// Stands for a GPU: memory that a tensor must not touch but through the device.
class FakeDevice final : public AudioDevice {
 public:
  const DeviceProperties& properties() const noexcept override { return properties_; }
  void* allocate(std::size_t bytes) override {
    ++allocations;
    return std::aligned_alloc(64, (bytes / 64 + 1) * 64);
  }
  void deallocate(void* data) noexcept override {
    --allocations;
    std::free(data);
  }
  void clear(void* data, std::size_t bytes) override { std::memset(data, 0, bytes); }
  void copy(void* to, const void* from, std::size_t bytes) override {
    ++copies;
    std::memcpy(to, from, bytes);
  }
  void synchronize() override {}
  void* stream() const noexcept override { return nullptr; }

  int allocations = 0;
  int copies = 0;

 private:
  DeviceProperties properties_{.backend = Backend::cuda,
                               .index = 0,
                               .name = "fake",
                               .memory_bytes = 0,
                               .host_memory = false};
};

}  // namespace metalaudio

#pragma once

#include <metalaudio/core/audio_device.h>
#include <metalaudio/core/error.h>

#include <cstddef>
#include <cstring>
#include <vector>

namespace metalaudio {

/// Stands for a GPU whose buffers have no address: a handle is a number, and what was allocated
/// holds 0xFF (NaN as float32) until something is written there.
class FakeDevice final : public AudioDevice {
 public:
  const DeviceProperties& properties() const noexcept override { return properties_; }
  void* allocate(std::size_t bytes) override {
    ++allocations;
    memory_.emplace_back(bytes, std::byte{0xFF});
    return reinterpret_cast<void*>(memory_.size());
  }
  void deallocate(void* handle) noexcept override {
    --allocations;
    memory_[index(handle)].clear();
  }
  void clear(void* handle, std::size_t offset, std::size_t bytes) override {
    if (lost) fail(ErrorCode::backend_unavailable, "[FakeDevice] lost");
    std::memset(at(handle, offset, bytes), 0, bytes);
  }
  void upload(void* handle, std::size_t offset, const void* host, std::size_t bytes) override {
    ++copies;
    std::memcpy(at(handle, offset, bytes), host, bytes);
  }
  void download(void* host, const void* handle, std::size_t offset, std::size_t bytes) override {
    ++copies;
    std::memcpy(host, at(handle, offset, bytes), bytes);
  }
  void copy(void* to, std::size_t to_offset, const void* from, std::size_t from_offset,
            std::size_t bytes) override {
    ++copies;
    std::memcpy(at(to, to_offset, bytes), at(from, from_offset, bytes), bytes);
  }
  void synchronize() override {}
  void* stream() const noexcept override { return nullptr; }

  int allocations = 0;
  int copies = 0;
  bool lost = false;  ///< clear() then throws

 private:
  static std::size_t index(const void* handle) { return reinterpret_cast<std::size_t>(handle) - 1; }
  std::byte* at(const void* handle, std::size_t offset, std::size_t bytes) {
    std::vector<std::byte>& block = memory_.at(index(handle));
    if (bytes > 0) (void)block.at(offset + bytes - 1);
    return block.data() + offset;
  }

  std::vector<std::vector<std::byte>> memory_;
  DeviceProperties properties_{.type = DeviceType::cuda,
                               .index = 0,
                               .name = "fake",
                               .memory_bytes = 0,
                               .host_memory = false};
};

}  // namespace metalaudio

#pragma once

#include <metalaudio/core/audio_device.h>
#include <metalaudio/core/buffer.h>
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
    if (bytes > free_bytes) fail(ErrorCode::out_of_memory, "[FakeDevice] {} bytes", bytes);
    free_bytes -= bytes;
    ++allocations;
    Buffer& block = memory_.emplace_back(bytes);
    if (bytes > 0) std::memset(block.data(), 0xFF, bytes);
    return reinterpret_cast<void*>(memory_.size());
  }
  void deallocate(void* handle) noexcept override {
    --allocations;
    free_bytes += memory_[index(handle)].bytes();
    memory_[index(handle)] = Buffer();
  }
  void clear(void* handle, std::size_t offset, std::size_t bytes) override {
    std::memset(at(handle, offset, bytes), poison_cleared ? 0xFF : 0, bytes);
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

  /// Where a handle's bytes really are, for a backend that runs on them; null for a handle that is
  /// none of this device's.
  std::byte* address(const void* handle, std::size_t offset) noexcept {
    const std::size_t block = index(handle);
    return block < memory_.size() ? memory_[block].data() + offset : nullptr;
  }

  int allocations = 0;
  int copies = 0;
  std::size_t free_bytes = std::size_t{1} << 60U;
  bool lost = false;  ///< what touches its memory then throws
  bool poison_cleared =
      false;  ///< what was cleared holds 0xFF as well, so that nobody relies on it

 private:
  static std::size_t index(const void* handle) { return reinterpret_cast<std::size_t>(handle) - 1; }
  std::byte* at(const void* handle, std::size_t offset, std::size_t bytes) {
    if (lost) fail(ErrorCode::backend_unavailable, "[FakeDevice] lost");
    Buffer& block = memory_.at(index(handle));
    if (offset + bytes > block.bytes())
      fail(ErrorCode::invalid_argument, "[FakeDevice] past the end");
    return block.data() + offset;
  }

  std::vector<Buffer> memory_;
  DeviceProperties properties_{.type = DeviceType::cuda,
                               .index = 0,
                               .name = "fake",
                               .memory_bytes = 0,
                               .host_memory = false};
};

}  // namespace metalaudio

#include <metalaudio/core/cpu/aligned_memory.h>
#include <metalaudio/core/cpu/cpu_device.h>
#include <metalaudio/core/hardware_profile.h>

#include <cstddef>
#include <cstring>
#include <utility>

namespace metalaudio {

namespace {

class CpuDevice final : public AudioDevice {
 public:
  explicit CpuDevice(DeviceProperties properties) : properties_(std::move(properties)) {}

  const DeviceProperties& properties() const noexcept override { return properties_; }
  void* allocate(std::size_t bytes) override { return allocate_aligned(bytes); }
  void deallocate(void* handle) noexcept override { free_aligned(handle); }
  void clear(void* handle, std::size_t offset, std::size_t bytes) override {
    std::memset(at(handle, offset), 0, bytes);
  }
  void upload(void* handle, std::size_t offset, const void* host, std::size_t bytes) override {
    std::memcpy(at(handle, offset), host, bytes);
  }
  void download(void* host, const void* handle, std::size_t offset, std::size_t bytes) override {
    std::memcpy(host, at(handle, offset), bytes);
  }
  void copy(void* to, std::size_t to_offset, const void* from, std::size_t from_offset,
            std::size_t bytes) override {
    std::memcpy(at(to, to_offset), at(from, from_offset), bytes);
  }
  void synchronize() override {}
  void* stream() const noexcept override { return nullptr; }

 private:
  static std::byte* at(void* handle, std::size_t offset) {
    return static_cast<std::byte*>(handle) + offset;
  }
  static const std::byte* at(const void* handle, std::size_t offset) {
    return static_cast<const std::byte*>(handle) + offset;
  }

  DeviceProperties properties_;
};

}  // namespace

std::shared_ptr<AudioDevice> make_cpu_device() {
  const HardwareProfile profile = HardwareProfile::detect();
  return std::make_shared<CpuDevice>(DeviceProperties{
      .type = DeviceType::cpu, .name = profile.cpu_name, .memory_bytes = profile.memory_bytes});
}

}  // namespace metalaudio

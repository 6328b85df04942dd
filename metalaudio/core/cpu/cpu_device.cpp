#include <metalaudio/core/cpu/aligned_memory.h>
#include <metalaudio/core/cpu/cpu_device.h>
#include <metalaudio/core/hardware_profile.h>

#include <cstring>
#include <utility>

namespace metalaudio {

namespace {

class CpuDevice final : public AudioDevice {
 public:
  explicit CpuDevice(DeviceProperties properties) : properties_(std::move(properties)) {}

  const DeviceProperties& properties() const noexcept override { return properties_; }
  void* allocate(std::size_t bytes) override { return allocate_aligned(bytes); }
  void deallocate(void* data) noexcept override { free_aligned(data); }
  void clear(void* data, std::size_t bytes) override { std::memset(data, 0, bytes); }
  void copy(void* to, const void* from, std::size_t bytes) override {
    std::memmove(to, from, bytes);
  }
  void synchronize() override {}
  void* stream() const noexcept override { return nullptr; }

 private:
  DeviceProperties properties_;
};

}  // namespace

std::shared_ptr<AudioDevice> make_cpu_device() {
  const HardwareProfile profile = HardwareProfile::detect();
  return std::make_shared<CpuDevice>(DeviceProperties{
      .backend = Backend::cpu, .name = profile.cpu_name, .memory_bytes = profile.memory_bytes});
}

}  // namespace metalaudio

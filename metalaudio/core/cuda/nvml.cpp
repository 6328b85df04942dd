#include <metalaudio/core/cuda/nvml.h>

#include <cuda_runtime_api.h>
#include <dlfcn.h>

#include <array>
#include <optional>
#include <type_traits>

namespace metalaudio::cuda {

namespace {

// The few of NVML's functions and numbers that are used; its header is not part of every toolkit.
using Device = void*;
constexpr int kSuccess = 0;
constexpr int kGpuTemperature = 0;
constexpr int kShutdownThreshold = 0;
constexpr int kSlowdownThreshold = 1;
constexpr int kMultiprocessorClock = 1;
constexpr int kMemoryClock = 2;
constexpr unsigned long long kSoftwarePowerCap = 0x04;
constexpr unsigned long long kHardwareSlowdown = 0x08;  // heat or power; the next ones say which
constexpr unsigned long long kSoftwareHeat = 0x20;
constexpr unsigned long long kHardwareHeat = 0x40;
constexpr unsigned long long kPowerBrake = 0x80;

struct Memory {
  unsigned long long total = 0, free = 0, used = 0;
};

class Nvml {
 public:
  /// Null where there is none.
  static const Nvml* get() noexcept {
    static const Nvml loaded;
    return loaded.handle_by_bus_ == nullptr ? nullptr : &loaded;
  }

  Device device(const char* bus) const noexcept {
    Device device = nullptr;
    return handle_by_bus_(bus, &device) == kSuccess ? device : nullptr;
  }

  int (*temperature)(Device, int, unsigned*) = nullptr;
  int (*temperature_threshold)(Device, int, unsigned*) = nullptr;
  int (*clock)(Device, int, unsigned*) = nullptr;
  int (*throttle_reasons)(Device, unsigned long long*) = nullptr;
  int (*memory)(Device, Memory*) = nullptr;

 private:
  Nvml() noexcept {
    void* const library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return;
    const auto find = [&](auto& function, const char* name) {
      using Function = std::remove_reference_t<decltype(function)>;
      function = reinterpret_cast<Function>(dlsym(library, name));
    };
    int (*start)() = nullptr;
    find(start, "nvmlInit_v2");
    find(temperature, "nvmlDeviceGetTemperature");
    find(temperature_threshold, "nvmlDeviceGetTemperatureThreshold");
    find(clock, "nvmlDeviceGetClockInfo");
    // Renamed in driver 535.
    find(throttle_reasons, "nvmlDeviceGetCurrentClocksEventReasons");
    if (throttle_reasons == nullptr) {
      find(throttle_reasons, "nvmlDeviceGetCurrentClocksThrottleReasons");
    }
    find(memory, "nvmlDeviceGetMemoryInfo");
    if (start != nullptr && start() == kSuccess) {
      find(handle_by_bus_, "nvmlDeviceGetHandleByPciBusId_v2");
    }
  }

  int (*handle_by_bus_)(const char*, Device*) = nullptr;
};

template <typename Number, typename Function>
void read(Function* function, Device device, int what, std::optional<Number>& number) noexcept {
  unsigned found = 0;
  if (function != nullptr && function(device, what, &found) == kSuccess) {
    number = static_cast<Number>(found);
  }
}

}  // namespace

void read_nvml(int index, GpuState& state) noexcept {
  std::array<char, 32> bus{};
  if (cudaDeviceGetPCIBusId(bus.data(), static_cast<int>(bus.size()), index) != cudaSuccess) {
    cudaGetLastError();
    return;
  }
  read_nvml(bus.data(), state);
}

void read_nvml(const char* bus, GpuState& state) noexcept {
  const Nvml* const nvml = Nvml::get();
  const Device device = nvml == nullptr ? nullptr : nvml->device(bus);
  if (device == nullptr) return;
  read(nvml->temperature, device, kGpuTemperature, state.celsius);
  read(nvml->temperature_threshold, device, kSlowdownThreshold, state.slowdown_celsius);
  read(nvml->temperature_threshold, device, kShutdownThreshold, state.shutdown_celsius);
  read(nvml->clock, device, kMultiprocessorClock, state.clock_mhz);
  read(nvml->clock, device, kMemoryClock, state.memory_clock_mhz);
  unsigned long long reasons = 0;
  if (nvml->throttle_reasons != nullptr && nvml->throttle_reasons(device, &reasons) == kSuccess) {
    const auto any = [&](unsigned long long of) { return (reasons & of) != 0; };
    state.slowed_by_power = any(kSoftwarePowerCap | kPowerBrake);
    state.slowed_by_heat =
        any(kSoftwareHeat | kHardwareHeat) || (any(kHardwareSlowdown) && !any(kPowerBrake));
  }
  Memory memory;
  if (nvml->memory != nullptr && nvml->memory(device, &memory) == kSuccess) {
    state.free_memory_bytes = memory.free;
  }
}

}  // namespace metalaudio::cuda

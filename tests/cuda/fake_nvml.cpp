#include "fake_nvml.h"

#include <cstring>

namespace {

constexpr int kSuccess = 0;
constexpr int kNotSupported = 3;

int gpu = 0;

int answer() { return metalaudio::fake_nvml().silent ? kNotSupported : kSuccess; }

struct Memory {
  unsigned long long total, free, used;
};

}  // namespace

metalaudio::FakeNvml& metalaudio::fake_nvml() {
  static FakeNvml state;
  return state;
}

extern "C" {

int nvmlInit_v2() { return kSuccess; }

int nvmlDeviceGetHandleByPciBusId_v2(const char* bus, void** device) {
  *device = &gpu;
  return std::strcmp(bus, "0000:65:00.0") == 0 ? kSuccess : kNotSupported;
}

int nvmlDeviceGetTemperature(void*, int, unsigned* celsius) {
  *celsius = metalaudio::fake_nvml().celsius;
  return answer();
}

int nvmlDeviceGetTemperatureThreshold(void*, int which, unsigned* celsius) {
  *celsius = which == 0 ? 92 : 87;  // shutdown, slowdown
  return answer();
}

int nvmlDeviceGetClockInfo(void*, int which, unsigned* mhz) {
  *mhz = which == 1 ? 1980 : 2619;
  return answer();
}

int nvmlDeviceGetCurrentClocksEventReasons(void*, unsigned long long* reasons) {
  *reasons = metalaudio::fake_nvml().reasons;
  return answer();
}

int nvmlDeviceGetMemoryInfo(void*, Memory* memory) {
  *memory = {80ULL << 30U, 70ULL << 30U, 10ULL << 30U};
  return answer();
}
}

// Prints what this machine is: use_core
#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/audio_device.h>
#include <metalaudio/core/hardware_profile.h>
#include <metalaudio/core/tensor.h>
#include <metalaudio/core/thread_pool.h>

#include <cstdio>

int main() {
  const auto device = metalaudio::open_device(metalaudio::DeviceType::cpu);
  metalaudio::Tensor tensor(metalaudio::Shape{2, 3}, metalaudio::DataType::f32, device);
  metalaudio::ThreadPool pool(2);
  pool.parallel_for(6, [&](std::size_t i, std::size_t) { tensor.data()[i] = 1.0F; });
  std::puts(metalaudio::HardwareProfile::detect().cpu_name.c_str());
  return tensor.values()[5] == 1.0F ? 0 : 1;
}

#pragma once

#include <metalaudio/core/audio_device.h>
#include <metalaudio/core/pipeline.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string>

namespace metalaudio {

inline std::shared_ptr<AudioDevice> gpu() { return open_device(DeviceType::cuda); }

inline KernelSource scale_source(int factor) {
  return {R"(extern "C" __global__ void scale(const float* in, float* out, int n) {
               int i = blockIdx.x * blockDim.x + threadIdx.x;
               if (i < n) out[i] = FACTOR * in[i];
             })",
          "scale",
          {"-DFACTOR=" + std::to_string(factor)}};
}

/// Writes where nothing is once a block begins with 13.
inline const KernelSource& faulting_source() {
  static const KernelSource source{
      R"(extern "C" __global__ void fault(const float* in, float* out, int n) {
           int i = blockIdx.x * blockDim.x + threadIdx.x;
           float* to = in[0] == 13.0f ? (float*)16 : out;
           if (i < n) to[i] = 2 * in[i];
         })",
      "fault"};
  return source;
}

inline void thrice(std::span<const float> in, std::span<float> out) {
  std::ranges::transform(in, out.begin(), [](float x) { return 3 * x; });
}

}  // namespace metalaudio

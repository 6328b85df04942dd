// gain_kernel GAIN: a kernel of one's own on blocks of a sine, on a GPU or, without one, on the CPU.
#include <metalaudio/core/compute_context.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

using namespace metalaudio;

int main(int argc, char** argv) try {
  if (argc != 2) return std::fputs("usage: gain_kernel GAIN\n", stderr), 2;
  const auto gain = static_cast<float>(std::atof(argv[1]));
  const auto device = open_device(DeviceType::automatic);
  const auto pipeline = device->pipeline(
      {.kernel = {.source =
                      R"(extern "C" __global__ void apply(const float* in, float* out, int n) {
                                 int i = blockIdx.x * blockDim.x + threadIdx.x;
                                 if (i < n) out[i] = GAIN * in[i];
                               })",
                  .entry = "apply",
                  .options = {"-DGAIN=" + std::to_string(gain) + "f"}},
       .cpu = [gain](std::span<const float> in, std::span<float> out) {
         for (std::size_t i = 0; i < in.size(); ++i) out[i] = gain * in[i];
       }});
  ComputeContext context(device, pipeline, {.in_values = 512});

  std::vector<float> in(512), out(512);
  float peak = 0;
  for (int block = 0; block < 100; ++block) {
    for (std::size_t i = 0; i < in.size(); ++i) in[i] = std::sin(0.03F * static_cast<float>(i));
    if (context.execute(in, out) != Trouble::none) std::puts("a silent block");
    for (const float y : out) peak = std::max(peak, std::abs(y));
  }
  std::printf("%s, peak %.4f\n", device->properties().name.c_str(), peak);
} catch (const std::exception& error) {
  return std::fprintf(stderr, "%s\n", error.what()), 1;
}

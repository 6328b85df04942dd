// Refuses a file that is no model: use_onnx
#include <metalaudio/core/error.h>
#include <metalaudio/nn/graph_inference.h>

#include <array>
#include <cstdio>

int main() try {
  const std::array<std::byte, 3> bytes{};
  metalaudio::nn::GraphInference model{std::span<const std::byte>(bytes)};
  return 1;
} catch (const metalaudio::Error& error) {
  std::puts(error.what());
  return 0;
}

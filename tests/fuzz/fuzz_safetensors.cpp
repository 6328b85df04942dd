#include <metalaudio/core/error.h>
#include <metalaudio/nn/io/safetensors.h>

#include <cstdint>

// Any bytes as a safetensors file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace metalaudio;
  try {
    nn::parse_safetensors(std::as_bytes(std::span(data, size)));
  } catch (const Error&) {  // what every broken input must end in
  }
  return 0;
}

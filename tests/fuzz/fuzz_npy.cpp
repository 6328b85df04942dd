#include <metalaudio/core/error.h>
#include <metalaudio/nn/io/npy.h>

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace metalaudio;
  try {
    nn::parse_npy(std::as_bytes(std::span(data, size)));
  } catch (const Error&) {  // what every broken input must end in
  }
  return 0;
}

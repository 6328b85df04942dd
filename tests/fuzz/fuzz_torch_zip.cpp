#include <metalaudio/core/error.h>
#include <metalaudio/nn/io/torch_file.h>

#include <cstdint>

// Any bytes as a torch file: the zip container, or the legacy layout if they have its magic number.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace metalaudio;
  const auto file = std::as_bytes(std::span(data, size));
  try {
    if (nn::is_torch_legacy(file)) {
      nn::parse_torch_legacy(file);
    } else {
      nn::parse_torch_zip(file);
    }
  } catch (const Error&) {  // what every broken input must end in
  }
  return 0;
}

#include <metalaudio/core/error.h>
#include <metalaudio/repository/model_bag.h>

#include <cstdint>

// Any bytes as the text of a bag.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace metalaudio;
  try {
    repository::parse_bag({reinterpret_cast<const char*>(data), size});
  } catch (const Error&) {  // what every broken input must end in
  }
  return 0;
}

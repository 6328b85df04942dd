#include <metalaudio/core/error.h>
#include <metalaudio/models/amp/amp.h>

#include <cstdint>
#include <span>
#include <vector>

// Any bytes as a model of an amp, which then runs.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace metalaudio;
  try {
    models::Amp amp(std::as_bytes(std::span(data, size)));
    const std::vector<float> x(200, 0.5F);
    std::vector<float> y(x.size());
    amp.process(x, y);
  } catch (const Error&) {  // what every broken input must end in
  }
  return 0;
}

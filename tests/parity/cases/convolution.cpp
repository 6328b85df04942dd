#include "tests/parity/parity_case.h"

namespace metalaudio::nn {

std::vector<ParityCase> convolution_cases() {
  std::vector<ParityCase> all = {
      {.name = "linear",
       .make =
           [](Maker& m, auto) {
             m.finish(m.conv(m.input({2, 3, 4, 5}), 6, {}));
           },
       .product = true},
  };
  return all;
}

}  // namespace metalaudio::nn

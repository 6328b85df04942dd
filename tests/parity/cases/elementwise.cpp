#include "tests/parity/parity_case.h"

namespace metalaudio::nn {

std::vector<ParityCase> elementwise_cases() {
  std::vector<ParityCase> all = {
      {.name = "add",
       .make =
           [](Maker& m, auto) {
             m.finish(m.add(m.input({4, 5}), m.input({5})));
           },
       .tolerance = Tolerance::elements},
  };
  return all;
}

}  // namespace metalaudio::nn

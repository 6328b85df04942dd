#include "tests/parity/parity_case.h"

namespace metalaudio::nn {

std::vector<ParityCase> movement_cases() {
  std::vector<ParityCase> all = {
      {.name = "transpose",
       .make =
           [](Maker& m, auto) {
             m.finish(m.graph.apply(Transpose{{1, 0}}, {m.input({4, 5})}));
           },
       .tolerance = Tolerance::exact},
  };
  return all;
}

}  // namespace metalaudio::nn

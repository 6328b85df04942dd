#include "tests/parity/parity_case.h"

namespace metalaudio::nn {

std::vector<ParityCase> recurrent_cases() {
  std::vector<ParityCase> all = {
      {.name = "lstm",
       .make =
           [](Maker& m, auto) {
             m.finish(m.graph.apply(Lstm{}, {m.input({2, 7, 5}), m.random({1, 12, 5}, 0.4),
                                             m.random({1, 12, 3}, 0.4), m.random({1, 12}, 0.4)}));
           }},
  };
  return all;
}

}  // namespace metalaudio::nn

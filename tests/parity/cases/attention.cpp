#include "tests/parity/parity_case.h"

namespace metalaudio::nn {

std::vector<ParityCase> attention_cases() {
  std::vector<ParityCase> all = {
      {.name = "attention",
       .make =
           [](Maker& m, auto) {
             const Value q = m.input({1, 61, 24});
             m.finish(m.graph.apply(Attention{.heads = 2},
                                    {q, m.random({1, 83, 24}), m.random({1, 83, 24})}));
           },
       .product = true},
  };
  return all;
}

}  // namespace metalaudio::nn

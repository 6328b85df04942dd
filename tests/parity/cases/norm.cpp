#include "tests/parity/parity_case.h"

namespace metalaudio::nn {

std::vector<ParityCase> norm_cases() {
  std::vector<ParityCase> all = {
      {.name = "group_norm",
       .make =
           [](Maker& m, auto) {
             m.finish(m.norm(m.input({3, 70, 12}), {4, 2}));
           }},
      {.name = "layer_norm",
       .make =
           [](Maker& m, auto) {
             m.finish(m.graph.apply(LayerNorm{},
                                    {m.input({2, 50, 19}), m.random({19}), m.random({19})}));
           }},
  };
  return all;
}

}  // namespace metalaudio::nn

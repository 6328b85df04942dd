#include <metalaudio/nn/operations/concat.h>

namespace metalaudio::nn {

ValueTypes Concat::infer(const Inputs& inputs) const {
  inputs.expect_one_type();
  const Shape& first = inputs.shape(0);
  const std::size_t along = axis_of(axis, first.rank());
  std::vector<std::int64_t> extents(first.extents().begin(), first.extents().end());
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    const Shape& next = inputs.shape(i);
    bool fits = next.rank() == first.rank();
    for (std::size_t a = 0; fits && a < first.rank(); ++a) fits = a == along || next[a] == first[a];
    if (!fits) reject("{} after {} along axis {}", next.to_string(), first.to_string(), axis);
    extents[along] += next[along];
  }
  return {{Shape(extents), inputs.type(0)}};
}

}  // namespace metalaudio::nn

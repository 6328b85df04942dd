#include "tests/parity/reference/operations.h"

namespace metalaudio::nn {

void compute(const Where&, const ReferenceInputs& in, Results& results) {
  fill(results[0], [&](const Index& index) {
    return repeated_at(*in[Where::condition], index) != 0 ? repeated_at(*in[Where::a], index)
                                                          : repeated_at(*in[Where::b], index);
  });
}

void compute(const Trilu& o, const ReferenceInputs& in, Results& results) {
  fill(results[0], [&](const Index& index) -> Number {
    const std::int64_t ahead = index.back() - index[index.size() - 2];
    const bool kept = o.upper ? ahead >= o.diagonal : ahead <= o.diagonal;
    return kept ? at(*in[0], index) : 0;
  });
}

void compute(const OneHot& o, const ReferenceInputs& in, Results& results) {
  const std::size_t axis = axis_of(o.axis, results[0].type.shape.rank());
  fill(results[0], [&](Index index) {
    const std::int64_t place = index[axis];
    index.erase(index.begin() + static_cast<std::ptrdiff_t>(axis));
    auto wanted = static_cast<std::int64_t>(at(*in[OneHot::indices], index));
    if (wanted < 0) wanted += o.depth;
    return in[OneHot::values]->values[wanted == place ? 1 : 0];
  });
}

}  // namespace metalaudio::nn

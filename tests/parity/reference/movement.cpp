#include "tests/parity/reference/operations.h"

namespace metalaudio::nn {

void compute(const Reshape&, const ReferenceInputs& in, Results& results) {
  results[0].values = in[0]->values;
}

void compute(const Transpose& o, const ReferenceInputs& in, Results& results) {
  fill(results[0], [&](const Index& index) {
    Index from(index.size());
    for (std::size_t i = 0; i < index.size(); ++i) from[o.order[i]] = index[i];
    return at(*in[0], from);
  });
}

void compute(const Slice& o, const ReferenceInputs& in, Results& results) {
  fill(results[0], [&](const Index& index) {
    Index from(index.size());
    for (std::size_t i = 0; i < index.size(); ++i) {
      from[i] = o.starts[i] + index[i] * (o.steps.empty() ? 1 : o.steps[i]);
    }
    return at(*in[0], from);
  });
}

void compute(const Expand&, const ReferenceInputs& in, Results& results) {
  fill(results[0], [&](const Index& index) { return repeated_at(*in[0], index); });
}

void compute(const Concat& o, const ReferenceInputs& in, Results& results) {
  const std::size_t axis = axis_of(o.axis, in[0]->type.shape.rank());
  fill(results[0], [&](const Index& index) {
    Index from = index;
    std::size_t input = 0;
    while (from[axis] >= in[input]->type.shape[axis]) from[axis] -= in[input++]->type.shape[axis];
    return at(*in[input], from);
  });
}

namespace {

/// Walks from one end towards the index, as a mirror or a circle would; -1: the constant.
std::int64_t pad_source(std::int64_t at, std::int64_t extent, PadMode mode) {
  if (mode == PadMode::constant) return at >= 0 && at < extent ? at : -1;
  if (mode == PadMode::edge) return std::min(std::max<std::int64_t>(at, 0), extent - 1);
  while (at < 0 || at >= extent) {
    if (mode == PadMode::wrap) {
      at += at < 0 ? extent : -extent;
    } else if (mode == PadMode::reflect) {
      if (extent == 1) return 0;
      at = at < 0 ? -at : 2 * (extent - 1) - at;
    } else {
      at = at < 0 ? -at - 1 : 2 * extent - 1 - at;
    }
  }
  return at;
}

}  // namespace

void compute(const Pad& o, const ReferenceInputs& in, Results& results) {
  const ReferenceValue& x = *in[0];
  fill(results[0], [&](const Index& index) -> Number {
    Index from(index.size());
    for (std::size_t i = 0; i < index.size(); ++i) {
      from[i] = pad_source(index[i] - o.before[i], x.type.shape[i], o.mode);
      if (from[i] < 0) return o.value;
    }
    return at(x, from);
  });
}

}  // namespace metalaudio::nn

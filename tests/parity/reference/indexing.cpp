#include <algorithm>

#include "tests/parity/reference/operations.h"

namespace metalaudio::nn {

namespace {

std::int64_t index_at(const ReferenceValue& indices, const Index& index, std::int64_t extent) {
  auto i = static_cast<std::int64_t>(at(indices, index));
  if (i < 0) i += extent;
  return std::clamp<std::int64_t>(i, 0, extent - 1);
}

/// The position that a tuple of indices names along the axes from `first` on.
Index tuple_at(const ReferenceValue& indices, Index where, const Shape& shape, std::size_t first) {
  Index position;
  where.push_back(0);
  for (std::int64_t d = 0; d < indices.type.shape.back(); ++d) {
    where.back() = d;
    position.push_back(index_at(indices, where, shape[first + static_cast<std::size_t>(d)]));
  }
  return position;
}

Number met(ScatterReduction reduction, Number old, Number update) {
  switch (reduction) {
    case ScatterReduction::none:
      return update;
    case ScatterReduction::add:
      return old + update;
    case ScatterReduction::multiply:
      return old * update;
    case ScatterReduction::minimum:
      return std::min(old, update);
    case ScatterReduction::maximum:
      return std::max(old, update);
  }
  return update;
}

}  // namespace

void compute(const Gather& o, const ReferenceInputs& in, Results& results) {
  const Shape& shape = in[0]->type.shape;
  const auto axis = static_cast<std::ptrdiff_t>(axis_of(o.axis, shape.rank()));
  const auto rank = static_cast<std::ptrdiff_t>(in[1]->type.shape.rank());
  fill(results[0], [&](const Index& index) {
    Index from(index.begin(), index.begin() + axis);
    from.push_back(index_at(*in[1], Index(index.begin() + axis, index.begin() + axis + rank),
                            shape[static_cast<std::size_t>(axis)]));
    from.insert(from.end(), index.begin() + axis + rank, index.end());
    return at(*in[0], from);
  });
}

void compute(const GatherElements& o, const ReferenceInputs& in, Results& results) {
  const Shape& shape = in[0]->type.shape;
  const std::size_t axis = axis_of(o.axis, shape.rank());
  fill(results[0], [&](Index index) {
    index[axis] = index_at(*in[1], index, shape[axis]);
    return at(*in[0], index);
  });
}

void compute(const GatherNd& o, const ReferenceInputs& in, Results& results) {
  const auto tuples = static_cast<std::ptrdiff_t>(in[1]->type.shape.rank()) - 1;
  fill(results[0], [&](const Index& index) {
    Index from(index.begin(), index.begin() + static_cast<std::ptrdiff_t>(o.batch_axes));
    const Index position = tuple_at(*in[1], Index(index.begin(), index.begin() + tuples),
                                    in[0]->type.shape, o.batch_axes);
    from.insert(from.end(), position.begin(), position.end());
    from.insert(from.end(), index.begin() + tuples, index.end());
    return at(*in[0], from);
  });
}

void compute(const ScatterElements& o, const ReferenceInputs& in, Results& results) {
  const Shape& shape = in[0]->type.shape;
  const std::size_t axis = axis_of(o.axis, shape.rank());
  results[0].values = in[0]->values;
  for_each_index(in[1]->type.shape, [&](const Index& index) {
    Index to = index;
    to[axis] = index_at(*in[1], index, shape[axis]);
    Number& value = results[0].values[offset_of(shape, to)];
    value = met(o.reduction, value, at(*in[2], index));
  });
}

void compute(const ScatterNd& o, const ReferenceInputs& in, Results& results) {
  const Shape& shape = in[0]->type.shape;
  const auto tuples = static_cast<std::ptrdiff_t>(in[1]->type.shape.rank()) - 1;
  results[0].values = in[0]->values;
  for_each_index(in[2]->type.shape, [&](const Index& index) {
    Index to = tuple_at(*in[1], Index(index.begin(), index.begin() + tuples), shape, 0);
    to.insert(to.end(), index.begin() + tuples, index.end());
    Number& value = results[0].values[offset_of(shape, to)];
    value = met(o.reduction, value, at(*in[2], index));
  });
}

}  // namespace metalaudio::nn

#include <map>

#include "tests/parity/reference/operations.h"

namespace metalaudio::nn {

namespace {

Number weight(const ReferenceInputs& in, std::size_t input, std::size_t at, Number absent) {
  return in.size() > input && in[input] != nullptr ? in[input]->values[at] : absent;
}

struct Moments {
  Number count = 0;
  Number sum = 0;
  Number squares = 0;  ///< of the distances from the mean
  Number mean() const { return sum / count; }
  Number variance() const { return squares / count; }
};

/// The moments of all elements for which key(index) is the same.
template <typename Key>
std::map<Index, Moments> moments_by(const ReferenceValue& x, const Key& key) {
  std::map<Index, Moments> all;
  for_each_index(x.type.shape, [&](const Index& index) {
    Moments& m = all[key(index)];
    m.count += 1;
    m.sum += at(x, index);
  });
  for_each_index(x.type.shape, [&](const Index& index) {
    Moments& m = all[key(index)];
    const Number distance = at(x, index) - m.mean();
    m.squares += distance * distance;
  });
  return all;
}

/// What stands before the last `axes` of an index, and where these axes are as one number.
Index outer(const Index& index, std::size_t axes) {
  return {index.begin(), index.end() - static_cast<std::ptrdiff_t>(axes)};
}
std::size_t inner(const Shape& shape, const Index& index, std::size_t axes) {
  const Index last(index.end() - static_cast<std::ptrdiff_t>(axes), index.end());
  return offset_of(Shape(shape.extents().last(axes)), last);
}

}  // namespace

void compute(const GroupNorm& o, const ReferenceInputs& in, Results& results) {
  const ReferenceValue& x = *in[0];
  const std::int64_t group = x.type.shape.back() / o.groups;
  const auto key = [&](const Index& index) {
    Index unit = outer(index, o.axes + 1);
    unit.push_back(index.back() / group);
    return unit;
  };
  const std::map<Index, Moments> moments = moments_by(x, key);
  fill(results[0], [&](const Index& index) {
    const Moments& m = moments.at(key(index));
    const auto channel = static_cast<std::size_t>(index.back());
    const Number unit = (at(x, index) - m.mean()) / std::sqrt(m.variance() + o.epsilon);
    return unit * weight(in, 1, channel, 1) + weight(in, 2, channel, 0);
  });
}

void compute(const LayerNorm& o, const ReferenceInputs& in, Results& results) {
  const ReferenceValue& x = *in[0];
  const auto key = [&](const Index& index) { return outer(index, o.axes); };
  const std::map<Index, Moments> moments = moments_by(x, key);
  fill(results[0], [&](const Index& index) {
    const Moments& m = moments.at(key(index));
    const std::size_t i = inner(x.type.shape, index, o.axes);
    const Number unit = (at(x, index) - m.mean()) / std::sqrt(m.variance() + o.epsilon);
    return unit * weight(in, 1, i, 1) + weight(in, 2, i, 0);
  });
}

void compute(const RmsNorm& o, const ReferenceInputs& in, Results& results) {
  const ReferenceValue& x = *in[0];
  std::map<Index, std::pair<Number, Number>> sums;  // count, squares
  for_each_index(x.type.shape, [&](const Index& index) {
    auto& [count, squares] = sums[outer(index, o.axes)];
    count += 1;
    squares += at(x, index) * at(x, index);
  });
  fill(results[0], [&](const Index& index) {
    const auto& [count, squares] = sums.at(outer(index, o.axes));
    const Number factor = o.form == RmsForm::l2
                              ? std::sqrt(count) / std::max<Number>(std::sqrt(squares), o.epsilon)
                              : 1 / std::sqrt(squares / count + o.epsilon);
    return at(x, index) * factor * weight(in, 1, inner(x.type.shape, index, o.axes), 1);
  });
}

}  // namespace metalaudio::nn

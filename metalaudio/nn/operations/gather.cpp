#include <metalaudio/nn/operations/gather.h>
#include <metalaudio/nn/operations/index_rules.h>

#include <vector>

namespace metalaudio::nn {

ValueTypes Gather::infer(const Inputs& inputs) const {
  expect_indices(inputs, indices);
  const std::span<const std::int64_t> in = inputs.shape(x).extents();
  const std::span<const std::int64_t> at = inputs.shape(indices).extents();
  const std::size_t along = axis_of(axis, in.size());
  expect_in_range(inputs, indices, in.subspan(along, 1));
  std::vector<std::int64_t> extents(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(along));
  extents.insert(extents.end(), at.begin(), at.end());
  extents.insert(extents.end(), in.begin() + static_cast<std::ptrdiff_t>(along) + 1, in.end());
  return {{Shape(extents), inputs.type(x)}};
}

ValueTypes GatherElements::infer(const Inputs& inputs) const {
  expect_indices(inputs, indices);
  const Shape& in = inputs.shape(x);
  const Shape& at = inputs.shape(indices);
  const std::size_t along = axis_of(axis, in.rank());
  bool fits = at.rank() == in.rank();
  for (std::size_t i = 0; fits && i < in.rank(); ++i) fits = i == along || at[i] <= in[i];
  if (!fits) reject("indices {} into {}", at.to_string(), in.to_string());
  expect_in_range(inputs, indices, in.extents().subspan(along, 1));
  return {{at, inputs.type(x)}};
}

ValueTypes GatherNd::infer(const Inputs& inputs) const {
  expect_indices(inputs, indices);
  const std::span<const std::int64_t> in = inputs.shape(x).extents();
  const std::span<const std::int64_t> at = inputs.shape(indices).extents();
  bool fits = at.size() > batch_axes && in.size() >= batch_axes && at.back() >= 0 &&
              at.back() <= static_cast<std::int64_t>(in.size() - batch_axes);
  for (std::size_t i = 0; fits && i < batch_axes; ++i) fits = in[i] == at[i];
  if (!fits) {
    reject("indices {} into {} with {} batch axes", inputs.shape(indices).to_string(),
           inputs.shape(x).to_string(), batch_axes);
  }
  const auto depth = static_cast<std::size_t>(at.back());
  expect_in_range(inputs, indices, in.subspan(batch_axes, depth));
  std::vector<std::int64_t> extents(at.begin(), at.end() - 1);
  const std::span<const std::int64_t> rest = in.subspan(batch_axes + depth);
  extents.insert(extents.end(), rest.begin(), rest.end());
  return {{Shape(extents), inputs.type(x)}};
}

}  // namespace metalaudio::nn

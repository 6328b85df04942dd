#include <metalaudio/nn/operations/matmul.h>

namespace metalaudio::nn {

ValueTypes MatMul::infer(const Inputs& inputs) const {
  inputs.expect_one_type();
  if (inputs.type(a) == DataType::boolean) reject("no product of booleans");
  const Shape& x = inputs.shape(a);
  const Shape& y = inputs.shape(b);
  if (x.rank() < 1 || y.rank() < 1) reject("{} times {}", x.to_string(), y.to_string());
  const std::int64_t depth = y.rank() == 1 ? y[0] : y[y.rank() - 2];
  if (x.back() != depth) reject("{} times {}", x.to_string(), y.to_string());
  const auto batch_of = [](const Shape& shape) {
    return Shape(shape.extents().first(shape.rank() > 2 ? shape.rank() - 2 : 0));
  };
  const Shape batch = broadcast(batch_of(x), batch_of(y));
  std::vector<std::int64_t> extents(batch.extents().begin(), batch.extents().end());
  if (x.rank() > 1) extents.push_back(x[x.rank() - 2]);
  if (y.rank() > 1) extents.push_back(y.back());
  return {{Shape(extents), inputs.type(a)}};
}

}  // namespace metalaudio::nn

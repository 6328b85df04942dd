#include <metalaudio/nn/operations/index_rules.h>

namespace metalaudio::nn {

void expect_indices(const Inputs& inputs, std::size_t index) {
  if (inputs.type(index) != DataType::i32 && inputs.type(index) != DataType::i64) {
    reject("indices {}: i32 or i64", inputs[index].to_string());
  }
}

void expect_in_range(const Inputs& inputs, std::size_t index,
                     std::span<const std::int64_t> extents) {
  if (inputs.shape(index).size() == 0) return;
  for (const std::int64_t extent : extents) {
    if (extent == 0) reject("indices {} into nothing", inputs[index].to_string());
  }
  const Tensor* constant = inputs.constant(index);
  if (constant == nullptr || extents.empty()) return;
  const auto check = [&](auto values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::int64_t extent = extents[i % extents.size()];
      if (values[i] < -extent || values[i] >= extent) {
        reject("index {} out of {}", values[i], extent);
      }
    }
  };
  if (constant->type() == DataType::i32) {
    check(constant->values_as<std::int32_t>());
  } else {
    check(constant->values_as<std::int64_t>());
  }
}

}  // namespace metalaudio::nn

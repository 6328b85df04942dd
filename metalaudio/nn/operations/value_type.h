#pragma once

#include <metalaudio/core/data_type.h>
#include <metalaudio/core/shape.h>

#include <cstddef>
#include <string>
#include <vector>

namespace metalaudio::nn {

/// What a value of a graph is: dense, row-major, channels innermost where there are channels.
struct ValueType {
  Shape shape = {};
  DataType type = DataType::f32;

  std::size_t bytes() const noexcept {
    return static_cast<std::size_t>(shape.size()) * size_of(type);
  }
  /// "f32[1, 40, 8]".
  std::string to_string() const {
    return std::string(metalaudio::to_string(type)) + shape.to_string();
  }

  friend bool operator==(const ValueType& a, const ValueType& b) noexcept = default;
};

using ValueTypes = std::vector<ValueType>;

}  // namespace metalaudio::nn

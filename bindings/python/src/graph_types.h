#pragma once

#include <metalaudio/nn/io/onnx/import_onnx.h>
#include <metalaudio/nn/precision.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "bindings/python/src/tensors.h"

namespace metalaudio::python {

/// nn::OnnxOptions with types that Python has.
struct OnnxChoice {
  std::map<std::string, std::vector<std::int64_t>> shapes;
  std::map<std::string, std::int64_t> dimensions;
  std::map<std::string, double> numbers;
  std::map<std::string, Tensor> tensors;
  std::vector<std::pair<std::string, std::string>> states;  ///< output, input
  bool carry_states = false;
  bool timing = false;

  void bind_tensor(const std::string& input, const AnyArray& value) {
    tensors.insert_or_assign(input, tensor_of(value));
  }

  nn::OnnxOptions options() const {
    nn::OnnxOptions options;
    for (const auto& [name, extents] : shapes)
      options.shapes.emplace(name, Shape(std::span<const std::int64_t>(extents)));
    options.dimensions = dimensions;
    for (const auto& [name, value] : numbers) options.constants.emplace(name, value);
    for (const auto& [name, value] : tensors) options.constants.emplace(name, value);
    for (const auto& [output, input] : states)
      options.states.push_back({output, input, std::nullopt, false});
    options.carry_states = carry_states;
    return options;
  }
};

inline nn::Precision precision_of(const std::string& precision) {
  return choose("precision", precision,
                {std::pair{"fp32", nn::Precision::fp32},
                 {"bf16", nn::Precision::bf16},
                 {"auto", nn::Precision::automatic}});
}

}  // namespace metalaudio::python

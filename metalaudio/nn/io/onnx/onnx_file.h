#pragma once

#include <metalaudio/core/tensor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace metalaudio::nn {

/// A tensor of the file; `trouble` says why there is none (a type that no Tensor holds).
struct OnnxTensor {
  std::shared_ptr<const Tensor> value = {};
  std::string trouble = {};
  int narrow = 0;  ///< ONNX's number of a type that is narrower than the tensor's
};

struct OnnxGraph;

/// An attribute of a node, or, inside a function, the name of the function's attribute that stands
/// for it.
struct OnnxAttribute {
  std::variant<std::monostate, std::int64_t, float, std::string, std::vector<std::int64_t>,
               std::vector<float>, std::vector<std::string>, OnnxTensor,
               std::shared_ptr<const OnnxGraph>>
      value = {};
  std::string reference = {};
};

using OnnxAttributes = std::map<std::string, OnnxAttribute, std::less<>>;

struct OnnxNode {
  std::string name = {};
  std::string type = {};
  std::string domain = {};               ///< "" is ONNX's own, also where the file says ai.onnx
  std::vector<std::string> inputs = {};  ///< "" is an optional input that is absent
  std::vector<std::string> outputs = {};
  OnnxAttributes attributes = {};
};

/// An axis of an input: a number, or a symbol that the user has to fix ("" where it has no name).
struct OnnxDimension {
  std::int64_t extent = -1;  ///< -1: free
  std::string symbol = {};
};

/// What the file says of a value.
struct OnnxValue {
  std::string name = {};
  std::optional<DataType> type = {};  ///< nothing: no type that a Tensor holds
  std::string type_name = {};
  int narrow = 0;                                             ///< as OnnxTensor's
  std::optional<std::vector<OnnxDimension>> dimensions = {};  ///< nothing: even the rank is free
};

struct OnnxGraph {
  std::string name = {};
  std::vector<OnnxNode> nodes = {};
  std::map<std::string, OnnxTensor> initializers = {};
  std::vector<OnnxValue> inputs = {};
  std::vector<OnnxValue> outputs = {};
};

/// A node type that the model itself defines with others.
struct OnnxFunction {
  std::string name = {};
  std::string domain = {};
  std::vector<std::string> inputs = {};
  std::vector<std::string> outputs = {};
  OnnxAttributes defaults = {};
  std::vector<OnnxNode> nodes = {};
  std::map<std::string, std::int64_t> opsets = {};
};

/// A model file as plain data, with no protobuf in it.
struct OnnxFile {
  OnnxGraph graph = {};
  std::vector<OnnxFunction> functions = {};
  std::map<std::string, std::int64_t> opsets = {};  ///< by domain
};

}  // namespace metalaudio::nn

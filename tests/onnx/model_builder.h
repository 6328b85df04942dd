#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

namespace metalaudio {

/// A small ONNX model that a test makes with ONNX's own message classes.
class ModelBuilder {
 public:
  explicit ModelBuilder(std::int64_t opset = 17);

  /// An extent of -1 is the free axis "n".
  ModelBuilder& input(const std::string& name, std::vector<std::int64_t> shape,
                      int type = onnx::TensorProto::FLOAT);
  ModelBuilder& output(const std::string& name);
  ModelBuilder& floats(const std::string& name, std::vector<std::int64_t> shape,
                       const std::vector<float>& values);
  ModelBuilder& integers(const std::string& name, std::vector<std::int64_t> shape,
                         const std::vector<std::int64_t>& values);
  /// Attributes may be added to what comes back.
  onnx::NodeProto& node(const std::string& type, const std::vector<std::string>& inputs,
                        const std::vector<std::string>& outputs);

  onnx::ModelProto& proto() { return proto_; }
  onnx::GraphProto& graph() { return *proto_.mutable_graph(); }
  std::string bytes() const { return proto_.SerializeAsString(); }

 private:
  onnx::ModelProto proto_;
};

void set_attribute(onnx::NodeProto& node, const std::string& name, std::int64_t value);
void set_attribute(onnx::NodeProto& node, const std::string& name,
                   std::vector<std::int64_t> values);
void set_attribute(onnx::NodeProto& node, const std::string& name, const std::string& text);

}  // namespace metalaudio

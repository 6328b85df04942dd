#include "tests/onnx/model_builder.h"

namespace metalaudio {

ModelBuilder::ModelBuilder(std::int64_t opset) {
  proto_.set_ir_version(8);
  proto_.add_opset_import()->set_version(opset);
}

ModelBuilder& ModelBuilder::input(const std::string& name, std::vector<std::int64_t> shape,
                                  int type) {
  onnx::ValueInfoProto& value = *graph().add_input();
  value.set_name(name);
  auto& tensor = *value.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(type);
  tensor.mutable_shape();
  for (const std::int64_t extent : shape) {
    auto& axis = *tensor.mutable_shape()->add_dim();
    extent < 0 ? axis.set_dim_param("n") : axis.set_dim_value(extent);
  }
  return *this;
}

ModelBuilder& ModelBuilder::output(const std::string& name) {
  graph().add_output()->set_name(name);
  return *this;
}

ModelBuilder& ModelBuilder::floats(const std::string& name, std::vector<std::int64_t> shape,
                                   const std::vector<float>& values) {
  onnx::TensorProto& tensor = *graph().add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  tensor.mutable_dims()->Add(shape.begin(), shape.end());
  tensor.mutable_float_data()->Add(values.begin(), values.end());
  return *this;
}

ModelBuilder& ModelBuilder::integers(const std::string& name, std::vector<std::int64_t> shape,
                                     const std::vector<std::int64_t>& values) {
  onnx::TensorProto& tensor = *graph().add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::INT64);
  tensor.mutable_dims()->Add(shape.begin(), shape.end());
  tensor.mutable_int64_data()->Add(values.begin(), values.end());
  return *this;
}

onnx::NodeProto& ModelBuilder::node(const std::string& type, const std::vector<std::string>& inputs,
                                    const std::vector<std::string>& outputs) {
  onnx::NodeProto& node = *graph().add_node();
  node.set_op_type(type);
  node.set_name(type + "_" + outputs.front());
  for (const std::string& input : inputs) node.add_input(input);
  for (const std::string& output : outputs) node.add_output(output);
  return node;
}

namespace {

onnx::AttributeProto& add(onnx::NodeProto& node, const std::string& name,
                          onnx::AttributeProto::AttributeType type) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(type);
  return attribute;
}

}  // namespace

void set_attribute(onnx::NodeProto& node, const std::string& name, std::int64_t value) {
  add(node, name, onnx::AttributeProto::INT).set_i(value);
}
void set_attribute(onnx::NodeProto& node, const std::string& name,
                   std::vector<std::int64_t> values) {
  add(node, name, onnx::AttributeProto::INTS).mutable_ints()->Add(values.begin(), values.end());
}
void set_attribute(onnx::NodeProto& node, const std::string& name, const std::string& text) {
  add(node, name, onnx::AttributeProto::STRING).set_s(text);
}

}  // namespace metalaudio

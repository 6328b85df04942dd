#include <metalaudio/core/error.h>
#include <metalaudio/nn/io/onnx/narrow_types.h>
#include <metalaudio/nn/io/onnx/onnx_reader.h>
#include <metalaudio/nn/io/onnx/tensor_reader.h>
#include <onnx/onnx_pb.h>

#include <limits>

namespace metalaudio::nn {

namespace {

std::string domain_of(const std::string& domain) { return domain == "ai.onnx" ? "" : domain; }

std::map<std::string, std::int64_t> opsets_of(
    const google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto>& imports) {
  std::map<std::string, std::int64_t> opsets;
  for (const auto& import : imports) opsets[domain_of(import.domain())] = import.version();
  return opsets;
}

/// Turns the messages of one model into plain data.
class Reader {
 public:
  Reader(const std::filesystem::path& folder, std::size_t sparse_bytes)
      : tensors_(folder, sparse_bytes) {}

  OnnxGraph graph(const onnx::GraphProto& proto) {
    OnnxGraph graph;
    graph.name = proto.name();
    for (const auto& node : proto.node()) graph.nodes.push_back(this->node(node));
    for (const auto& tensor : proto.initializer()) {
      graph.initializers[tensor.name()] = tensors_.read(tensor);
    }
    for (const auto& tensor : proto.sparse_initializer()) {
      graph.initializers[tensor.values().name()] = tensors_.read(tensor);
    }
    for (const auto& input : proto.input()) graph.inputs.push_back(value(input));
    for (const auto& output : proto.output()) graph.outputs.push_back(value(output));
    return graph;
  }

  OnnxFunction function(const onnx::FunctionProto& proto) {
    OnnxFunction function;
    function.name = proto.name();
    function.domain = domain_of(proto.domain());
    function.inputs.assign(proto.input().begin(), proto.input().end());
    function.outputs.assign(proto.output().begin(), proto.output().end());
    for (const auto& node : proto.node()) function.nodes.push_back(this->node(node));
    function.opsets = opsets_of(proto.opset_import());
    read_defaults(proto, function);
    return function;
  }

 private:
  OnnxNode node(const onnx::NodeProto& proto) {
    OnnxNode node{proto.name(), proto.op_type(), domain_of(proto.domain()), {}, {}, {}};
    node.inputs.assign(proto.input().begin(), proto.input().end());
    node.outputs.assign(proto.output().begin(), proto.output().end());
    for (const auto& attribute : proto.attribute()) {
      node.attributes[attribute.name()] = this->attribute(attribute);
    }
    return node;
  }

  /// attribute_proto (field 11) is newer than Debian's message, so it lies among the unknown
  /// fields.
  void read_defaults(const onnx::FunctionProto& proto, OnnxFunction& function) {
    const auto& unknown = proto.GetReflection()->GetUnknownFields(proto);
    for (int i = 0; i < unknown.field_count(); ++i) {
      const auto& field = unknown.field(i);
      if (field.number() != 11 ||
          field.type() != google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED) {
        continue;
      }
      onnx::AttributeProto attribute;
      if (!attribute.ParseFromString(field.length_delimited())) {
        fail(ErrorCode::invalid_data, "function {}: a default that cannot be read", function.name);
      }
      function.defaults[attribute.name()] = this->attribute(attribute);
    }
  }

  OnnxAttribute attribute(const onnx::AttributeProto& proto) {
    OnnxAttribute attribute;
    attribute.reference = proto.ref_attr_name();
    switch (type_of(proto)) {
      case onnx::AttributeProto::INT:
        attribute.value = static_cast<std::int64_t>(proto.i());
        break;
      case onnx::AttributeProto::FLOAT:
        attribute.value = proto.f();
        break;
      case onnx::AttributeProto::STRING:
        attribute.value = std::string(proto.s());
        break;
      case onnx::AttributeProto::INTS:
        attribute.value = std::vector<std::int64_t>(proto.ints().begin(), proto.ints().end());
        break;
      case onnx::AttributeProto::FLOATS:
        attribute.value = std::vector<float>(proto.floats().begin(), proto.floats().end());
        break;
      case onnx::AttributeProto::STRINGS:
        attribute.value = std::vector<std::string>(proto.strings().begin(), proto.strings().end());
        break;
      case onnx::AttributeProto::TENSOR:
        attribute.value = tensors_.read(proto.t());
        break;
      case onnx::AttributeProto::SPARSE_TENSOR:
        attribute.value = tensors_.read(proto.sparse_tensor());
        break;
      case onnx::AttributeProto::GRAPH:
        attribute.value = std::make_shared<const OnnxGraph>(graph(proto.g()));
        break;
      default:
        break;
    }
    return attribute;
  }

  /// The first files of ONNX did not say it.
  static onnx::AttributeProto::AttributeType type_of(const onnx::AttributeProto& proto) {
    using A = onnx::AttributeProto;
    if (proto.type() != A::UNDEFINED) return proto.type();
    if (proto.has_i()) return A::INT;
    if (proto.has_f()) return A::FLOAT;
    if (proto.has_s()) return A::STRING;
    if (proto.has_t()) return A::TENSOR;
    if (proto.has_g()) return A::GRAPH;
    if (proto.ints_size() > 0) return A::INTS;
    if (proto.floats_size() > 0) return A::FLOATS;
    if (proto.strings_size() > 0) return A::STRINGS;
    return A::UNDEFINED;
  }

  static OnnxValue value(const onnx::ValueInfoProto& proto) {
    OnnxValue value;
    value.name = proto.name();
    if (!proto.type().has_tensor_type()) {
      value.type_name = "no tensor";
      return value;
    }
    const auto& tensor = proto.type().tensor_type();
    value.type = data_type_of(tensor.elem_type());
    value.type_name = onnx_type_name(tensor.elem_type());
    if (narrow_type(tensor.elem_type()) != nullptr) value.narrow = tensor.elem_type();
    if (!tensor.has_shape()) return value;
    value.dimensions.emplace();
    for (const auto& dimension : tensor.shape().dim()) {
      OnnxDimension made;
      if (dimension.has_dim_value()) made.extent = dimension.dim_value();
      made.symbol = dimension.dim_param();
      // Exporters write -1 or 0 for what they do not know; 0 may be meant, and stays.
      if (made.extent < 0) made.extent = -1;
      value.dimensions->push_back(std::move(made));
    }
    return value;
  }

  TensorReader tensors_;
};

template <typename Message>
Message parse(std::span<const std::byte> bytes, const char* what) {
  Message message;
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    fail(ErrorCode::unsupported, "{} bytes: protobuf ends at 2 GiB", bytes.size());
  }
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    fail(ErrorCode::invalid_data, "not {}, or cut off", what);
  }
  return message;
}

}  // namespace

OnnxFile read_onnx(std::span<const std::byte> bytes, const std::filesystem::path& folder,
                   std::size_t sparse_bytes) {
  const auto proto = parse<onnx::ModelProto>(bytes, "an ONNX model");
  if (!proto.has_graph() || proto.graph().output_size() == 0) {
    fail(ErrorCode::invalid_data, "not an ONNX model: it has no graph with an output");
  }
  if (proto.opset_import_size() == 0) {
    fail(ErrorCode::invalid_data, "it does not say which version of the operations it means");
  }
  OnnxFile file;
  file.opsets = opsets_of(proto.opset_import());
  Reader reader(folder, sparse_bytes);
  file.graph = reader.graph(proto.graph());
  for (const auto& function : proto.functions())
    file.functions.push_back(reader.function(function));
  return file;
}

NamedTensor read_onnx_tensor(std::span<const std::byte> bytes) {
  const auto proto = parse<onnx::TensorProto>(bytes, "an ONNX tensor");
  const OnnxTensor tensor = TensorReader({}, 0).read(proto);
  if (!tensor.value) fail(ErrorCode::unsupported, "{}", tensor.trouble);
  return {proto.name(), *tensor.value};
}

}  // namespace metalaudio::nn

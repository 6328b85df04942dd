#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <metalaudio/core/error.h>
#include <metalaudio/nn/io/onnx/import_onnx.h>
#include <metalaudio/nn/plan.h>

#include "tests/onnx/model_builder.h"
#include "tests/support/test_folder.h"

namespace metalaudio::nn {
namespace {

Graph import(const ModelBuilder& model, const OnnxOptions& options = {}) {
  const std::string bytes = model.bytes();
  return import_onnx(as_bytes(bytes), options);
}

void expect_refusal(ErrorCode code, std::string_view text, const ModelBuilder& model,
                    const OnnxOptions& options = {}) {
  expect_error(code, text, [&] { import(model, options); });
}

/// y = relu(x + w) of four numbers.
ModelBuilder small_model() {
  ModelBuilder model;
  model.input("x", {1, 4}).output("y").floats("w", {4}, {1, 2, 3, 4});
  model.node("Add", {"x", "w"}, {"sum"});
  model.node("Relu", {"sum"}, {"y"});
  return model;
}

TEST(ImportOnnx, GivesTheModelsInputsAndOutputs) {
  const Graph graph = import(small_model());
  ASSERT_EQ(graph.inputs().size(), 1U);
  EXPECT_EQ(graph.inputs()[0].first, "x");
  EXPECT_EQ(graph.shape(graph.outputs()[0].second), (Shape{1, 4}));
}

TEST(ImportOnnx, TakesNodesInAnyOrder) {
  ModelBuilder model;
  model.input("x", {3}).output("y");
  model.node("Relu", {"n"}, {"y"});
  model.node("Neg", {"x"}, {"n"});
  EXPECT_EQ(import(model).nodes().size(), 2U);
}

TEST(ImportOnnx, EndsInAnErrorWhereverTheFileIsCut) {
  const std::string bytes = small_model().bytes();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(import_onnx(as_bytes(bytes).first(size)), Error) << size;
  }
}

TEST(ImportOnnx, RefusesACycle) {
  ModelBuilder model;
  model.input("x", {3}).output("y");
  model.node("Add", {"x", "y"}, {"a"});
  model.node("Relu", {"a"}, {"y"});
  expect_refusal(ErrorCode::invalid_data, "cycle", model);
}

TEST(ImportOnnx, RefusesANodeThatReadsItself) {
  ModelBuilder model;
  model.output("y");
  model.node("Relu", {"y"}, {"y"});
  expect_refusal(ErrorCode::invalid_data, "cycle", model);
}

TEST(ImportOnnx, RefusesABranchThatReadsWhatItsNodeMakes) {
  ModelBuilder model;
  model.output("y").integers("flag", {}, {1});
  set_attribute(model.node("Cast", {"flag"}, {"condition"}), "to",
                std::int64_t{onnx::TensorProto::BOOL});
  onnx::NodeProto& node = model.node("If", {"condition"}, {"y"});
  for (const char* name : {"then_branch", "else_branch"}) {
    onnx::AttributeProto& attribute = *node.add_attribute();
    attribute.set_name(name);
    attribute.set_type(onnx::AttributeProto::GRAPH);
    onnx::NodeProto& inner = *attribute.mutable_g()->add_node();
    inner.set_op_type("Relu");
    inner.add_input("y");
    inner.add_output("inner");
    attribute.mutable_g()->add_output()->set_name("inner");
  }
  expect_refusal(ErrorCode::invalid_data, "cycle", model);
}

TEST(ImportOnnx, RefusesWhatNothingMakes) {
  ModelBuilder model;
  model.input("x", {3}).output("y");
  model.node("Add", {"x", "nowhere"}, {"y"});
  expect_refusal(ErrorCode::invalid_data, "nowhere", model);
}

TEST(ImportOnnx, RefusesAnOutputThatNothingMakes) {
  ModelBuilder model;
  model.input("x", {3}).output("z");
  expect_refusal(ErrorCode::invalid_data, "z", model);
}

TEST(ImportOnnx, RefusesTwoNodesThatMakeOneValue) {
  ModelBuilder model = small_model();
  model.node("Neg", {"x"}, {"y"});
  expect_refusal(ErrorCode::invalid_data, "two nodes make y", model);
}

TEST(ImportOnnx, RefusesShapesThatDoNotFit) {
  ModelBuilder model;
  model.input("x", {1, 4}).output("y").floats("w", {3}, {1, 2, 3});
  model.node("Add", {"x", "w"}, {"y"});
  expect_refusal(ErrorCode::invalid_data, "Add_y", model);
}

TEST(ImportOnnx, RefusesNegativePadsOfAConvolution) {
  ModelBuilder model;
  model.input("x", {1, 1, 8}).output("y").floats("w", {1, 1, 3}, {1, 2, 3});
  set_attribute(model.node("Conv", {"x", "w"}, {"y"}), "pads", std::vector<std::int64_t>{-1, 0});
  expect_refusal(ErrorCode::invalid_data, "pads -1", model);
}

TEST(ImportOnnx, RefusesAWeightWhoseDataIsMissing) {
  ModelBuilder model = small_model();
  model.graph().mutable_initializer(0)->clear_float_data();
  expect_refusal(ErrorCode::invalid_data, "tensor w: 0 values", model);
  model.graph().mutable_initializer(0)->set_raw_data("abc");
  expect_refusal(ErrorCode::invalid_data, "tensor w: 3 bytes", model);
}

TEST(ImportOnnx, RefusesAbsurdExtents) {
  ModelBuilder model = small_model();
  model.graph().mutable_initializer(0)->set_dims(0, std::int64_t{1} << 62);
  expect_refusal(ErrorCode::invalid_data, "tensor w", model);
  model.graph().mutable_initializer(0)->set_dims(0, -4);
  expect_refusal(ErrorCode::invalid_data, "tensor w", model);
}

TEST(ImportOnnx, RefusesAConstantOfTerabytes) {
  ModelBuilder model;
  model.output("y").integers("shape", {3}, {1 << 20, 1 << 20, 4});
  model.node("ConstantOfShape", {"shape"}, {"y"});
  expect_refusal(ErrorCode::out_of_memory, "MiB", model);
}

/// Each is a quarter of what is allowed.
TEST(ImportOnnx, RefusesComputedConstantsThatAreTooLargeTogether) {
  ModelBuilder model;
  model.input("x", {1}).output("y").integers("shape", {1}, {1 << 18});
  std::string last = "x";
  for (const std::string name : {"a", "b", "c", "d", "e"}) {
    model.node("ConstantOfShape", {"shape"}, {name});
    const std::string sum = name == "e" ? "y" : name + "_sum";
    model.node("Add", {last, name}, {sum});
    last = sum;
  }
  OnnxOptions options;
  options.constant_limit_bytes = std::size_t{4} << 20U;
  const std::string text = model.bytes();
  const auto import = [&] { import_onnx(std::as_bytes(std::span(text)), options); };
  EXPECT_THAT(import, ::testing::ThrowsMessage<Error>(::testing::HasSubstr("4 MiB are allowed")));
  options.constant_limit_bytes *= 2;
  EXPECT_NO_THROW(import());
}

TEST(ImportOnnx, ListsEverythingThatItHasNot) {
  ModelBuilder model;
  model.input("x", {3}).output("y").output("z");
  model.node("Frobnicate", {"x"}, {"a"});
  model.node("Relu", {"a"}, {"b"});
  model.node("Twiddle", {"b"}, {"y"});
  model.node("Loop", {"x"}, {"z"}).set_domain("com.example");
  expect_refusal(ErrorCode::unsupported, "Frobnicate_a", model);
  expect_refusal(ErrorCode::unsupported, "Twiddle_y", model);
  expect_refusal(ErrorCode::unsupported, "com.example.Loop Loop_z", model);
}

TEST(ImportOnnx, IgnoresUnsupportedNodesThatNothingNeeds) {
  ModelBuilder model = small_model();
  model.node("Frobnicate", {"x"}, {"unused"});
  EXPECT_EQ(import(model).nodes().size(), 2U);
}

TEST(ImportOnnx, NeedsAnExtentForAFreeAxis) {
  ModelBuilder model;
  model.input("x", {2, -1}).output("y");
  model.node("Relu", {"x"}, {"y"});
  expect_refusal(ErrorCode::invalid_argument, "axis 1 (n) is free", model);
  OnnxOptions options;
  options.dimensions["n"] = 7;
  const Graph graph = import(model, options);
  EXPECT_EQ(graph.shape(graph.inputs()[0].second), (Shape{2, 7}));
  options.shapes["x"] = {3, 7};
  expect_refusal(ErrorCode::invalid_argument, "given [3, 7]", model, options);
}

TEST(ImportOnnx, SaysWhichInputToBindWhereAShapeHangsOnIt) {
  ModelBuilder model;
  model.input("x", {6}).input("shape", {2}, onnx::TensorProto::INT64).output("y");
  model.node("Reshape", {"x", "shape"}, {"y"});
  expect_refusal(ErrorCode::unsupported, "bind shape", model);
  OnnxOptions options;
  Tensor shape({2}, DataType::i64);
  shape.values_as<std::int64_t>()[0] = 2;
  shape.values_as<std::int64_t>()[1] = -1;
  options.constants["shape"] = shape;
  const Graph graph = import(model, options);
  EXPECT_EQ(graph.shape(graph.outputs()[0].second), (Shape{2, 3}));
}

TEST(ImportOnnx, RefusesOptionsForInputsThatAreNotThere) {
  OnnxOptions options;
  options.constants["nobody"] = 1.0;
  expect_refusal(ErrorCode::invalid_argument, "nobody", small_model(), options);
}

TEST(ImportOnnx, RefusesWeightsOutsideTheModelsFolder) {
  const TestFolder folder;
  const std::string data(16, '\0');
  folder.write("secret.bin", data);
  folder.write("models/inside.bin", data);
  std::filesystem::create_symlink(folder / "secret.bin", folder / "models/link.bin");
  const auto load = [&](const std::string& location, const std::string& length = "16") {
    ModelBuilder model = small_model();
    onnx::TensorProto& tensor = *model.graph().mutable_initializer(0);
    tensor.clear_float_data();
    tensor.set_data_location(onnx::TensorProto::EXTERNAL);
    const auto add = [&](const std::string& key, const std::string& value) {
      auto& entry = *tensor.add_external_data();
      entry.set_key(key);
      entry.set_value(value);
    };
    add("location", location);
    add("length", length);
    return import_onnx(folder.write("models/model.onnx", model.bytes()));
  };
  EXPECT_EQ(load("inside.bin").nodes().size(), 2U);
  for (const std::string& location :
       {std::string("../secret.bin"), std::string("link.bin"), (folder / "secret.bin").string()}) {
    expect_error(ErrorCode::invalid_data, "outside the model's folder", [&] { load(location); });
  }
  expect_error(ErrorCode::not_found, "absent.bin", [&] { load("absent.bin"); });
  expect_error(ErrorCode::invalid_data, "17", [&] { load("inside.bin", "17"); });
  expect_error(ErrorCode::invalid_data, "8 bytes", [&] { load("inside.bin", "8"); });
  expect_error(ErrorCode::invalid_data, "length", [&] { load("inside.bin", "-16"); });
}

TEST(ImportOnnx, WritesOutTheModelsOwnFunctions) {
  ModelBuilder model;
  model.input("x", {3}).output("y");
  model.node("Scaled", {"x"}, {"y"}).set_domain("mine");
  set_attribute(*model.graph().mutable_node(0), "slope", std::int64_t{1});
  auto& import_domain = *model.proto().add_opset_import();
  import_domain.set_domain("mine");
  import_domain.set_version(1);
  onnx::FunctionProto& function = *model.proto().add_functions();
  function.set_name("Scaled");
  function.set_domain("mine");
  function.add_input("a");
  function.add_output("b");
  function.add_opset_import()->set_version(17);
  onnx::NodeProto& inner = *function.add_node();
  inner.set_op_type("Softmax");
  inner.add_input("a");
  inner.add_output("b");
  EXPECT_EQ(import(model).nodes().size(), 1U);
}

TEST(InspectOnnx, SaysWhatIsInAModel) {
  ModelBuilder model;
  model.input("x", {1, -1}).output("y");
  model.node("Relu", {"x"}, {"a"});
  model.node("Frobnicate", {"a"}, {"y"});
  const std::string bytes = model.bytes();
  const OnnxSummary summary = inspect_onnx(as_bytes(bytes));
  EXPECT_EQ(summary.opset, 17);
  EXPECT_EQ(summary.inputs[0].axes, (std::vector<std::string>{"1", "n"}));
  EXPECT_EQ(summary.operations.at("Relu"), 1U);
  EXPECT_THAT(summary.unsupported, ::testing::ElementsAre("Frobnicate (Frobnicate_y)"));
}

}  // namespace
}  // namespace metalaudio::nn

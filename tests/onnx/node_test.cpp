#include "tests/onnx/node_test.h"

#include <metalaudio/core/error.h>
#include <metalaudio/core/file_bytes.h>
#include <metalaudio/nn/io/onnx/call.h>
#include <metalaudio/nn/io/onnx/import_onnx.h>
#include <metalaudio/nn/io/onnx/onnx_reader.h>
#include <metalaudio/nn/plan.h>

#include <cmath>
#include <vector>

namespace metalaudio {

namespace {

namespace fs = std::filesystem;

std::vector<Tensor> read_tensors(const fs::path& folder, const std::string& what) {
  std::vector<Tensor> tensors;
  for (int i = 0;; ++i) {
    const fs::path file = folder / fmt::format("{}_{}.pb", what, i);
    if (!fs::exists(file)) return tensors;
    // An empty message is a float tensor without a type, which ONNX uses for absent inputs.
    tensors.push_back(nn::read_onnx_tensor(FileBytes(file).bytes()).tensor);
  }
}

std::string difference(const ConstTensorView& got, const Tensor& wanted, double relative,
                       double absolute) {
  if (got.type() != wanted.type() || got.shape() != wanted.shape()) {
    return fmt::format("{}{}, expected {}{}", to_string(got.type()), got.shape().to_string(),
                       to_string(wanted.type()), wanted.shape().to_string());
  }
  // Two steps of bfloat16, as ONNX's own runner allows.
  if (got.type() == DataType::bf16) relative = std::max(relative, 0x1p-6);
  Tensor mine(got.shape(), got.type());
  mine.copy_from(got);
  const std::vector<double> a = nn::numbers_of(mine);
  const std::vector<double> b = nn::numbers_of(wanted);
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    if (!(std::abs(a[i] - b[i]) <= absolute + relative * std::abs(b[i]))) {
      return fmt::format("[{}] is {}, expected {}", i, a[i], b[i]);
    }
  }
  return {};
}

std::string run(const fs::path& folder, double relative, double absolute) {
  const nn::OnnxSummary summary = nn::inspect_onnx(folder / "model.onnx");
  for (int set = 0;; ++set) {
    const fs::path data = folder / fmt::format("test_data_set_{}", set);
    if (!fs::exists(data)) return set == 0 ? "no data" : "";
    const std::vector<Tensor> inputs = read_tensors(data, "input");
    const std::vector<Tensor> outputs = read_tensors(data, "output");
    nn::OnnxOptions options;
    for (std::size_t i = 0; i < std::min(inputs.size(), summary.inputs.size()); ++i) {
      options.samples[summary.inputs[i].name] = inputs[i];
    }
    const nn::Graph graph = nn::import_onnx(folder / "model.onnx", options);
    nn::Plan plan(graph, {});
    for (const auto& [name, value] : graph.inputs()) {
      copy(options.samples.at(name).view(), plan.input(name));
    }
    plan.run();
    for (std::size_t i = 0; i < std::min(outputs.size(), graph.outputs().size()); ++i) {
      const std::string reason =
          difference(plan.output(graph.outputs()[i].first), outputs[i], relative, absolute);
      if (!reason.empty()) return fmt::format("output {} {}", i, reason);
    }
  }
}

}  // namespace

std::string run_node_test(const fs::path& folder, double relative, double absolute) {
  try {
    return run(folder, relative, absolute);
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace metalaudio

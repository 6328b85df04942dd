#include "apps/commands/run_tensors.h"

#include <metalaudio/core/audio_buffer.h>
#include <metalaudio/core/error.h>
#include <metalaudio/nn/io/npy.h>
#include <metalaudio/separation/run_files.h>

#include <algorithm>
#include <iostream>
#include <set>

namespace metalaudio::apps {
namespace {

struct Result {
  std::string name;
  Tensor value;
};

/// Where each output goes: an input is never overwritten, nor one output by another.
std::vector<std::filesystem::path> result_files(const RunOptions& options, const RunValues& values,
                                                const std::vector<std::string>& names) {
  separation::RunFiles files;
  files.add_input(options.model);
  for (const std::filesystem::path& file : values.files) files.add_input(file);
  std::vector<std::filesystem::path> paths;
  std::set<std::string> taken;
  std::error_code failed;
  std::filesystem::create_directories(options.file.out, failed);
  if (failed || !std::filesystem::is_directory(options.file.out)) {
    fail(ErrorCode::io, "{}: the folder cannot be made: {}", options.file.out.string(),
         failed ? failed.message() : "a file has its name");
  }
  for (const std::string& name : names) {
    std::string stem = file_name_of(name);
    // Names that differ by "/" and ":" alone.
    for (int i = 2; !taken.insert(stem).second; ++i)
      stem = fmt::format("{}_{}", file_name_of(name), i);
    paths.push_back(options.file.out / (stem + ".npy"));
    files.require("-o", paths.back());
  }
  return paths;
}

void require_inputs(const RunValues& values, const nn::OnnxSummary& summary) {
  const std::vector<nn::OnnxPort> open = open_inputs(values, summary);
  if (open.empty()) return;
  fail(ErrorCode::invalid_argument, "{}: given neither by --tensor nor by --bind", port_list(open));
}

}  // namespace

nn::GraphInferenceOptions inference_options(const RunOptions& options, const RunValues& values,
                                            const nn::OnnxSummary& summary) {
  nn::GraphInferenceOptions inference;
  inference.timing = options.profile;
  inference.tolerances = ToleranceConfiguration::load();
  inference.model.samples = values.tensors;
  inference.model.constants = values.bindings;
  inference.model.states = values.states;
  for (nn::OnnxState& state : inference.model.states) {
    if (const auto initial = values.tensors.find(state.input); initial != values.tensors.end())
      state.initial = initial->second;
  }
  for (const nn::OnnxPort& port : summary.inputs) {
    const auto bound = values.bindings.find(port.name);
    if (bound == values.bindings.end()) continue;
    const auto* tensor = std::get_if<Tensor>(&bound->second);
    if (tensor == nullptr || tensor->shape().rank() != port.axes.size()) continue;
    for (std::size_t i = 0; i < port.axes.size(); ++i)
      inference.model.dimensions.try_emplace(port.axes[i], tensor->shape()[i]);
  }
  return inference;
}

int run_tensors(const RunOptions& options, const nn::OnnxSummary& summary) {
  RunValues values = read_values(options, summary);
  const int steps = options.steps.value_or(1);
  link_by_name(values, summary, steps > 1);
  const bool runs = !options.file.out.empty() || options.profile;
  if (runs) require_inputs(values, summary);
  nn::GraphInference model(options.model, inference_options(options, values, summary));
  std::vector<Result> results;
  std::vector<std::string> names;
  for (const nn::GraphPort& port : model.outputs()) {
    results.push_back({port.name, Tensor(port.type.shape, port.type.type)});
    names.push_back(port.name);
  }
  std::vector<std::filesystem::path> files;
  if (!options.file.out.empty()) files = result_files(options, values, names);
  if (runs) {
    std::vector<ConstTensorView> inputs;
    std::vector<TensorView> outputs;
    for (const nn::GraphPort& port : model.inputs())
      inputs.push_back(std::as_const(values.tensors.at(port.name)).view());
    for (Result& result : results) outputs.push_back(result.value.view());
    for (int step = 0; step < steps; ++step) model.predict(inputs, outputs);
  }
  if (options.dot) std::cout << model.to_dot();
  if (options.profile) std::cout << model.profile().table();
  for (std::size_t i = 0; i < files.size(); ++i) nn::save_npy(files[i], results[i].value.view());
  return 0;
}

nn::OnnxSummary summary_of(const models::AmpNetwork& network) {
  nn::OnnxSummary summary;
  summary.inputs = {{"input", "f32", {"frames", std::to_string(network.inputs())}}};
  summary.outputs = {{"output", "f32", {"frames", std::to_string(network.outputs())}}};
  return summary;
}

int run_tensors(const RunOptions& options, models::AmpNetwork network) {
  const nn::OnnxSummary summary = summary_of(network);
  const RunValues values = read_values(options, summary);
  require_inputs(values, summary);
  if (!values.bindings.empty())
    fail(ErrorCode::invalid_argument, "--bind: this network's input is what --tensor gives");
  const Tensor& input = values.tensors.at("input");
  const Shape& shape = input.shape();
  const auto channels = static_cast<std::int64_t>(network.inputs());
  const std::size_t rank = shape.rank();
  const bool fits = input.type() == DataType::f32 && rank >= 1 && rank <= 3 &&
                    (rank == 1 ? channels == 1 : shape[rank - 1] == channels) &&
                    (rank < 3 || shape[0] == 1);
  if (!fits) {
    fail(ErrorCode::invalid_argument, "input is f32[frames, {}], given {}{}", channels,
         to_string(input.type()), shape.to_string());
  }
  const auto frames = static_cast<std::size_t>(rank == 1 ? shape[0] : shape[rank - 2]);
  AudioBuffer in(network.inputs(), frames);
  AudioBuffer out(network.outputs(), frames);
  for (std::size_t i = 0; i < input.size(); ++i)
    in.channel(i % in.channels())[i / in.channels()] = input.values()[i];
  for (int step = 0; step < options.steps.value_or(1); ++step) network.process(in, out);
  const auto long_frames = static_cast<std::int64_t>(frames);
  const auto results = static_cast<std::int64_t>(network.outputs());
  Tensor output(rank == 3                   ? Shape{1, long_frames, results}
                : rank == 1 && results == 1 ? Shape{long_frames}
                                            : Shape{long_frames, results});
  for (std::size_t i = 0; i < output.size(); ++i)
    output.values()[i] = out.channel(i % out.channels())[i / out.channels()];
  nn::save_npy(result_files(options, values, {"output"}).front(), output.view());
  return 0;
}

}  // namespace metalaudio::apps

#include <metalaudio/core/error.h>
#include <metalaudio/nn/graph_inference.h>
#include <metalaudio/nn/io/npy.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "apps/commands/commands.h"
#include "apps/commands/run_audio.h"
#include "apps/options/run_options.h"

namespace metalaudio::apps {
namespace {

void print_ports(const char* title, const std::vector<nn::OnnxPort>& ports) {
  std::cout << title << '\n';
  for (const nn::OnnxPort& port : ports) {
    std::cout << fmt::format("  {}  {}[{}]\n", port.name, port.type, fmt::join(port.axes, ", "));
  }
}

int list(const nn::OnnxSummary& summary) {
  std::cout << "opset " << summary.opset << '\n';
  print_ports("inputs", summary.inputs);
  print_ports("outputs", summary.outputs);
  std::cout << "operations\n";
  for (const auto& [name, count] : summary.operations)
    std::cout << fmt::format("  {:5}  {}\n", count, name);
  if (!summary.unsupported.empty()) std::cout << "not supported\n";
  for (const std::string& node : summary.unsupported) std::cout << "  " << node << '\n';
  return summary.unsupported.empty() ? 0 : kFailed;
}

void show(const nn::GraphInference& model, const RunOptions& options) {
  if (options.dot) std::cout << model.to_dot();
  if (options.profile) std::cout << model.profile().table();
}

/// Runs on tensors and writes the last outputs.
int run_tensors(const RunOptions& options, const nn::OnnxSummary& summary) {
  nn::GraphInferenceOptions inference;
  inference.model = import_options(options, summary, options.steps > 1);
  inference.timing = options.profile;
  nn::GraphInference model(options.model, inference);
  std::vector<ConstTensorView> inputs;
  for (const nn::GraphPort& port : model.inputs()) {
    const auto given = inference.model.samples.find(port.name);
    if (given == inference.model.samples.end()) {
      fail(ErrorCode::invalid_argument, "input {} ({}) is given neither by --tensor nor by --bind",
           port.name, port.type.to_string());
    }
    inputs.push_back(given->second.view());
  }
  std::vector<Tensor> results;
  std::vector<TensorView> outputs;
  for (const nn::GraphPort& port : model.outputs())
    results.emplace_back(port.type.shape, port.type.type);
  for (Tensor& result : results) outputs.push_back(result.view());
  for (int step = 0; step < options.steps; ++step) model.predict(inputs, outputs);
  show(model, options);
  if (options.file.out.empty()) return 0;
  std::filesystem::create_directories(options.file.out);
  for (std::size_t i = 0; i < results.size(); ++i) {
    const std::string name = file_name_of(model.outputs()[i].name) + ".npy";
    nn::save_npy(options.file.out / name, results[i].view());
  }
  return 0;
}

int run(const RunOptions& options) {
  const nn::OnnxSummary summary = nn::inspect_onnx(options.model);
  if (options.list) return list(summary);
  if (!options.file.in.empty()) return run_audio(options, summary);
  if (options.file.out.empty() && !options.dot && !options.profile) {
    fail(ErrorCode::invalid_argument,
         "nothing to do: give IN and -o OUT, or --tensor and -o DIR, or --list");
  }
  return run_tensors(options, summary);
}

}  // namespace

void add_run_command(CLI::App& app, int& status) {
  CLI::App* command =
      app.add_subcommand("run", "Run an ONNX model on audio, or on tensors of NumPy");
  const auto options = std::make_shared<RunOptions>();
  command->add_option("MODEL", options->model, "The model: .onnx")->required();
  add_file_processing_options(*command, options->file);
  command->get_option("IN")->required(false);
  command->get_option("--out")->required(false)->description(
      "File to write, or, without IN, the folder for each output as NAME.npy");
  const auto many = [&](const char* name, std::vector<std::string>& values, const char* type,
                        const char* help) {
    command->add_option(name, values, help)
        ->allow_extra_args(false)
        ->type_name(type)
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  };
  many("--tensor", options->tensors, "NAME=FILE.npy", "The value of an input");
  many("--bind", options->bindings, "NAME=FILE.npy|NUMBER", "An input that is constant");
  many("--state", options->states, "OUT=IN",
       "An input that is what an output was in the step before");
  command
      ->add_option("--steps", options->steps,
                   "Steps to run, with linked states; the last one's outputs are written")
      ->check(CLI::Range(1, 1'000'000'000))
      ->capture_default_str();
  command->add_option("--rate", options->rate_hz,
                      "Sample rate that the model is for; the file's unless said");
  command
      ->add_option("--block", options->block, "Frames of one step, where the model leaves it open")
      ->check(CLI::Range(1, 16384))
      ->capture_default_str();
  command->add_flag("--profile", options->profile, "Print what each step takes");
  command->add_flag("--dot", options->dot, "Print the steps as a Graphviz digraph");
  command->add_flag("--list", options->list,
                    "Print inputs, outputs, operations, and what is not supported");
  command->callback([options, &status] { status = run(*options); });
}

}  // namespace metalaudio::apps

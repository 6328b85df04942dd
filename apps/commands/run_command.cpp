#include <metalaudio/core/error.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "apps/commands/commands.h"
#include "apps/commands/run_audio.h"
#include "apps/commands/run_tensors.h"
#include "apps/options/run_options.h"
#include "apps/terminal/console.h"
#include "apps/terminal/display_text.h"
#include "apps/terminal/failure_text.h"

namespace metalaudio::apps {
namespace {

std::string ports_text(const char* title, const std::vector<nn::OnnxPort>& ports) {
  std::string text = fmt::format("{}\n", title);
  for (const nn::OnnxPort& port : ports) {
    text += fmt::format("  {}\n", display_text(fmt::format("{}  {}[{}]", port.name, port.type,
                                                           fmt::join(port.axes, ", "))));
  }
  return text;
}

int list(const nn::OnnxSummary& summary) {
  std::string text;
  if (summary.opset > 0) text += fmt::format("opset {}\n", summary.opset);
  text += ports_text("inputs", summary.inputs) + ports_text("outputs", summary.outputs);
  if (!summary.operations.empty()) text += "operations\n";
  for (const auto& [name, count] : summary.operations)
    text += fmt::format("  {:5}  {}\n", count, display_text(name));
  if (!summary.unsupported.empty()) text += "not supported\n";
  for (const std::string& node : summary.unsupported)
    text += fmt::format("  {}\n", display_text(node));
  text.pop_back();
  print_result(text);
  return summary.unsupported.empty() ? 0 : kFailed;
}

/// ONNX's messages never begin with what JSON's objects do.
bool is_json(const std::filesystem::path& model) {
  // Opening a named pipe would wait for somebody who writes to it.
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(model, ignored)) return false;
  std::ifstream file(model, std::ios::binary);
  char first = 0;
  return file >> first && first == '{';
}

int run_json(const RunOptions& options) {
  const auto open = [&] {
    try {
      return models::AmpNetwork(options.model);
    } catch (const Error& error) {
      throw Error(error.code(), failure_text(options.model.string(), error.what()));
    }
  };
  if (options.profile || options.dot || !options.states.empty()) {
    fail(ErrorCode::invalid_argument, "--profile, --dot and --state are for ONNX models");
  }
  if (options.list) {
    try {
      return list(summary_of(open()));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::unsupported) throw;
      print_result(fmt::format("not supported\n  {}", display_text(error.what())));
      return kFailed;
    }
  }
  return options.file.in.empty() ? run_tensors(options, open()) : run_audio(options, open());
}

int run(const RunOptions& options) {
  const bool tensors = options.file.in.empty();
  if (tensors && (options.rate_hz || options.block))
    fail(ErrorCode::invalid_argument, "--rate and --block are for audio: IN is missing");
  if (tensors && !options.list && options.file.out.empty() && !options.dot && !options.profile) {
    fail(ErrorCode::invalid_argument,
         "nothing to do: give IN and -o OUT, or --tensor and -o DIR, or --list");
  }
  if (is_json(options.model)) return run_json(options);
  const nn::OnnxSummary summary = nn::inspect_onnx(options.model);
  if (options.list) return list(summary);
  return tensors ? run_tensors(options, summary) : run_audio(options, summary);
}

}  // namespace

void add_run_command(CLI::App& app, int& status) {
  CLI::App* command =
      app.add_subcommand("run", "Run an ONNX or RTNeural model on audio, or on tensors of NumPy");
  const auto options = std::make_shared<RunOptions>();
  command->add_option("MODEL", options->model, "The model: ONNX, or the JSON that amp reads")
      ->type_name("FILE")
      ->required();
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
                   "Steps to run, 1 unless said, with linked states; the last one's outputs are "
                   "written")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000'000).description(""));
  command
      ->add_option("--rate", options->rate_hz,
                   "Sample rate that the model is for, to which IN is resampled and back; the "
                   "file's unless said")
      ->type_name("HZ")
      ->check(CLI::Range(audio::AudioReader::kMinRateHz, audio::AudioReader::kMaxRateHz)
                  .description(""));
  command
      ->add_option("--block", options->block,
                   "Frames of one step, 512 unless said, where the model leaves it open")
      ->type_name("N")
      ->check(CLI::Range(1, 1 << 18).description(""));
  command->add_flag("--profile", options->profile, "Print what each step takes");
  command->add_flag("--dot", options->dot, "Print the steps as a Graphviz digraph");
  command->add_flag("--list", options->list,
                    "Print inputs, outputs, operations, and what is not supported");
  command->callback([options, &status] { status = run(*options); });
}

}  // namespace metalaudio::apps

#include "apps/options/run_options.h"

#include <metalaudio/core/error.h>
#include <metalaudio/nn/io/npy.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>

namespace metalaudio::apps {
namespace {

std::optional<double> number_of(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Whether an output's name says that it is what the input of the next step is.
bool goes_back(std::string_view output, std::string_view input) {
  constexpr std::array<std::string_view, 6> kAfter{"_out", "N", "_next", "_new", "n", "_n"};
  constexpr std::array<std::string_view, 4> kBefore{"out_", "next_", "new_", "output_"};
  const auto is = [&](std::string_view stem) {
    const auto after = [&](std::string_view end) {
      return output == std::string(stem) + std::string(end);
    };
    const auto before = [&](std::string_view begin) {
      return output == std::string(begin) + std::string(stem);
    };
    return std::any_of(kAfter.begin(), kAfter.end(), after) ||
           std::any_of(kBefore.begin(), kBefore.end(), before);
  };
  if (is(input)) return true;
  if (input.ends_with("_in") && is(input.substr(0, input.size() - 3))) return true;
  for (const std::string_view begin : {"in_", "input_", "old_", "past_"}) {
    if (input.starts_with(begin) && is(input.substr(begin.size()))) return true;
  }
  return input.starts_with("past") && output == "present" + std::string(input.substr(4));
}

}  // namespace

std::pair<std::string, std::string> split_assignment(const std::string& text, const char* option) {
  const std::size_t at = text.find('=');
  if (at == std::string::npos || at == 0 || at + 1 == text.size()) {
    fail(ErrorCode::invalid_argument, "{} {}: expected NAME=VALUE", option, text);
  }
  return {text.substr(0, at), text.substr(at + 1)};
}

nn::OnnxOptions import_options(const RunOptions& options, const nn::OnnxSummary& summary,
                               bool by_name) {
  nn::OnnxOptions import;
  for (const std::string& text : options.tensors) {
    const auto [name, file] = split_assignment(text, "--tensor");
    import.samples[name] = nn::load_npy(file);
  }
  for (const std::string& text : options.bindings) {
    const auto [name, value] = split_assignment(text, "--bind");
    if (const auto number = number_of(value)) {
      import.constants[name] = *number;
    } else {
      import.constants[name] = nn::load_npy(value);
    }
  }
  const auto link = [&](const std::string& output, const std::string& input) {
    nn::OnnxState state{output, input, std::nullopt, true};
    if (const auto initial = import.samples.find(input); initial != import.samples.end()) {
      state.initial = initial->second;
    }
    import.states.push_back(std::move(state));
  };
  for (const std::string& text : options.states) {
    const auto [output, input] = split_assignment(text, "--state");
    link(output, input);
  }
  const auto is_linked = [&](const std::string& name) {
    return std::any_of(import.states.begin(), import.states.end(), [&](const nn::OnnxState& state) {
      return state.input == name || state.output == name;
    });
  };
  for (const nn::OnnxPort& input : summary.inputs) {
    if (!by_name || is_linked(input.name) || import.constants.contains(input.name)) continue;
    for (const nn::OnnxPort& output : summary.outputs) {
      if (is_linked(output.name) || output.type != input.type ||
          !goes_back(output.name, input.name))
        continue;
      link(output.name, input.name);
      break;
    }
  }
  return import;
}

std::string file_name_of(std::string name) {
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '/' || c == ':'; }, '_');
  return name;
}

}  // namespace metalaudio::apps

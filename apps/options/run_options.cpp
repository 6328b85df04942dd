#include "apps/options/run_options.h"

#include <metalaudio/core/error.h>
#include <metalaudio/nn/io/npy.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>

namespace metalaudio::apps {
namespace {

std::optional<double> number_of(std::string_view text) {
  double value = 0;
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

bool has(const std::vector<nn::OnnxPort>& ports, const std::string& name) {
  return std::ranges::find(ports, name, &nn::OnnxPort::name) != ports.end();
}

/// At the first "=" whose left side is a name that the model has, otherwise at the first one.
std::pair<std::string, std::string> split(const std::string& text, const char* option,
                                          const std::vector<nn::OnnxPort>& ports) {
  std::size_t chosen = text.find('=');
  for (std::size_t at = chosen; at != std::string::npos; at = text.find('=', at + 1)) {
    if (!has(ports, text.substr(0, at))) continue;
    chosen = at;
    break;
  }
  if (chosen == std::string::npos || chosen == 0 || chosen + 1 == text.size())
    fail(ErrorCode::invalid_argument, "{} {}: expected NAME=VALUE", option, text);
  return {text.substr(0, chosen), text.substr(chosen + 1)};
}

/// Whether an output may be as large as an input: extents that are free are not known yet.
bool may_fit(const nn::OnnxPort& output, const nn::OnnxPort& input) {
  const std::string open = "...";
  if (output.axes == std::vector{open}) return true;  // not even its type may be told
  if (output.type != input.type) return false;
  const bool any = std::ranges::find(output.axes, open) != output.axes.end();
  if (any || std::ranges::find(input.axes, open) != input.axes.end()) return true;
  const auto fixed = [](const std::string& axis) {
    return !axis.empty() && std::ranges::all_of(axis, [](char c) { return c >= '0' && c <= '9'; });
  };
  return std::ranges::equal(output.axes, input.axes, [&](const auto& a, const auto& b) {
    return !fixed(a) || !fixed(b) || a == b;
  });
}

/// "lstm_h:0" without what TensorFlow adds.
std::string_view without_port(std::string_view name) {
  if (name.ends_with(":0")) name.remove_suffix(2);
  return name;
}

/// Whether an output's name says that it is what the input of the next step is.
bool goes_back(std::string_view output, std::string_view input) {
  output = without_port(output);
  input = without_port(input);
  const auto is = [&](std::string_view stem) {
    for (const char* end : {"_out", "Out", "N", "_next", "_new", "n", "_n"})
      if (output == std::string(stem) + end) return true;
    for (const char* begin : {"out_", "next_", "new_", "output_", "updated_", "final_"})
      if (output == begin + std::string(stem)) return true;
    return false;
  };
  if (is(input)) return true;
  for (const std::string_view end : {"_in", "In"})
    if (input.ends_with(end) && is(input.substr(0, input.size() - end.size()))) return true;
  for (const std::string_view begin :
       {"in_", "input_", "old_", "past_", "current_", "init_", "initial_"}) {
    if (input.starts_with(begin) && is(input.substr(begin.size()))) return true;
  }
  // The names of these say by themselves that the output is what comes after.
  for (const std::string_view end : {"_prev", "_old"}) {
    if (!input.ends_with(end)) continue;
    const std::string_view stem = input.substr(0, input.size() - end.size());
    if (output == stem || is(stem)) return true;
  }
  for (const std::string_view begin : {"prev_", "previous_", "last_"}) {
    if (!input.starts_with(begin)) continue;
    const std::string_view stem = input.substr(begin.size());
    if (output == stem || is(stem)) return true;
  }
  // h_0 and h_n, as PyTorch has them.
  if (input.ends_with('0') && output == std::string(input.substr(0, input.size() - 1)) + "n")
    return true;
  return input.starts_with("past") && output == "present" + std::string(input.substr(4));
}

/// Whether a name is that of a state rather than of what a step is given.
bool is_state_name(std::string name) {
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const char* word : {"state", "cache", "hidden", "past", "prev", "last", "mem", "hist",
                           "context", "buffer", "carry", "lstm", "gru", "rnn"}) {
    if (name.find(word) != std::string::npos) return true;
  }
  name.erase(0, name.find_last_of("./") + 1);  // npos + 1 is 0
  return (name.starts_with('h') || name.starts_with('c')) &&
         (name.size() == 1 || name[1] == '_' || (name[1] >= '0' && name[1] <= '9'));
}

}  // namespace

RunValues read_values(const RunOptions& options, const nn::OnnxSummary& summary) {
  RunValues values;
  const auto load = [&](const std::string& file) {
    values.files.emplace_back(file);
    return nn::load_npy(file);
  };
  const auto once = [&](const char* option, const std::string& name) {
    if (values.tensors.contains(name) || values.bindings.contains(name))
      fail(ErrorCode::invalid_argument, "{} {}: it has a value already", option, name);
  };
  const auto require = [&](const char* option, const std::string& name) {
    if (has(summary.inputs, name) || has(summary.defaults, name)) return;
    fail(ErrorCode::invalid_argument, "{} {}: the model has no such input; it has {}", option, name,
         port_list(summary.inputs));
  };
  std::vector<nn::OnnxPort> inputs = summary.inputs;
  inputs.insert(inputs.end(), summary.defaults.begin(), summary.defaults.end());
  for (const std::string& text : options.tensors) {
    const auto [name, file] = split(text, "--tensor", inputs);
    once("--tensor", name);
    require("--tensor", name);
    if (has(summary.defaults, name)) {
      values.bindings[name] = load(file);
    } else {
      values.tensors[name] = load(file);
    }
  }
  for (const std::string& text : options.bindings) {
    const auto [name, value] = split(text, "--bind", inputs);
    once("--bind", name);
    require("--bind", name);
    if (const auto number = number_of(value)) {
      values.bindings[name] = *number;
    } else {
      values.bindings[name] = load(value);
    }
  }
  for (const std::string& text : options.states) {
    const auto [output, input] = split(text, "--state", summary.outputs);
    if (!has(summary.outputs, output) || !has(summary.inputs, input)) {
      fail(ErrorCode::invalid_argument, "--state {}={}: the outputs are {}; the inputs {}", output,
           input, port_list(summary.outputs), port_list(summary.inputs));
    }
    if (std::ranges::find(values.states, input, &nn::OnnxState::input) != values.states.end())
      fail(ErrorCode::invalid_argument, "--state {}={}: {} is linked already", output, input,
           input);
    if (values.bindings.contains(input))
      fail(ErrorCode::invalid_argument, "--state {}={}: {} is bound", output, input, input);
    values.states.push_back({output, input, std::nullopt, true});
  }
  return values;
}

void link_by_name(RunValues& values, const nn::OnnxSummary& summary, bool given_too) {
  const auto linked = [&](const std::string& name) {
    return std::ranges::any_of(values.states, [&](const nn::OnnxState& state) {
      return state.input == name || state.output == name;
    });
  };
  const std::size_t told = values.states.size();
  for (const nn::OnnxPort& input : summary.inputs) {
    if (linked(input.name) || values.bindings.contains(input.name)) continue;
    if (!given_too && values.tensors.contains(input.name)) continue;
    for (const nn::OnnxPort& output : summary.outputs) {
      if (linked(output.name) || !may_fit(output, input) || !goes_back(output.name, input.name))
        continue;
      values.states.push_back({output.name, input.name, std::nullopt, true});
      break;
    }
  }
  // audio_in and audio_out go together too, but a step has to be given something.
  const bool all = std::ranges::all_of(summary.inputs, [&](const nn::OnnxPort& input) {
    return linked(input.name) || values.bindings.contains(input.name);
  });
  if (!all) return;
  const auto first =
      std::find_if(values.states.begin() + static_cast<std::ptrdiff_t>(told), values.states.end(),
                   [](const nn::OnnxState& state) { return !is_state_name(state.input); });
  if (first != values.states.end()) values.states.erase(first);
}

std::string port_list(const std::vector<nn::OnnxPort>& ports) {
  std::string text;
  for (const nn::OnnxPort& port : ports) {
    text += fmt::format("{}{} ({}[{}])", text.empty() ? "" : ", ", port.name, port.type,
                        fmt::join(port.axes, ", "));
  }
  return text.empty() ? "none" : text;
}

std::vector<nn::OnnxPort> open_inputs(const RunValues& values, const nn::OnnxSummary& summary) {
  std::vector<nn::OnnxPort> open;
  for (const nn::OnnxPort& port : summary.inputs) {
    const bool linked =
        std::ranges::find(values.states, port.name, &nn::OnnxState::input) != values.states.end();
    if (!linked && !values.tensors.contains(port.name) && !values.bindings.contains(port.name))
      open.push_back(port);
  }
  return open;
}

std::string file_name_of(std::string name) {
  std::ranges::replace_if(
      name, [](char c) { return c == '/' || c == ':'; }, '_');
  return name;
}

}  // namespace metalaudio::apps

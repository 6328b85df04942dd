#include "apps/options/run_options.h"

#include <metalaudio/core/error.h>
#include <metalaudio/nn/io/npy.h>

#include <algorithm>
#include <array>
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
  for (const std::string& text : options.tensors) {
    const auto [name, file] = split(text, "--tensor", summary.inputs);
    once("--tensor", name);
    if (!has(summary.inputs, name)) {
      fail(ErrorCode::invalid_argument, "--tensor {}: the model has no such input; it has {}", name,
           port_list(summary.inputs));
    }
    values.tensors[name] = load(file);
  }
  for (const std::string& text : options.bindings) {
    const auto [name, value] = split(text, "--bind", summary.inputs);
    once("--bind", name);
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

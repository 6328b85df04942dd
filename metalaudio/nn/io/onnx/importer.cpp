#include <metalaudio/core/error.h>
#include <metalaudio/nn/io/onnx/import_table.h>
#include <metalaudio/nn/io/onnx/importer.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace metalaudio::nn {

namespace {

constexpr std::size_t kMostNodes = 1'000'000;  // functions that call functions multiply

std::string label_of(const std::string& prefix, const OnnxNode& node) {
  const std::string domain = node.domain.empty() ? "" : node.domain + ".";
  std::string name = node.name;
  if (name.empty() && !node.outputs.empty()) name = node.outputs.front();
  return fmt::format("{}{} {}{}", domain, node.type, prefix, name);
}

/// Whether the type has the number, floating ones after rounding.
bool holds(DataType type, double number) {
  if (type == DataType::boolean) return number == 0 || number == 1;
  if (type == DataType::f16) return !std::isfinite(number) || std::abs(number) <= 65504;
  if (is_floating(type)) {
    const bool wide = type == DataType::f64;
    return !std::isfinite(number) || wide || std::abs(number) <= std::numeric_limits<float>::max();
  }
  const int bits = static_cast<int>(8 * size_of(type)) - (is_signed(type) ? 1 : 0);
  const double end = std::ldexp(1.0, bits);
  return std::trunc(number) == number && number < end && number >= (is_signed(type) ? -end : 0.0);
}

/// "n, 3": what the model calls the axes that it leaves free.
std::string axes_text(const Integers& extents, const std::vector<OnnxDimension>& dimensions) {
  std::vector<std::string> axes;
  for (std::size_t i = 0; i < extents.size(); ++i) {
    const std::string& symbol = dimensions[i].symbol;
    axes.push_back(extents[i] >= 0 ? std::to_string(extents[i]) : symbol.empty() ? "?" : symbol);
  }
  return fmt::format("{}", fmt::join(axes, ", "));
}

}  // namespace

Importer::Importer(const OnnxFile& file, const OnnxOptions& options,
                   const std::set<std::string>& bound)
    : file_(file),
      options_(options),
      bound_(bound),
      dimensions_(options.dimensions),
      builder_(options.constant_limit_bytes) {
  learn_dimensions();
}

/// What the given shapes and tensors say of the symbols, for the inputs that are not given.
void Importer::learn_dimensions() {
  for (const OnnxValue& input : file_.graph.inputs) {
    const auto shape = options_.shapes.find(input.name);
    const auto sample = options_.samples.find(input.name);
    if (!input.dimensions || (shape == options_.shapes.end() && sample == options_.samples.end())) {
      continue;
    }
    const Shape given = shape != options_.shapes.end() ? shape->second : sample->second.shape();
    if (given.rank() != input.dimensions->size()) continue;  // type_of() refuses it
    for (std::size_t i = 0; i < given.rank(); ++i) {
      const OnnxDimension& dimension = (*input.dimensions)[i];
      if (dimension.extent < 0 && !dimension.symbol.empty()) {
        dimensions_.try_emplace(dimension.symbol, given[i]);
      }
    }
  }
}

Graph Importer::run() {
  Scope scope = open_scope(file_.graph.nodes, file_.graph.initializers, nullptr);
  scope.opsets = &file_.opsets;
  add_inputs(scope);
  add_outputs(scope);
  if (!refused_.empty()) {
    std::string list;
    for (const std::string& one : refused_) list += (list.empty() ? "" : "; ") + one;
    fail(ErrorCode::unsupported, "{} of its nodes cannot be imported: {}", refused_.size(), list);
  }
  return std::move(builder_.graph());
}

bool Importer::is_known(const OnnxFile& file, const OnnxNode& node) {
  if (find_import(node.domain, node.type) != nullptr) return true;
  if (node.domain.empty() && (node.type == "If" || node.type == "Loop" || node.type == "Scan")) {
    return true;
  }
  return std::any_of(file.functions.begin(), file.functions.end(),
                     [&](const OnnxFunction& function) {
                       return function.name == node.type && function.domain == node.domain;
                     });
}

Importer::Scope Importer::open_scope(const std::vector<OnnxNode>& nodes,
                                     const std::map<std::string, OnnxTensor>& initializers,
                                     Scope* outer) {
  Scope scope;
  scope.nodes = &nodes;
  scope.initializers = &initializers;
  scope.outer = outer;
  if (outer != nullptr) {
    scope.bindings = outer->bindings;
    scope.opsets = outer->opsets;
    scope.prefix = outer->prefix;
  }
  scope.states.resize(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (const std::string& output : nodes[i].outputs) {
      if (!output.empty() && !scope.makers.try_emplace(output, i).second) {
        fail(ErrorCode::invalid_data, "two nodes make {}", output);
      }
    }
  }
  return scope;
}

ValueType Importer::type_of(const OnnxValue& input) const {
  if (!input.type) unsupported("input {} is {}", input.name, input.type_name);
  const auto sample = options_.samples.find(input.name);
  std::optional<Shape> wanted;
  if (const auto found = options_.shapes.find(input.name); found != options_.shapes.end()) {
    wanted = found->second;
  } else if (sample != options_.samples.end()) {
    if (sample->second.type() != *input.type) {
      fail(ErrorCode::invalid_argument, "input {} is {}, given {}", input.name,
           to_string(*input.type), to_string(sample->second.type()));
    }
    wanted = sample->second.shape();
  }
  if (!input.dimensions) {
    if (wanted) return {*wanted, *input.type};
    fail(ErrorCode::invalid_argument, "input {} has no shape: give it one", input.name);
  }
  Integers extents;
  for (const OnnxDimension& dimension : *input.dimensions) {
    const auto fixed = dimensions_.find(dimension.symbol);
    const bool named = !dimension.symbol.empty() && fixed != dimensions_.end();
    extents.push_back(dimension.extent < 0 && named ? fixed->second : dimension.extent);
  }
  if (wanted) {
    bool fits = wanted->rank() == extents.size();
    for (std::size_t i = 0; fits && i < extents.size(); ++i) {
      fits = extents[i] < 0 || extents[i] == (*wanted)[i];
    }
    if (!fits) {
      fail(ErrorCode::invalid_argument, "input {} has the axes [{}], given {}", input.name,
           axes_text(extents, *input.dimensions), wanted->to_string());
    }
    return {*wanted, *input.type};
  }
  for (std::size_t i = 0; i < extents.size(); ++i) {
    if (extents[i] >= 0) continue;
    fail(ErrorCode::invalid_argument, "input {}: axis {} ({}) is free: give it an extent",
         input.name, i, (*input.dimensions)[i].symbol);
  }
  if (extents.size() > Shape::kMaxRank) {
    unsupported("input {} has {} axes, at most {}", input.name, extents.size(), Shape::kMaxRank);
  }
  const Shape shape(extents);
  Builder::check_extents(shape);
  return {shape, *input.type};
}

Value Importer::bound_input(const OnnxValue& input, const std::variant<double, Tensor>& value) {
  if (!input.type) unsupported("input {} is {}", input.name, input.type_name);
  if (const auto* tensor = std::get_if<Tensor>(&value)) {
    bool fits = tensor->type() == *input.type;
    if (input.dimensions) {
      fits = fits && input.dimensions->size() == tensor->shape().rank();
      for (std::size_t i = 0; fits && i < input.dimensions->size(); ++i) {
        const std::int64_t extent = (*input.dimensions)[i].extent;
        fits = extent < 0 || extent == tensor->shape()[i];
      }
    }
    if (!fits) {
      fail(ErrorCode::invalid_argument, "input {} cannot be bound to {}{}", input.name,
           to_string(tensor->type()), tensor->shape().to_string());
    }
    return builder_.constant(*tensor);
  }
  Integers extents;
  if (input.dimensions) extents.resize(input.dimensions->size(), 1);
  for (std::size_t i = 0; i < extents.size(); ++i) {
    const std::int64_t extent = (*input.dimensions)[i].extent;
    if (extent > 0) extents[i] = extent;
  }
  const double number = std::get<double>(value);
  if (!holds(*input.type, number)) {
    fail(ErrorCode::invalid_argument, "input {} cannot be bound to {}: it is {}", input.name,
         number, to_string(*input.type));
  }
  return builder_.filled(Shape(extents), number, *input.type);
}

void Importer::add_inputs(Scope& scope) {
  std::set<std::string> names;
  Builder& b = builder_;
  for (const OnnxValue& input : file_.graph.inputs) {
    names.insert(input.name);
    const auto constant = options_.constants.find(input.name);
    const auto state = std::find_if(options_.states.begin(), options_.states.end(),
                                    [&](const OnnxState& s) { return s.input == input.name; });
    const bool has_default = file_.graph.initializers.contains(input.name);
    if (constant != options_.constants.end()) {
      scope.values[input.name] = {bound_input(input, constant->second)};
    } else if (bound_.contains(input.name)) {
      scope.values[input.name] = {bound_input(input, options_.samples.at(input.name))};
    } else if (state != options_.states.end()) {
      const ValueType type = type_of(input);
      if (!state->initial) b.check_room(static_cast<double>(type.shape.size()));
      Tensor initial = state->initial ? *state->initial : Tensor(type.shape, type.type);
      if (initial.shape() != type.shape || initial.type() != type.type) {
        fail(ErrorCode::invalid_argument, "state {} is {}, given {}{}", input.name,
             type.to_string(), to_string(initial.type()), initial.shape().to_string());
      }
      scope.values[input.name] = {b.graph().state(input.name, std::move(initial))};
    } else if (!has_default) {  // otherwise a constant that a user may replace, and has not
      if (!input.type) {
        refuse("input " + input.name, input.type_name);
        scope.values[input.name] = {{}, false};
        continue;
      }
      const ValueType type = type_of(input);
      scope.values[input.name] = {b.graph().input(input.name, type.shape, type.type)};
    }
  }
  for (const OnnxValue& input : file_.graph.inputs) {
    const auto made = scope.values.find(input.name);
    if (made != scope.values.end() && made->second.known) b.mark(made->second.value, input.narrow);
  }
  const auto check = [&](const std::string& name, const char* what) {
    if (!names.contains(name)) {
      fail(ErrorCode::invalid_argument, "{} {}: the model has no such input", what, name);
    }
  };
  for (const auto& [name, shape] : options_.shapes) check(name, "shape of");
  for (const auto& [name, value] : options_.constants) check(name, "constant");
  for (const OnnxState& state : options_.states) check(state.input, "state");
}

void Importer::add_outputs(Scope& scope) {
  Graph& graph = builder_.graph();
  std::map<std::string, Value> made;
  for (const OnnxValue& output : file_.graph.outputs) {
    const Known known = need(scope, output.name);
    if (known.known) made[output.name] = known.value;
  }
  if (!refused_.empty()) return;
  for (const OnnxState& state : options_.states) {
    const auto found = made.find(state.output);
    if (found == made.end()) {
      fail(ErrorCode::invalid_argument, "state {}: the model has no output {}", state.input,
           state.output);
    }
    graph.update(scope.values.at(state.input).value, found->second);
  }
  for (const OnnxValue& output : file_.graph.outputs) {
    const bool taken =
        std::any_of(options_.states.begin(), options_.states.end(),
                    [&](const OnnxState& s) { return s.output == output.name && !s.keep_output; });
    if (!taken) graph.output(output.name, made.at(output.name));
  }
}

const Importer::Known* Importer::find(Scope& scope, const std::string& name) {
  if (const auto found = scope.values.find(name); found != scope.values.end())
    return &found->second;
  if (const auto found = scope.initializers->find(name); found != scope.initializers->end()) {
    if (!found->second.value) {
      refuse("initializer " + name, found->second.trouble);
      return &(scope.values[name] = {{}, false});
    }
    const Value value = builder_.graph().constant(found->second.value);
    builder_.mark(value, found->second.narrow);
    return &(scope.values[name] = {value});
  }
  return nullptr;
}

Importer::Known Importer::need(Scope& scope, const std::string& name) {
  if (const Known* known = find(scope, name)) return *known;
  const auto maker = scope.makers.find(name);
  if (maker == scope.makers.end()) {
    if (scope.outer != nullptr) return need(*scope.outer, name);
    fail(ErrorCode::invalid_data, "nothing makes {}", name);
  }
  if (scope.states[maker->second] == NodeState::open) {  // a branch that reads what it makes
    fail(ErrorCode::invalid_data, "a cycle through {}", name);
  }
  std::vector<std::size_t> open{maker->second};
  while (!open.empty()) {
    const std::size_t index = open.back();
    NodeState& state = scope.states[index];
    if (state == NodeState::done) {
      open.pop_back();
      continue;
    }
    state = NodeState::open;
    bool ready = true;
    for (const std::string& input : (*scope.nodes)[index].inputs) {
      if (input.empty() || find(scope, input) != nullptr) continue;
      const auto from = scope.makers.find(input);
      if (from == scope.makers.end()) {
        if (scope.outer == nullptr) {
          fail(ErrorCode::invalid_data, "node {} reads {}, which nothing makes",
               label_of(scope.prefix, (*scope.nodes)[index]), input);
        }
        continue;  // need() finds it outside, or fails there
      }
      if (scope.states[from->second] == NodeState::open) {
        fail(ErrorCode::invalid_data, "a cycle through {}",
             label_of(scope.prefix, (*scope.nodes)[index]));
      }
      open.push_back(from->second);
      ready = false;
      break;
    }
    if (!ready) continue;
    import_node(scope, index);
    scope.states[index] = NodeState::done;
    open.pop_back();
  }
  return scope.values.at(name);
}

void Importer::import_node(Scope& scope, std::size_t index) {
  const OnnxNode& node = (*scope.nodes)[index];
  const std::string label = label_of(scope.prefix, node);
  if (++imported_ > kMostNodes) fail(ErrorCode::unsupported, "more than {} nodes", kMostNodes);
  std::vector<Value> inputs;
  bool known = true;
  for (const std::string& input : node.inputs) {
    const Known found = input.empty() ? Known{} : need(scope, input);
    known = known && found.known;
    inputs.push_back(found.value);
  }
  std::vector<Known> results(node.outputs.size(), Known{{}, false});
  try {
    if (known) {
      builder_.graph().set_label(label);
      results = import_values(scope, node, std::move(inputs));
    } else if (!is_known(file_, node)) {
      refuse(label, "no such operation here");
    }
  } catch (const NotConstant& reason) {
    try {
      want_constant(reason);
    } catch (const Unsupported& full) {
      refuse(label, full.what());
    }
  } catch (const Unsupported& reason) {
    refuse(label, reason.what());
  } catch (const Rejection& reason) {
    fail(ErrorCode::invalid_data, "node {}: {}", label, reason.what());
  } catch (const Error& error) {
    const bool of_file = error.code() == ErrorCode::invalid_argument;
    const std::string_view what = error.what();
    if (what.starts_with("node ")) throw;
    fail(of_file ? ErrorCode::invalid_data : error.code(), "node {}: {}", label, what);
  } catch (const std::length_error&) {
    fail(ErrorCode::invalid_data, "node {}: absurd sizes", label);
  }
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i].empty()) continue;
    if (i >= results.size() || (results[i].known && !results[i].value.present())) {
      refuse(label, fmt::format("output {} ({})", i, node.outputs[i]));
      scope.values[node.outputs[i]] = {{}, false};
    } else {
      scope.values[node.outputs[i]] = results[i];
    }
  }
}

std::vector<Importer::Known> Importer::import_values(Scope& scope, const OnnxNode& node,
                                                     std::vector<Value> inputs) {
  const auto version = scope.opsets->find(node.domain);
  Call call(node, scope.bindings, std::move(inputs),
            version == scope.opsets->end() ? 1 : version->second, builder_);
  call.carry_states = options_.carry_states;
  call.sampled = !options_.samples.empty();
  if (node.domain.empty() && node.type == "If") return import_if(scope, call);
  if (node.domain.empty() && node.type == "Loop") return import_loop(scope, call);
  if (node.domain.empty() && node.type == "Scan") return import_scan(scope, call);
  for (const OnnxFunction& function : file_.functions) {
    if (function.name == node.type && function.domain == node.domain) {
      return import_function(scope, function, call);
    }
  }
  const ImportFunction import = find_import(node.domain, node.type);
  if (import == nullptr) unsupported("no such operation here");
  std::vector<Known> results;
  for (const Value value : import(call)) results.push_back({value});
  return results;
}

void Importer::refuse(const std::string& label, const std::string& reason) {
  refused_.push_back(fmt::format("{} ({})", label, reason));
}

void Importer::want_constant(const NotConstant& reason) {
  const Graph& graph = builder_.graph();
  std::set<int> seen;
  std::vector<Value> open{reason.value};
  BindInputs wanted;
  bool sampled = true;
  while (!open.empty()) {
    const Value value = open.back();
    open.pop_back();
    if (!value.present() || !seen.insert(value.index).second) continue;
    const ValueInfo& info = graph.info(value);
    if (info.kind == ValueKind::state) sampled = false;
    if (info.kind == ValueKind::input) {
      for (const auto& [name, input] : graph.inputs()) {
        if (input == value) wanted.names.insert(name);
      }
    }
    if (info.node < 0) continue;
    for (const Value input : graph.nodes()[static_cast<std::size_t>(info.node)].inputs) {
      open.push_back(input);
    }
  }
  for (const std::string& name : wanted.names) sampled = sampled && options_.samples.contains(name);
  if (sampled && !wanted.names.empty()) throw wanted;
  unsupported("{}: bind {}", reason.what(), fmt::join(wanted.names, ", "));
}

}  // namespace metalaudio::nn

#include <metalaudio/core/error.h>
#include <metalaudio/nn/io/onnx/import_table.h>
#include <metalaudio/nn/io/onnx/importer.h>

#include <algorithm>

namespace metalaudio::nn {

namespace {

constexpr std::size_t kMostNodes = 1'000'000;  // functions that call functions multiply

std::string label_of(const std::string& prefix, const OnnxNode& node) {
  const std::string domain = node.domain.empty() ? "" : node.domain + ".";
  std::string name = node.name;
  if (name.empty() && !node.outputs.empty()) name = node.outputs.front();
  return fmt::format("{}{} {}{}", domain, node.type, prefix, name);
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

#include <metalaudio/nn/io/onnx/importer.h>

namespace metalaudio::nn {

namespace {

constexpr std::size_t kDeepest = 64;
constexpr std::int64_t kMostTrips = 10'000;

/// Counts a nested body for as long as it is imported.
class Depth {
 public:
  explicit Depth(std::size_t& depth) : depth_(depth) {
    if (++depth_ > kDeepest) invalid("functions or branches {} deep", depth_);
  }
  ~Depth() { --depth_; }
  Depth(const Depth&) = delete;
  Depth& operator=(const Depth&) = delete;

 private:
  std::size_t& depth_;
};

void check_condition(const Builder& b, Value condition) {
  if (b.type(condition) != DataType::boolean || b.shape(condition).size() != 1) {
    invalid("the condition is {}{}", to_string(b.type(condition)), b.shape(condition).to_string());
  }
}

}  // namespace

std::vector<Importer::Known> Importer::import_graph(Scope& outer, const OnnxGraph& graph,
                                                    const std::vector<Known>& inputs,
                                                    const std::string& name) {
  const Depth depth(depth_);
  Scope scope = open_scope(graph.nodes, graph.initializers, &outer);
  scope.prefix = outer.prefix + name + "/";
  if (inputs.size() != graph.inputs.size()) {
    invalid("{} takes {} values, given {}", graph.name, graph.inputs.size(), inputs.size());
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) scope.values[graph.inputs[i].name] = inputs[i];
  std::vector<Known> outputs;
  for (const OnnxValue& output : graph.outputs) {
    const Known found = need(scope, output.name);
    // A function's optional input that its caller left out has a name and no value.
    if (found.known && !found.value.present()) invalid("output {} is nothing", output.name);
    outputs.push_back(found);
  }
  return outputs;
}

/// A branch where the condition is known. Otherwise both, and a choice, where they agree.
std::vector<Importer::Known> Importer::import_if(Scope& scope, Call& call) {
  const Value condition = call.in(0);
  check_condition(builder_, condition);
  const OnnxGraph& then_graph = call.attribute_graph("then_branch");
  const OnnxGraph& else_graph = call.attribute_graph("else_branch");
  const std::string& name = call.node().name;
  if (builder_.is_constant(condition)) {
    const bool holds = builder_.tensor(condition).values_as<bool>()[0];
    return import_graph(scope, holds ? then_graph : else_graph, {}, name);
  }
  const std::vector<Known> yes = import_graph(scope, then_graph, {}, name);
  const std::vector<Known> no = import_graph(scope, else_graph, {}, name);
  if (yes.size() != no.size()) invalid("branches of {} and {} results", yes.size(), no.size());
  const Value flag = builder_.reshape(condition, Shape{});
  std::vector<Known> results;
  for (std::size_t i = 0; i < yes.size(); ++i) {
    if (!yes[i].known || !no[i].known) {
      results.push_back({{}, false});
      continue;
    }
    if (builder_.graph().type(yes[i].value) != builder_.graph().type(no[i].value)) {
      throw NotConstant("the branches differ in shape, and the condition is not constant",
                        condition);
    }
    results.push_back({builder_.where(flag, yes[i].value, no[i].value)});
  }
  return results;
}

/// A loop whose trips are known, written out.
std::vector<Importer::Known> Importer::import_loop(Scope& scope, Call& call) {
  const OnnxGraph& body = call.attribute_graph("body");
  const std::int64_t most = call.has(0) ? call.needed_integer(0) : kMostTrips + 1;
  const std::size_t carried = call.size() < 2 ? 0 : call.size() - 2;
  if (body.inputs.size() != carried + 2 || body.outputs.size() < carried + 1) {
    invalid("a body of {} inputs and {} outputs carries {} values", body.inputs.size(),
            body.outputs.size(), carried);
  }
  Known condition{call.has(1) ? call.in(1) : builder_.number(1, DataType::boolean)};
  std::vector<Known> values;
  for (std::size_t i = 0; i < carried; ++i) values.push_back({call.in(i + 2)});
  std::vector<std::vector<Value>> scanned(body.outputs.size() - 1 - carried);
  for (std::int64_t trip = 0; trip < most; ++trip) {
    check_condition(builder_, condition.value);
    if (!builder_.is_constant(condition.value)) {
      throw NotConstant("the number of trips must be constant", condition.value);
    }
    if (!builder_.tensor(condition.value).values_as<bool>()[0]) break;
    if (trip == kMostTrips) unsupported("more than {} trips", kMostTrips);
    std::vector<Known> inputs{{builder_.reshape(builder_.integers({trip}), Shape{})}, condition};
    inputs.insert(inputs.end(), values.begin(), values.end());
    const std::vector<Known> results = import_graph(scope, body, inputs, call.node().name);
    for (const Known& result : results) {
      if (!result.known) return std::vector<Known>(call.outputs(), {{}, false});
    }
    condition = results[0];
    for (std::size_t i = 0; i < carried; ++i) values[i] = results[i + 1];
    for (std::size_t i = 0; i < scanned.size(); ++i) {
      const Value value = results[i + 1 + carried].value;
      Integers extents = extents_of(builder_.shape(value));
      extents.insert(extents.begin(), 1);
      scanned[i].push_back(builder_.reshape(value, Shape(extents)));
    }
  }
  for (const std::vector<Value>& parts : scanned) {
    if (parts.empty()) unsupported("a loop without a trip that collects values");
    values.push_back({builder_.concat(parts, 0)});
  }
  return values;
}

/// Walks along axes of its inputs, written out: states first, then one position of each.
std::vector<Importer::Known> Importer::import_scan(Scope& scope, Call& call) {
  if (call.opset() < 9) unsupported("Scan of opset 8");
  const OnnxGraph& body = call.attribute_graph("body");
  const auto walked = static_cast<std::size_t>(call.attribute("num_scan_inputs", std::int64_t{0}));
  if (walked < 1 || walked > call.size() || body.inputs.size() != call.size() ||
      body.outputs.size() < call.size() - walked) {
    invalid("{} of {} inputs walked", walked, call.size());
  }
  const std::size_t carried = call.size() - walked;
  const std::size_t collected = body.outputs.size() - carried;
  const auto list = [&](const char* name, std::size_t size) {
    Integers given = call.attribute_integers(name).value_or(Integers(size));
    if (given.size() != size) invalid("{} {}", given.size(), name);
    return given;
  };
  const Integers axes = list("scan_input_axes", walked);
  const Integers backwards = list("scan_input_directions", walked);
  const Integers result_axes = list("scan_output_axes", collected);
  const Integers result_backwards = list("scan_output_directions", collected);
  std::vector<Known> values;
  for (std::size_t i = 0; i < carried; ++i) values.push_back({call.in(i)});
  const std::size_t first_axis = axis_in(axes[0], call.shape(carried).rank());
  const std::int64_t trips = call.shape(carried)[first_axis];
  if (trips > kMostTrips) unsupported("more than {} trips", kMostTrips);
  std::vector<std::vector<Value>> parts(collected);
  for (std::int64_t trip = 0; trip < trips; ++trip) {
    std::vector<Known> inputs = values;
    for (std::size_t i = 0; i < walked; ++i) {
      const Value from = call.in(carried + i);
      const std::size_t axis = axis_in(axes[i], builder_.rank(from));
      if (builder_.shape(from)[axis] != trips) invalid("inputs of different lengths");
      inputs.push_back({builder_.pick(from, axis, backwards[i] != 0 ? trips - 1 - trip : trip)});
    }
    const std::vector<Known> results = import_graph(scope, body, inputs, call.node().name);
    for (const Known& result : results) {
      if (!result.known) return std::vector<Known>(call.outputs(), {{}, false});
    }
    for (std::size_t i = 0; i < carried; ++i) values[i] = results[i];
    for (std::size_t i = 0; i < collected; ++i) {
      const Value value = results[carried + i].value;
      Integers extents = extents_of(builder_.shape(value));
      const std::size_t axis = axis_in(result_axes[i], extents.size() + 1);
      extents.insert(extents.begin() + static_cast<std::ptrdiff_t>(axis), 1);
      const Value part = builder_.reshape(value, Shape(extents));
      parts[i].insert(result_backwards[i] != 0 ? parts[i].begin() : parts[i].end(), part);
    }
  }
  for (std::size_t i = 0; i < collected; ++i) {
    if (parts[i].empty()) unsupported("a walk over nothing that collects values");
    const std::size_t axis = axis_in(result_axes[i], builder_.rank(parts[i][0]));
    values.push_back({builder_.concat(parts[i], axis)});
  }
  return values;
}

std::vector<Importer::Known> Importer::import_function(Scope& caller, const OnnxFunction& function,
                                                       Call& call) {
  const Depth depth(depth_);
  static const std::map<std::string, OnnxTensor> kNone;
  Bindings bindings = function.defaults;
  for (const auto& [name, attribute] : call.node().attributes) {
    const OnnxAttribute* bound = &attribute;
    if (!attribute.reference.empty()) {
      if (caller.bindings == nullptr) continue;
      const auto found = caller.bindings->find(attribute.reference);
      if (found == caller.bindings->end()) continue;
      bound = &found->second;
    }
    bindings[name] = *bound;
  }
  Scope scope = open_scope(function.nodes, kNone, nullptr);
  scope.bindings = &bindings;
  scope.opsets = &function.opsets;
  scope.prefix = caller.prefix + call.node().name + "/";
  if (call.size() > function.inputs.size()) {
    invalid("{} takes {} inputs, given {}", function.name, function.inputs.size(), call.size());
  }
  for (std::size_t i = 0; i < function.inputs.size(); ++i) {
    scope.values[function.inputs[i]] = {call.optional(i)};
  }
  std::vector<Known> outputs;
  for (const std::string& output : function.outputs) outputs.push_back(need(scope, output));
  return outputs;
}

}  // namespace metalaudio::nn

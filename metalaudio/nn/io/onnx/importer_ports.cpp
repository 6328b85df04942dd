#include <metalaudio/core/error.h>
#include <metalaudio/nn/io/onnx/importer.h>

#include <algorithm>
#include <cmath>
#include <limits>

// Of the importer what becomes the graph's inputs, outputs and states.
namespace metalaudio::nn {

namespace {

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

}  // namespace metalaudio::nn

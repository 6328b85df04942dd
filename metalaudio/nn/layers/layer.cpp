#include <metalaudio/core/error.h>
#include <metalaudio/nn/layers/layer.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace metalaudio::nn::layers {

namespace {

/// torch.nn.utils.weight_norm over axis 0: magnitude · direction / ‖direction‖.
Tensor weight_norm(const Tensor& magnitude, const Tensor& direction) {
  Tensor weight(direction.shape());
  const std::size_t rows = magnitude.size();
  const std::size_t size = rows == 0 ? 0 : direction.size() / rows;
  for (std::size_t r = 0; r < rows; ++r) {
    const auto from = direction.values().subspan(r * size, size);
    const double squares = std::transform_reduce(from.begin(), from.end(), 0.0, std::plus<>{},
                                                 [](double v) { return v * v; });
    const double factor = squares > 0 ? magnitude.data()[r] / std::sqrt(squares) : 0;
    for (std::size_t i = 0; i < size; ++i) {
      weight.data()[r * size + i] = static_cast<float>(from[i] * factor);
    }
  }
  return weight;
}

/// Both names under which PyTorch keeps the two parts of a normalised weight.
bool read_weight_norm(const Weights& weights, const Shape& shape, Tensor* to) {
  std::vector<std::int64_t> extents(shape.rank(), 1);
  if (!extents.empty()) extents[0] = shape[0];
  const Shape rows(extents);
  const Weights parts = weights("parametrizations")("weight");
  if (weights.has("weight_g") && weights.has("weight_v")) {
    *to = weight_norm(weights.tensor("weight_g", rows), weights.tensor("weight_v", shape));
  } else if (parts.has("original0") && parts.has("original1")) {
    *to = weight_norm(parts.tensor("original0", rows), parts.tensor("original1", shape));
  } else {
    return false;
  }
  return true;
}

}  // namespace

Rate Rate::then(const Rate& next) const {
  const std::int64_t common = std::lcm(out, next.in);
  return {in * (common / out), next.out * (common / next.in)};
}

Value Layer::write(const Scope& scope, Value x) const {
  // What a layer inside left must not label what comes next.
  scope.graph.set_label(scope.path);
  return do_write(scope, x);
}

void Layer::declare(const std::string& name, const Shape& shape) {
  parameters_.push_back({name, shape, nullptr, true});
}

void Layer::declare(const std::string& name, const Shape& shape, float value) {
  Tensor tensor(shape);
  std::fill(tensor.values().begin(), tensor.values().end(), value);
  parameters_.push_back({name, shape, std::make_shared<const Tensor>(std::move(tensor)), false});
}

Layer::Parameter* Layer::find(std::string_view name) {
  for (Parameter& parameter : parameters_) {
    if (parameter.name == name) return &parameter;
  }
  for (const auto& [prefix, child] : children_) {
    if (name.size() > prefix.size() && name.starts_with(prefix) && name[prefix.size()] == '.') {
      if (Parameter* found = child->find(name.substr(prefix.size() + 1))) return found;
    }
  }
  return nullptr;
}

void Layer::set(std::string_view name, Tensor value) {
  Parameter* parameter = find(name);
  if (parameter == nullptr) {
    std::string names;
    for (const auto& [known, shape] : parameters()) names += (names.empty() ? "" : ", ") + known;
    fail(ErrorCode::not_found, "[{}] no weight is called {}: {}", this->name(), name,
         names.empty() ? "it has none" : names);
  }
  if (value.shape() != parameter->shape || !is_floating(value.type())) {
    fail(ErrorCode::invalid_argument, "[{}] {} is {}{}, expected f32{}", this->name(), name,
         to_string(value.type()), value.shape().to_string(), parameter->shape.to_string());
  }
  parameter->value = std::make_shared<const Tensor>(std::move(value));
}

void Layer::load(const Weights& weights) {
  for (Parameter& parameter : parameters_) {
    Tensor whole;
    if (parameter.name == "weight" && !weights.has("weight") &&
        read_weight_norm(weights, parameter.shape, &whole)) {
      parameter.value = std::make_shared<const Tensor>(std::move(whole));
    } else if (parameter.required || weights.has(parameter.name)) {
      parameter.value =
          std::make_shared<const Tensor>(weights.tensor(parameter.name, parameter.shape));
    }
  }
  for (const auto& [prefix, child] : children_) child->load(weights(prefix));
}

std::vector<std::pair<std::string, Shape>> Layer::parameters() const {
  std::vector<std::pair<std::string, Shape>> all;
  for (const Parameter& parameter : parameters_) all.emplace_back(parameter.name, parameter.shape);
  for (const auto& [prefix, child] : children_) {
    for (auto& [name, shape] : child->parameters()) all.emplace_back(prefix + "." + name, shape);
  }
  return all;
}

const std::shared_ptr<const Tensor>& Layer::parameter(std::string_view name) const {
  const auto found = std::find_if(parameters_.begin(), parameters_.end(),
                                  [&](const Parameter& p) { return p.name == name; });
  if (found == parameters_.end() || !found->value) {
    fail(ErrorCode::invalid_argument, "[{}] {} was not given", this->name(), name);
  }
  return found->value;
}

Tensor Layer::numbers(std::string_view name) const {
  const Tensor& from = *parameter(name);
  Tensor to(from.shape());
  visit_type(from.type(), [&]<typename T>(std::type_identity<T>) {
    const std::span<const T> values = from.values_as<T>();
    std::transform(values.begin(), values.end(), to.data(),
                   [](T value) { return static_cast<float>(value); });
  });
  return to;
}

Value Layer::weight(const Scope& scope, std::string_view name) const {
  const Value value = constant(scope, name);
  if (scope.graph.type(value).type == DataType::f32) return value;
  return scope.graph.apply(Cast{DataType::f32}, {value});
}

void Layer::refuse_with(ErrorCode code, const Scope& scope, const std::string& reason) const {
  fail(code, "[{}] {}{}{}", name(), scope.path, scope.path.empty() ? "" : ": ", reason);
}

void Layer::expect(const Scope& scope, Value x, std::size_t rank, std::int64_t channels) const {
  const Shape& shape = scope.graph.shape(x);
  if (shape.rank() == rank && (rank == 0 || shape.back() == channels)) return;
  std::string wanted;
  for (std::size_t i = 0; i + 1 < rank; ++i) wanted += "any, ";
  refuse(ErrorCode::invalid_argument, scope, "the input is {}, expected [{}{}]", shape.to_string(),
         wanted, channels);
}

void Layer::expect_offline(const Scope& scope) const {
  if (scope.mode == Mode::offline) return;
  refuse(ErrorCode::unsupported, scope, "it needs the whole signal: offline alone");
}

void Layer::expect_positive(const char* what, std::int64_t size) const {
  if (size < 1) fail(ErrorCode::invalid_argument, "[{}] {} {}: at least 1", name(), what, size);
}

}  // namespace metalaudio::nn::layers

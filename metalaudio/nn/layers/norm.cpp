#include <metalaudio/core/error.h>
#include <metalaudio/nn/layers/norm.h>

#include <cmath>

namespace metalaudio::nn::layers {

namespace {

/// Whether the last axes of a value are `shape`.
bool ends_with(const Shape& value, const Shape& shape) {
  if (value.rank() < shape.rank()) return false;
  return Shape(value.extents().last(shape.rank())) == shape;
}

}  // namespace

GroupNorm::GroupNorm(const GroupNormOptions& options) : options_(options) {
  expect_positive("num_groups", options.num_groups);
  expect_positive("num_channels", options.num_channels);
  if (options.num_channels % options.num_groups != 0) {
    fail(ErrorCode::invalid_argument, "[{}] the groups do not divide the channels", name());
  }
  if (!options.affine) return;
  declare("weight", {options.num_channels}, 1);
  declare("bias", {options.num_channels}, 0);
}

std::string GroupNorm::name() const {
  return fmt::format("GroupNorm({}, {})", options_.num_groups, options_.num_channels);
}

Value GroupNorm::do_write(const Scope& scope, Value x) const {
  expect_offline(scope);
  const std::size_t rank = scope.graph.shape(x).rank();
  expect(scope, x, std::max<std::size_t>(rank, 2), options_.num_channels);
  const nn::GroupNorm norm{options_.num_groups, rank - 2, options_.eps, options_.algorithm};
  if (!options_.affine) return scope.graph.apply(norm, {x});
  return scope.graph.apply(norm, {x, weight(scope, "weight"), weight(scope, "bias")});
}

InstanceNorm::InstanceNorm(const InstanceNormOptions& options) : options_(options) {
  expect_positive("num_features", options.num_features);
  if (!options.affine) return;
  declare("weight", {options.num_features}, 1);
  declare("bias", {options.num_features}, 0);
}

std::string InstanceNorm::name() const {
  return fmt::format("InstanceNorm({})", options_.num_features);
}

Value InstanceNorm::do_write(const Scope& scope, Value x) const {
  expect_offline(scope);
  const std::size_t rank = scope.graph.shape(x).rank();
  expect(scope, x, std::max<std::size_t>(rank, 3), options_.num_features);
  const nn::GroupNorm norm{options_.num_features, rank - 2, options_.eps};
  if (!options_.affine) return scope.graph.apply(norm, {x});
  return scope.graph.apply(norm, {x, weight(scope, "weight"), weight(scope, "bias")});
}

BatchNorm::BatchNorm(const BatchNormOptions& options) : options_(options) {
  expect_positive("num_features", options.num_features);
  if (options.affine) {
    declare("weight", {options.num_features}, 1);
    declare("bias", {options.num_features}, 0);
  }
  declare("running_mean", {options.num_features}, 0);
  declare("running_var", {options.num_features}, 1);
}

std::string BatchNorm::name() const { return fmt::format("BatchNorm({})", options_.num_features); }

Value BatchNorm::do_write(const Scope& scope, Value x) const {
  expect(scope, x, scope.graph.shape(x).rank(), options_.num_features);
  const auto size = static_cast<std::size_t>(options_.num_features);
  Tensor scale({options_.num_features});
  Tensor shift({options_.num_features});
  const Tensor mean = numbers("running_mean");
  const Tensor variance = numbers("running_var");
  const Tensor gains = options_.affine ? numbers("weight") : Tensor();
  const Tensor biases = options_.affine ? numbers("bias") : Tensor();
  for (std::size_t i = 0; i < size; ++i) {
    const double gain = options_.affine ? gains.data()[i] : 1;
    const double bias = options_.affine ? biases.data()[i] : 0;
    const double factor = gain / std::sqrt(static_cast<double>(variance.data()[i]) + options_.eps);
    scale.data()[i] = static_cast<float>(factor);
    shift.data()[i] = static_cast<float>(bias - mean.data()[i] * factor);
  }
  Graph& graph = scope.graph;
  const Value scaled =
      graph.apply(Binary{BinaryFunction::multiply}, {x, graph.constant(std::move(scale))});
  return graph.apply(Binary{BinaryFunction::add}, {scaled, graph.constant(std::move(shift))});
}

LayerNorm::LayerNorm(const LayerNormOptions& options) : options_(options) {
  if (!options.elementwise_affine) return;
  declare("weight", options.normalized_shape, 1);
  if (options.bias) declare("bias", options.normalized_shape, 0);
}

std::string LayerNorm::name() const {
  return fmt::format("LayerNorm({})", options_.normalized_shape.to_string());
}

Value LayerNorm::do_write(const Scope& scope, Value x) const {
  const Shape& shape = scope.graph.shape(x);
  const std::size_t axes = options_.normalized_shape.rank();
  if (!ends_with(shape, options_.normalized_shape)) {
    refuse(ErrorCode::invalid_argument, scope, "the input is {}, expected it to end with {}",
           shape.to_string(), options_.normalized_shape.to_string());
  }
  if (axes + 2 > shape.rank()) expect_offline(scope);  // over the frames too
  const nn::LayerNorm norm{axes, options_.eps};
  if (!options_.elementwise_affine) return scope.graph.apply(norm, {x});
  return scope.graph.apply(
      norm, {x, weight(scope, "weight"), options_.bias ? weight(scope, "bias") : Value{}});
}

RmsNorm::RmsNorm(const RmsNormOptions& options) : options_(options) {
  if (options.elementwise_affine) declare("weight", options.normalized_shape, 1);
}

std::string RmsNorm::name() const {
  return fmt::format("RmsNorm({})", options_.normalized_shape.to_string());
}

Value RmsNorm::do_write(const Scope& scope, Value x) const {
  const Shape& shape = scope.graph.shape(x);
  const std::size_t axes = options_.normalized_shape.rank();
  if (!ends_with(shape, options_.normalized_shape)) {
    refuse(ErrorCode::invalid_argument, scope, "the input is {}, expected it to end with {}",
           shape.to_string(), options_.normalized_shape.to_string());
  }
  if (axes + 2 > shape.rank()) expect_offline(scope);
  const nn::RmsNorm norm{axes, options_.form, options_.eps};
  if (!options_.elementwise_affine) return scope.graph.apply(norm, {x});
  return scope.graph.apply(norm, {x, weight(scope, "weight")});
}

}  // namespace metalaudio::nn::layers

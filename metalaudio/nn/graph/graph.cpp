#include <metalaudio/core/error.h>
#include <metalaudio/nn/graph/graph.h>

namespace metalaudio::nn {

std::string_view to_string(OperationKind kind) noexcept {
  switch (kind) {
    case OperationKind::input:
      return "input";
    case OperationKind::constant:
      return "constant";
    case OperationKind::conv:
      return "conv";
    case OperationKind::conv_transpose:
      return "conv_transpose";
    case OperationKind::group_norm:
      return "group_norm";
    case OperationKind::layer_norm:
      return "layer_norm";
    case OperationKind::attention:
      return "attention";
    case OperationKind::activation:
      return "activation";
    case OperationKind::add:
      return "add";
    case OperationKind::multiply:
      return "multiply";
    case OperationKind::reshape:
      return "reshape";
    case OperationKind::slice:
      return "slice";
  }
  return "unknown";
}

Value Graph::append(OperationKind kind, std::vector<Value> inputs, Attributes attributes,
                    const Shape& shape) {
  nodes_.push_back({kind, std::move(inputs), attributes, shape, nullptr, label_});
  return {static_cast<int>(nodes_.size()) - 1};
}

void Graph::reject(OperationKind kind, const std::string& reason) const {
  fail(ErrorCode::invalid_argument, "[nn::Graph] {} ({}): {}", to_string(kind), label_, reason);
}

void Graph::check_vector(OperationKind kind, Value value, std::int64_t size,
                         const char* what) const {
  if (shape(value) != Shape{size}) {
    reject(kind, fmt::format("{} is {}, expected [{}]", what, shape(value).to_string(), size));
  }
}

Value Graph::input(std::string name, const Shape& shape) {
  const Value value = append(OperationKind::input, {}, {}, shape);
  inputs_.emplace_back(std::move(name), value);
  return value;
}

Value Graph::constant(Tensor tensor) {
  const Value value = append(OperationKind::constant, {}, {}, tensor.shape());
  nodes_.back().constant = std::make_shared<const Tensor>(std::move(tensor));
  return value;
}

void Graph::output(std::string name, Value value) { outputs_.emplace_back(std::move(name), value); }

Value Graph::conv(Value x, Value weight, Value bias, const ConvAttributes& attributes) {
  const Shape& in = shape(x);
  const Shape& w = shape(weight);
  const Axis& rows = attributes.rows;
  const Axis& positions = attributes.positions;
  if (in.rank() != 3 || w.rank() != 4 || w[1] != rows.kernel || w[2] != positions.kernel ||
      w[3] != in[2]) {
    reject(OperationKind::conv,
           fmt::format("weight {} does not fit input {} and kernel {}x{}", w.to_string(),
                       in.to_string(), rows.kernel, positions.kernel));
  }
  const std::int64_t out_rows = rows.output_extent(in[0]);
  const std::int64_t out_positions = positions.output_extent(in[1]);
  if (out_rows < 1 || out_positions < 1) {
    reject(OperationKind::conv, fmt::format("input {} is smaller than the kernel", in.to_string()));
  }
  check_vector(OperationKind::conv, bias, w[0], "bias");
  return append(OperationKind::conv, {x, weight, bias}, attributes,
                {out_rows, out_positions, w[0]});
}

Value Graph::conv_transpose(Value x, Value weight, Value bias,
                            const ConvTransposeAttributes& attributes) {
  const Shape& in = shape(x);
  const Shape& w = shape(weight);
  const TransposeAxis& rows = attributes.rows;
  const TransposeAxis& positions = attributes.positions;
  const auto fits = [](const TransposeAxis& axis, std::int64_t input) {
    return axis.extent >= 1 && axis.crop >= 0 &&
           axis.crop + axis.extent <= axis.stride * (input - 1) + axis.kernel;
  };
  if (in.rank() != 3 || w.rank() != 4 || w[1] != rows.kernel || w[2] != positions.kernel ||
      w[3] != in[2] || !fits(rows, in[0]) || !fits(positions, in[1])) {
    reject(OperationKind::conv_transpose,
           fmt::format("weight {} does not fit input {} and kernel {}x{}", w.to_string(),
                       in.to_string(), rows.kernel, positions.kernel));
  }
  check_vector(OperationKind::conv_transpose, bias, w[0], "bias");
  return append(OperationKind::conv_transpose, {x, weight, bias}, attributes,
                {rows.extent, positions.extent, w[0]});
}

Value Graph::linear(Value x, Value weight, Value bias) {
  const Shape& w = shape(weight);
  if (w.rank() != 2) reject(OperationKind::conv, "a linear weight has rank 2");
  return conv(x, reshape(weight, {w[0], 1, 1, w[1]}), bias, {});
}

Value Graph::group_norm(Value x, Value gamma, Value beta, const GroupNormAttributes& attributes) {
  const Shape& in = shape(x);
  if (in.rank() != 3 || attributes.groups < 1 || in[2] % attributes.groups != 0) {
    reject(OperationKind::group_norm, fmt::format("{} groups do not divide the channels of {}",
                                                  attributes.groups, in.to_string()));
  }
  check_vector(OperationKind::group_norm, gamma, in[2], "gamma");
  check_vector(OperationKind::group_norm, beta, in[2], "beta");
  return append(OperationKind::group_norm, {x, gamma, beta}, attributes, in);
}

Value Graph::layer_norm(Value x, Value gamma, Value beta, float epsilon) {
  const Shape& in = shape(x);
  if (in.rank() != 3) reject(OperationKind::layer_norm, "expected rank 3");
  check_vector(OperationKind::layer_norm, gamma, in[2], "gamma");
  check_vector(OperationKind::layer_norm, beta, in[2], "beta");
  return append(OperationKind::layer_norm, {x, gamma, beta}, LayerNormAttributes{epsilon}, in);
}

Value Graph::attention(Value q, Value k, Value v, int heads) {
  const Shape& queries = shape(q);
  if (queries.rank() != 3 || queries[0] != 1 || shape(k) != shape(v) || shape(k).rank() != 3 ||
      shape(k)[0] != 1 || shape(k)[2] != queries[2] || heads < 1 || queries[2] % heads != 0) {
    reject(OperationKind::attention,
           fmt::format("q {}, k {}, v {} with {} heads", queries.to_string(), shape(k).to_string(),
                       shape(v).to_string(), heads));
  }
  return append(OperationKind::attention, {q, k, v}, AttentionAttributes{heads}, queries);
}

Value Graph::activation(Value x, Activation activation) {
  const Shape& in = shape(x);
  if (activation != Activation::glu) {
    return append(OperationKind::activation, {x}, ActivationAttributes{activation}, in);
  }
  if (in.rank() != 3 || in[2] % 2 != 0)
    reject(OperationKind::activation, "glu halves the channels");
  return append(OperationKind::activation, {x}, ActivationAttributes{activation},
                {in[0], in[1], in[2] / 2});
}

Value Graph::binary(OperationKind kind, Value a, Value b) {
  const Shape& x = shape(a);
  const Shape& y = shape(b);
  bool fits = x.rank() == 3 && y.rank() == 3 && y[2] == x[2];
  for (std::size_t axis = 0; fits && axis < 2; ++axis) fits = y[axis] == x[axis] || y[axis] == 1;
  if (!fits) reject(kind, fmt::format("{} and {}", x.to_string(), y.to_string()));
  return append(kind, {a, b}, {}, x);
}

Value Graph::add(Value a, Value b) { return binary(OperationKind::add, a, b); }
Value Graph::multiply(Value a, Value b) { return binary(OperationKind::multiply, a, b); }

Value Graph::slice(Value x, std::int64_t first_row, std::int64_t first_position,
                   const Shape& shape) {
  const Shape& in = this->shape(x);
  const bool fits = in.rank() == 3 && shape.rank() == 3 && shape[2] == in[2] && first_row >= 0 &&
                    first_position >= 0 && first_row + shape[0] <= in[0] &&
                    first_position + shape[1] <= in[1];
  if (!fits) {
    reject(OperationKind::slice, fmt::format("{} from row {}, position {} of {}", shape.to_string(),
                                             first_row, first_position, in.to_string()));
  }
  return append(OperationKind::slice, {x}, SliceAttributes{first_row, first_position}, shape);
}

Value Graph::reshape(Value x, const Shape& shape) {
  if (shape.size() != this->shape(x).size()) {
    reject(OperationKind::reshape,
           fmt::format("{} to {}", this->shape(x).to_string(), shape.to_string()));
  }
  return append(OperationKind::reshape, {x}, {}, shape);
}

}  // namespace metalaudio::nn

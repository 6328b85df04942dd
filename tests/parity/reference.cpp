#include "tests/parity/reference.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace metalaudio::nn {

namespace {

using Values = std::vector<double>;

/// A rank-3 value with indices.
struct View {
  const Values& values;
  const Shape& shape;

  double operator()(std::int64_t r, std::int64_t p, std::int64_t c) const {
    return values[static_cast<std::size_t>((r * shape[1] + p) * shape[2] + c)];
  }
  /// Zero outside, as padding.
  double padded(std::int64_t r, std::int64_t p, std::int64_t c) const {
    const bool inside = r >= 0 && r < shape[0] && p >= 0 && p < shape[1];
    return inside ? (*this)(r, p, c) : 0.0;
  }
};

double activate(double x, Activation activation) {
  switch (activation) {
    case Activation::gelu:
      return 0.5 * x * (1.0 + std::erf(x / std::sqrt(2.0)));
    case Activation::relu:
      return std::max(x, 0.0);
    case Activation::sigmoid:
      return 1.0 / (1.0 + std::exp(-x));
    case Activation::tanh:
      return std::tanh(x);
    default:
      return x;
  }
}

class Interpreter {
 public:
  Interpreter(const Graph& graph, const std::map<std::string, Values>& inputs)
      : graph_(graph), values_(graph.nodes().size()) {
    for (const auto& [name, value] : graph.inputs()) at(value) = inputs.at(name);
    for (std::size_t i = 0; i < graph.nodes().size(); ++i) run(Value{static_cast<int>(i)});
  }

  const Values& result(Value value) const { return values_[static_cast<std::size_t>(value.index)]; }

 private:
  Values& at(Value value) { return values_[static_cast<std::size_t>(value.index)]; }
  View view(Value value) { return {at(value), graph_.shape(value)}; }

  /// Fills a value by index.
  template <typename Function>
  void fill(Value value, Function&& function) {
    const Shape& shape = graph_.shape(value);
    Values& out = at(value);
    out.clear();
    for (std::int64_t r = 0; r < shape[0]; ++r) {
      for (std::int64_t p = 0; p < shape[1]; ++p) {
        for (std::int64_t c = 0; c < shape[2]; ++c) out.push_back(function(r, p, c));
      }
    }
  }

  void run(Value value) {
    const Node& node = graph_.node(value);
    switch (node.kind) {
      case OperationKind::input:
        return;
      case OperationKind::constant:
        at(value).assign(node.constant->values().begin(), node.constant->values().end());
        return;
      case OperationKind::reshape:
        at(value) = at(node.inputs[0]);
        return;
      case OperationKind::conv:
        return conv(value, node);
      case OperationKind::conv_transpose:
        return conv_transpose(value, node);
      case OperationKind::group_norm:
        return group_norm(value, node);
      case OperationKind::layer_norm:
        return layer_norm(value, node);
      case OperationKind::attention:
        return attention(value, node);
      case OperationKind::activation:
        return activation(value, node);
      case OperationKind::slice:
        return slice(value, node);
      case OperationKind::add:
      case OperationKind::multiply:
        return binary(value, node);
    }
    throw std::logic_error("no reference for this operation");
  }

  double weight(Value value, std::int64_t out, std::int64_t kr, std::int64_t kp, std::int64_t in) {
    const Shape& s = graph_.shape(value);
    return at(value)[static_cast<std::size_t>(((out * s[1] + kr) * s[2] + kp) * s[3] + in)];
  }

  void conv(Value value, const Node& node) {
    const auto& [rows, positions] = std::get<ConvAttributes>(node.attributes);
    const View x = view(node.inputs[0]);
    fill(value, [&](std::int64_t r, std::int64_t p, std::int64_t n) {
      double sum = at(node.inputs[2])[static_cast<std::size_t>(n)];
      for (std::int64_t i = 0; i < rows.kernel; ++i) {
        for (std::int64_t j = 0; j < positions.kernel; ++j) {
          for (std::int64_t c = 0; c < x.shape[2]; ++c) {
            sum += weight(node.inputs[1], n, i, j, c) *
                   x.padded(r * rows.stride - rows.before + i * rows.dilation,
                            p * positions.stride - positions.before + j * positions.dilation, c);
          }
        }
      }
      return sum;
    });
  }

  void conv_transpose(Value value, const Node& node) {
    const auto& [rows, positions] = std::get<ConvTransposeAttributes>(node.attributes);
    const View x = view(node.inputs[0]);
    const auto source = [](const TransposeAxis& axis, std::int64_t out, std::int64_t tap) {
      const std::int64_t at = out + axis.crop - tap;
      return at >= 0 && at % axis.stride == 0 ? at / axis.stride : -1;
    };
    fill(value, [&](std::int64_t r, std::int64_t p, std::int64_t n) {
      double sum = at(node.inputs[2])[static_cast<std::size_t>(n)];
      for (std::int64_t i = 0; i < rows.kernel; ++i) {
        for (std::int64_t j = 0; j < positions.kernel; ++j) {
          for (std::int64_t c = 0; c < x.shape[2]; ++c) {
            sum += weight(node.inputs[1], n, i, j, c) *
                   x.padded(source(rows, r, i), source(positions, p, j), c);
          }
        }
      }
      return sum;
    });
  }

  void group_norm(Value value, const Node& node) {
    const auto& attributes = std::get<GroupNormAttributes>(node.attributes);
    const View x = view(node.inputs[0]);
    const std::int64_t group = x.shape[2] / attributes.groups;
    const std::int64_t units = attributes.per_row ? x.shape[0] : 1;
    const auto unit_of = [&](std::int64_t r) { return attributes.per_row ? r : 0; };
    const auto cell = [&](std::int64_t r, std::int64_t c) {
      return static_cast<std::size_t>(unit_of(r) * attributes.groups + c / group);
    };
    Values mean(static_cast<std::size_t>(units * attributes.groups));
    Values variance(mean.size());
    const double count = static_cast<double>(graph_.shape(value).size()) / mean.size();
    for (const bool second : {false, true}) {
      for (std::int64_t r = 0; r < x.shape[0]; ++r) {
        for (std::int64_t p = 0; p < x.shape[1]; ++p) {
          for (std::int64_t c = 0; c < x.shape[2]; ++c) {
            const std::size_t i = cell(r, c);
            if (second) {
              variance[i] += (x(r, p, c) - mean[i]) * (x(r, p, c) - mean[i]) / count;
            } else {
              mean[i] += x(r, p, c) / count;
            }
          }
        }
      }
    }
    fill(value, [&](std::int64_t r, std::int64_t p, std::int64_t c) {
      const std::size_t i = cell(r, c);
      const auto channel = static_cast<std::size_t>(c);
      const double unit = (x(r, p, c) - mean[i]) / std::sqrt(variance[i] + attributes.epsilon);
      return unit * at(node.inputs[1])[channel] + at(node.inputs[2])[channel];
    });
  }

  void layer_norm(Value value, const Node& node) {
    const View x = view(node.inputs[0]);
    const double epsilon = std::get<LayerNormAttributes>(node.attributes).epsilon;
    fill(value, [&](std::int64_t r, std::int64_t p, std::int64_t c) {
      double mean = 0;
      double variance = 0;
      const auto count = static_cast<double>(x.shape[2]);
      for (std::int64_t i = 0; i < x.shape[2]; ++i) mean += x(r, p, i) / count;
      for (std::int64_t i = 0; i < x.shape[2]; ++i) {
        variance += (x(r, p, i) - mean) * (x(r, p, i) - mean) / count;
      }
      const auto channel = static_cast<std::size_t>(c);
      return (x(r, p, c) - mean) / std::sqrt(variance + epsilon) * at(node.inputs[1])[channel] +
             at(node.inputs[2])[channel];
    });
  }

  void attention(Value value, const Node& node) {
    const View q = view(node.inputs[0]);
    const View k = view(node.inputs[1]);
    const View v = view(node.inputs[2]);
    const std::int64_t depth = q.shape[2] / std::get<AttentionAttributes>(node.attributes).heads;
    fill(value, [&](std::int64_t, std::int64_t p, std::int64_t c) {
      const std::int64_t first = c / depth * depth;
      Values scores;
      for (std::int64_t key = 0; key < k.shape[1]; ++key) {
        double dot = 0;
        for (std::int64_t i = 0; i < depth; ++i) dot += q(0, p, first + i) * k(0, key, first + i);
        scores.push_back(dot / std::sqrt(static_cast<double>(depth)));
      }
      const double top = *std::max_element(scores.begin(), scores.end());
      double total = 0;
      double sum = 0;
      for (std::int64_t key = 0; key < k.shape[1]; ++key) {
        const double e = std::exp(scores[static_cast<std::size_t>(key)] - top);
        total += e;
        sum += e * v(0, key, c);
      }
      return sum / total;
    });
  }

  void activation(Value value, const Node& node) {
    const Activation kind = std::get<ActivationAttributes>(node.attributes).activation;
    const View x = view(node.inputs[0]);
    const std::int64_t half = graph_.shape(value)[2];
    fill(value, [&](std::int64_t r, std::int64_t p, std::int64_t c) {
      if (kind != Activation::glu) return activate(x(r, p, c), kind);
      return x(r, p, c) * activate(x(r, p, c + half), Activation::sigmoid);
    });
  }

  void slice(Value value, const Node& node) {
    const auto& first = std::get<SliceAttributes>(node.attributes);
    const View x = view(node.inputs[0]);
    fill(value, [&](std::int64_t r, std::int64_t p, std::int64_t c) {
      return x(r + first.row, p + first.position, c);
    });
  }

  void binary(Value value, const Node& node) {
    const View a = view(node.inputs[0]);
    const View b = view(node.inputs[1]);
    fill(value, [&](std::int64_t r, std::int64_t p, std::int64_t c) {
      const double other = b(b.shape[0] == 1 ? 0 : r, b.shape[1] == 1 ? 0 : p, c);
      return node.kind == OperationKind::add ? a(r, p, c) + other : a(r, p, c) * other;
    });
  }

  const Graph& graph_;
  std::vector<Values> values_;
};

}  // namespace

std::map<std::string, std::vector<double>> run_reference(
    const Graph& graph, const std::map<std::string, std::vector<double>>& inputs) {
  const Interpreter interpreter(graph, inputs);
  std::map<std::string, std::vector<double>> outputs;
  for (const auto& [name, value] : graph.outputs()) outputs[name] = interpreter.result(value);
  return outputs;
}

}  // namespace metalaudio::nn

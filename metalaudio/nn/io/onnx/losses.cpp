#include <metalaudio/nn/io/onnx/import_table.h>

#include <numeric>

namespace metalaudio::nn {

namespace {

using Results = std::vector<Value>;
using R = ReduceFunction;

Value over_all(Builder& b, R function, Value x) {
  std::vector<std::size_t> axes(b.rank(x));
  std::iota(axes.begin(), axes.end(), std::size_t{0});
  return b.reduce(function, x, axes, false);
}

/// −x[n][target][d…] · weight[target], 0 where the target is ignored, and what becomes of them all:
/// their mean is weighted. x[N][C][d…], target[N][d…].
Value likelihood_loss(Call& c, Value x) {
  Builder& b = c.b;
  const Shape shape = c.shape(0);
  const Shape of_target = c.shape(1);
  Integers expected = extents_of(shape);
  if (shape.rank() >= 2) expected.erase(expected.begin() + 1);
  if (shape.rank() < 2 || of_target != Shape(expected)) {
    invalid("targets {} for {}", of_target.to_string(), shape.to_string());
  }
  const DataType type = b.type(x);
  Value target = b.cast(c.in(1), DataType::i64);
  Value ignored{};
  if (c.has_attribute("ignore_index")) {
    const Value index =
        b.reshape(b.integers({c.attribute("ignore_index", std::int64_t{0})}), Shape{});
    ignored = b.equal(target, index);
    target = b.where(ignored, b.number(0, DataType::i64), target);
  }
  Integers apart = extents_of(of_target);
  apart.insert(apart.begin() + 1, 1);
  const Value picked = b.apply(GatherElements{1}, {x, b.reshape(target, Shape(apart))});
  Value loss = b.unary(UnaryFunction::negate, b.reshape(picked, of_target));
  Value weight{};
  if (c.has(2)) {
    weight = b.apply(Gather{0}, {c.in(2), target});
    loss = b.multiply(loss, weight);
  } else if (ignored.present()) {
    weight = b.filled(of_target, 1, type);
  }
  if (ignored.present()) {
    loss = b.where(ignored, b.number(0, type), loss);
    weight = b.where(ignored, b.number(0, type), weight);
  }
  const std::string reduction = c.attribute("reduction", "mean");
  if (reduction == "none") return loss;
  if (reduction == "sum") return over_all(b, R::sum, loss);
  if (reduction != "mean") invalid("reduction \"{}\"", reduction);
  if (!weight.present()) return over_all(b, R::mean, loss);
  return b.divide(over_all(b, R::sum, loss), over_all(b, R::sum, weight));
}

Results negative_log_likelihood(Call& c) { return {likelihood_loss(c, c.in(0))}; }

Results softmax_cross_entropy(Call& c) {
  const Value logarithms = c.b.apply(Softmax{1, true}, {c.in(0)});
  return {likelihood_loss(c, logarithms), logarithms};
}

constexpr ImportEntry kEntries[] = {{"NegativeLogLikelihoodLoss", negative_log_likelihood},
                                    {"SoftmaxCrossEntropyLoss", softmax_cross_entropy}};

}  // namespace

std::span<const ImportEntry> loss_imports() { return kEntries; }

}  // namespace metalaudio::nn

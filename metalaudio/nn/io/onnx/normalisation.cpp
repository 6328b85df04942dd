#include <metalaudio/nn/io/onnx/import_table.h>

#include <algorithm>
#include <numeric>

namespace metalaudio::nn {

namespace {

using Results = std::vector<Value>;
using R = ReduceFunction;
using U = UnaryFunction;
using F = BinaryFunction;

std::size_t rank_of_channels(const Call& c) {
  const std::size_t rank = c.shape(0).rank();
  if (rank < 2) invalid("input {}", c.shape(0).to_string());
  return rank;
}

/// The mean of all but the channels, and of the squares of what it leaves.
struct Moments {
  Value mean;
  Value variance;
};
Moments moments_of(Builder& b, Value x, const std::vector<std::size_t>& axes) {
  const Value mean = b.reduce(R::mean, x, axes, true);
  const Value rest = b.subtract(x, mean);
  return {mean, b.reduce(R::mean, b.multiply(rest, rest), axes, true)};
}

Value plus(Builder& b, Value x, double number) { return b.add(x, b.number(number, b.type(x))); }

/// Outside training x · factor + term, which is constant where the statistics are. In training the
/// moments are those of x, and the running ones follow them.
Results batch_normalization(Call& c) {
  Builder& b = c.b;
  const std::size_t rank = rank_of_channels(c);
  const Value x = c.in(0);
  const DataType type = b.type(x);
  const auto along = [&](Value value) { return b.along_axis(b.cast(value, type), 1, rank); };
  const double epsilon = c.attribute("epsilon", 1e-5F);
  for (std::size_t i = 1; i < 5; ++i) {
    if (c.shape(i) != Shape{c.shape(0)[1]}) invalid("input {} is {}", i, c.shape(i).to_string());
  }
  const bool training = c.opset() >= 14 && c.attribute("training_mode", std::int64_t{0}) != 0;
  Value mean = along(c.in(3));
  Value variance = along(c.in(4));
  Results running;
  if (training) {
    std::vector<std::size_t> axes{0};
    for (std::size_t i = 2; i < rank; ++i) axes.push_back(i);
    const Moments now = moments_of(b, x, axes);
    const double momentum = c.attribute("momentum", 0.9F);
    const auto follow = [&](Value old, Value fresh) {
      const Value mixed = b.add(b.scaled(old, momentum), b.scaled(fresh, 1 - momentum));
      return b.reshape(mixed, c.shape(3));
    };
    running = {follow(mean, now.mean), follow(variance, now.variance)};
    mean = now.mean;
    variance = now.variance;
  }
  const Value deviation = b.unary(U::sqrt, plus(b, variance, epsilon));
  const Value factor = b.divide(along(c.in(1)), deviation);
  const Value term = b.subtract(along(c.in(2)), b.multiply(mean, factor));
  Results results{b.add(b.multiply(x, factor), term)};
  results.insert(results.end(), running.begin(), running.end());
  return results;
}

/// GroupNorm of channels last, in float32.
Value group_norm(Call& c, std::int64_t groups, Value gamma, Value beta) {
  Builder& b = c.b;
  const std::size_t rank = c.shape(0).rank();
  const DataType type = c.type(0);
  GroupNorm norm{groups, rank - 2, static_cast<float>(c.attribute("epsilon", 1e-5F)),
                 MomentsAlgorithm::standard};
  const Value x = b.channels_last(b.cast(c.in(0), DataType::f32));
  const Value y = b.apply(norm, {x, b.cast(gamma, DataType::f32), b.cast(beta, DataType::f32)});
  return b.cast(b.channels_first(y), type);
}

Results instance_normalization(Call& c) {
  rank_of_channels(c);
  return {group_norm(c, c.shape(0)[1], c.in(1), c.in(2))};
}

/// Scale and bias of each group in opset 18, of each channel since 21.
Results group_normalization(Call& c) {
  rank_of_channels(c);
  const std::int64_t groups = c.attribute("num_groups", std::int64_t{0});
  const std::int64_t channels = c.shape(0)[1];
  if (groups < 1 || channels % groups != 0) invalid("{} groups of {} channels", groups, channels);
  const auto each = [&](std::size_t i) {
    const Value value = c.in(i);
    if (c.shape(i).size() == channels) return value;
    const Value column = c.b.reshape(value, {groups, 1});
    return c.b.reshape(c.b.expand(column, {groups, channels / groups}), {channels});
  };
  return {group_norm(c, groups, each(1), each(2))};
}

std::vector<std::size_t> axes_from(std::size_t first, std::size_t rank) {
  std::vector<std::size_t> axes(rank - first);
  std::iota(axes.begin(), axes.end(), first);
  return axes;
}

/// A scale as the normalised axes have it.
Value over(Builder& b, Value scale, const Shape& x, std::size_t axis) {
  const Shape wanted(x.extents().subspan(axis));
  if (b.shape(scale) == wanted) return scale;
  if (broadcast(b.shape(scale), wanted) != wanted) {
    invalid("a scale of {} for {}", b.shape(scale).to_string(), wanted.to_string());
  }
  return b.expand(scale, wanted);
}

Results layer_normalization(Call& c) {
  Builder& b = c.b;
  const Shape shape = c.shape(0);
  const std::size_t axis = axis_in(c.attribute("axis", std::int64_t{-1}), shape.rank());
  const double epsilon = c.attribute("epsilon", 1e-5F);
  const DataType type = c.type(0);
  const DataType inside = type == DataType::f64 ? type : DataType::f32;  // stash_type = 1
  const Value x = b.cast(c.in(0), inside);
  const Value gamma = over(b, b.cast(c.in(1), inside), shape, axis);
  const Value beta = c.has(2) ? over(b, b.cast(c.in(2), inside), shape, axis) : Value{};
  if (!c.wants(1) && !c.wants(2) && inside == DataType::f32) {
    const LayerNorm norm{shape.rank() - axis, static_cast<float>(epsilon)};
    return {b.cast(b.apply(norm, {x, gamma, beta}), type)};
  }
  const Moments moments = moments_of(b, x, axes_from(axis, shape.rank()));
  const Value inverse =
      b.unary(U::reciprocal, b.unary(U::sqrt, plus(b, moments.variance, epsilon)));
  Value y = b.multiply(b.multiply(b.subtract(x, moments.mean), inverse), gamma);
  if (beta.present()) y = b.add(y, beta);
  return {b.cast(y, type), moments.mean, inverse};
}

Results rms_normalization(Call& c) {
  Builder& b = c.b;
  const Shape shape = c.shape(0);
  const std::size_t axis = axis_in(c.attribute("axis", std::int64_t{-1}), shape.rank());
  const DataType type = c.type(0);
  const Value gamma = over(b, b.cast(c.in(1), DataType::f32), shape, axis);
  const RmsNorm norm{shape.rank() - axis, RmsForm::mean_square,
                     static_cast<float>(c.attribute("epsilon", 1e-5F))};
  return {b.cast(b.apply(norm, {b.cast(c.in(0), DataType::f32), gamma}), type)};
}

/// (x − mean) / sqrt(variance), of the variance alone; nothing guards the division but 1e-9.
Results mean_variance_normalization(Call& c) {
  Builder& b = c.b;
  const std::size_t rank = c.shape(0).rank();
  const auto axes = axes_in(c.attribute_integers("axes").value_or(Integers{0, 2, 3}), rank);
  const Moments moments = moments_of(b, c.in(0), axes);
  const Value deviation = plus(b, b.unary(U::sqrt, moments.variance), 1e-9);
  return {b.divide(b.subtract(c.in(0), moments.mean), deviation)};
}

Results lp_normalization(Call& c) {
  const std::size_t axis = axis_in(c.attribute("axis", std::int64_t{-1}), c.shape(0).rank());
  const std::int64_t p = c.attribute("p", std::int64_t{2});
  if (p != 1 && p != 2) invalid("p = {}", p);
  const Value norm = c.b.reduce(p == 1 ? R::l1 : R::l2, c.in(0), {axis}, true);
  // Where all values are 0 they stay so.
  const DataType type = c.type(0);
  const Value zero = c.b.equal(norm, c.b.number(0, type));
  return {c.b.divide(c.in(0), c.b.where(zero, c.b.number(1, type), norm))};
}

/// x / (bias + alpha / size · Σ x²)^beta over `size` channels about each.
Results lrn(Call& c) {
  Builder& b = c.b;
  const Shape shape = c.shape(0);
  const std::size_t rank = rank_of_channels(c);
  const std::int64_t size = c.attribute("size", std::int64_t{0});
  if (size < 1 || size > 1024) invalid("size {}", size);
  const DataType type = c.type(0);
  Pad pad{Integers(rank), Integers(rank), PadMode::constant, 0};
  pad.before[1] = (size - 1) / 2;
  pad.after[1] = size - 1 - pad.before[1];
  const Value squares = b.apply(pad, {b.multiply(c.in(0), c.in(0))});
  Value sum = b.slice(squares, 1, 0, shape[1]);
  for (std::int64_t i = 1; i < size; ++i) sum = b.add(sum, b.slice(squares, 1, i, shape[1]));
  const double alpha = c.attribute("alpha", 1e-4F) / static_cast<double>(size);
  const Value base = plus(b, b.scaled(sum, alpha), c.attribute("bias", 1.0));
  const Value power = b.number(c.attribute("beta", 0.75), type);
  return {b.divide(c.in(0), b.binary(F::power, base, power))};
}

constexpr ImportEntry kEntries[] = {
    {"BatchNormalization", batch_normalization},
    {"GroupNormalization", group_normalization},
    {"InstanceNormalization", instance_normalization},
    {"LRN", lrn},
    {"LayerNormalization", layer_normalization},
    {"LpNormalization", lp_normalization},
    {"MeanVarianceNormalization", mean_variance_normalization},
    {"RMSNormalization", rms_normalization},
};

}  // namespace

std::span<const ImportEntry> normalisation_imports() { return kEntries; }

}  // namespace metalaudio::nn

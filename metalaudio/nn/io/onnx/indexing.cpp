#include <metalaudio/nn/io/onnx/import_table.h>

#include <algorithm>
#include <map>
#include <numeric>

namespace metalaudio::nn {

namespace {

using Results = std::vector<Value>;

/// Constant indices that follow one another are a slice.
Results gather(Call& c) {
  const Shape from = c.shape(0);
  const std::size_t axis = axis_in(c.attribute("axis", std::int64_t{0}), from.rank());
  const Value index = c.in(1);
  if (c.b.is_constant(index) && !c.b.is_constant(c.in(0)) && c.shape(1).rank() <= 1 &&
      c.shape(1).size() > 0) {
    const Integers at = integers_of(c.b.tensor(index));
    const std::int64_t first = at[0] < 0 ? at[0] + from[axis] : at[0];
    const auto count = static_cast<std::int64_t>(at.size());
    bool run = first >= 0 && first <= from[axis] - count;
    for (std::size_t i = 1; run && i < at.size(); ++i) {
      run = (at[i] < 0 ? at[i] + from[axis] : at[i]) == first + static_cast<std::int64_t>(i);
    }
    if (run && c.shape(1).rank() == 0) return {c.b.pick(c.in(0), axis, first)};
    if (run) return {c.b.slice(c.in(0), axis, first, count)};
  }
  return {c.b.apply(Gather{static_cast<std::int64_t>(axis)}, {c.in(0), index})};
}

Results gather_elements(Call& c) {
  return {c.b.apply(GatherElements{c.attribute("axis", std::int64_t{0})}, {c.in(0), c.in(1)})};
}

Results gather_nd(Call& c) {
  const std::int64_t batch = c.attribute("batch_dims", std::int64_t{0});
  if (batch < 0) invalid("{} batch axes", batch);
  return {c.b.apply(GatherNd{static_cast<std::size_t>(batch)}, {c.in(0), c.in(1)})};
}

ScatterReduction reduction_of(const Call& c) {
  const std::string name = c.attribute("reduction", "none");
  if (name == "add") return ScatterReduction::add;
  if (name == "mul") return ScatterReduction::multiply;
  if (name == "min") return ScatterReduction::minimum;
  if (name == "max") return ScatterReduction::maximum;
  if (name != "none") invalid("reduction \"{}\"", name);
  return ScatterReduction::none;
}

Results scatter_elements(Call& c) {
  const ScatterElements scatter{c.attribute("axis", std::int64_t{0}), reduction_of(c)};
  return {c.b.apply(scatter, {c.in(0), c.in(1), c.in(2)})};
}

Results scatter_nd(Call& c) {
  return {c.b.apply(ScatterNd{reduction_of(c)}, {c.in(0), c.in(1), c.in(2)})};
}

/// past_cache, update, write_indices: each of the batch from its own place along the axis on.
Results tensor_scatter(Call& c) {
  Builder& b = c.b;
  const Shape cache = c.shape(0);
  const Shape update = c.shape(1);
  const std::size_t axis = axis_in(c.attribute("axis", std::int64_t{-2}), cache.rank());
  const std::string mode = c.attribute("mode", "linear");
  if (axis == 0 || update.rank() != cache.rank() || (mode != "linear" && mode != "circular")) {
    invalid("mode \"{}\", {} into {} along axis {}", mode, update.to_string(), cache.to_string(),
            axis);
  }
  b.check_room(static_cast<double>(update[axis]));
  Integers steps(static_cast<std::size_t>(update[axis]));
  std::iota(steps.begin(), steps.end(), std::int64_t{0});
  Value at = b.along_axis(b.integers(steps), axis, cache.rank());
  if (c.has(2)) at = b.add(at, b.along_axis(b.cast(c.in(2), DataType::i64), 0, cache.rank()));
  if (mode == "circular") {
    at = b.binary(BinaryFunction::modulo, at, b.reshape(b.integers({cache[axis]}), Shape{}));
  }
  const ScatterElements scatter{static_cast<std::int64_t>(axis), ScatterReduction::none};
  return {b.apply(scatter, {c.in(0), b.expand(at, update), c.in(1)})};
}

/// Indices of any type; the depth must be known.
Results one_hot(Call& c) {
  const std::optional<double> depth = c.number(1);
  if (!(*depth >= 0 && *depth < 1e9)) invalid("a depth of {}", *depth);
  const std::int64_t axis = c.attribute("axis", std::int64_t{-1});
  const OneHot one{axis, static_cast<std::int64_t>(*depth)};
  return {c.b.apply(one, {c.b.cast(c.in(0), DataType::i64), c.in(2)})};
}

template <bool maximum>
Results arg_reduce(Call& c) {
  const std::int64_t axis = c.attribute("axis", std::int64_t{0});
  const bool last = c.attribute("select_last_index", std::int64_t{0}) != 0;
  const bool keep = c.attribute("keepdims", std::int64_t{1}) != 0;
  return {c.b.apply(ArgReduce{axis, maximum, last, keep}, {c.in(0)})};
}

Results top_k(Call& c) {
  const std::int64_t k = c.has(1) ? c.needed_integer(1) : c.attribute("k", std::int64_t{0});
  const TopK top{c.attribute("axis", std::int64_t{-1}), k,
                 c.attribute("largest", std::int64_t{1}) != 0,
                 c.attribute("sorted", std::int64_t{1}) != 0};
  return c.b.apply_all(top, {c.in(0)});
}

/// The coordinates of what is not zero: their number must be known.
Results non_zero(Call& c) {
  const Tensor& x = c.constant(0);
  const std::vector<double> values = numbers_of(x);
  const std::size_t rank = x.shape().rank();
  std::vector<Integers> coordinates(rank);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] == 0) continue;
    auto rest = static_cast<std::int64_t>(i);
    for (std::size_t axis = rank; axis-- > 0;) {
      coordinates[axis].push_back(rest % x.shape()[axis]);
      rest /= x.shape()[axis];
    }
  }
  Integers all;
  for (const Integers& one : coordinates) all.insert(all.end(), one.begin(), one.end());
  const auto found = static_cast<std::int64_t>(rank == 0 ? 0 : coordinates[0].size());
  return {c.b.reshape(c.b.integers(all), {static_cast<std::int64_t>(rank), found})};
}

/// The positions along an axis (or of the flattened input) where a constant condition holds.
Results compress(Call& c) {
  Value x = c.in(0);
  std::int64_t axis = 0;
  if (c.has_attribute("axis")) {
    axis =
        static_cast<std::int64_t>(axis_in(c.attribute("axis", std::int64_t{0}), c.shape(0).rank()));
  } else {
    x = c.b.reshape(x, {c.shape(0).size()});
  }
  const std::vector<double> condition = c.needed_numbers(1);
  Integers kept;
  for (std::size_t i = 0; i < condition.size(); ++i) {
    if (condition[i] != 0) kept.push_back(static_cast<std::int64_t>(i));
  }
  return {c.b.apply(Gather{axis}, {x, c.b.integers(kept)})};
}

/// The distinct slices along an axis (or elements) of a constant: their number must be known.
Results unique(Call& c) {
  const Tensor& x = c.constant(0);
  const Shape from = x.shape();
  const bool whole = !c.has_attribute("axis");
  const std::size_t axis = whole ? 0 : axis_in(c.attribute("axis", std::int64_t{0}), from.rank());
  const Shape shape = whole ? Shape{from.size()} : from;
  const std::vector<double> values = numbers_of(x);
  std::int64_t after = 1;
  for (std::size_t i = axis + 1; i < shape.rank(); ++i) after *= shape[i];
  const std::int64_t count = shape[axis];
  std::map<std::vector<double>, std::size_t> seen;
  std::vector<std::vector<double>> distinct;
  Integers first;
  Integers inverse;
  Integers counts;
  for (std::int64_t at = 0; at < count; ++at) {
    std::vector<double> part;
    for (std::int64_t start = at * after; start < shape.size(); start += count * after) {
      const auto from_here = values.begin() + start;
      part.insert(part.end(), from_here, from_here + after);
    }
    const auto [found, is_new] = seen.try_emplace(part, distinct.size());
    if (is_new) {
      distinct.push_back(part);
      first.push_back(at);
      counts.push_back(0);
    }
    inverse.push_back(static_cast<std::int64_t>(found->second));
    ++counts[found->second];
  }
  std::vector<std::size_t> order(distinct.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (c.attribute("sorted", std::int64_t{1}) != 0) {
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return distinct[a] < distinct[b]; });
  }
  std::vector<std::int64_t> rank_of(order.size());
  Integers sorted_first;
  Integers sorted_counts;
  for (std::size_t i = 0; i < order.size(); ++i) {
    rank_of[order[i]] = static_cast<std::int64_t>(i);
    sorted_first.push_back(first[order[i]]);
    sorted_counts.push_back(counts[order[i]]);
  }
  for (std::int64_t& index : inverse) index = rank_of[static_cast<std::size_t>(index)];
  Builder& b = c.b;
  const Value flat = whole ? b.reshape(c.in(0), shape) : c.in(0);
  return {b.apply(Gather{static_cast<std::int64_t>(axis)}, {flat, b.integers(sorted_first)}),
          b.integers(sorted_first), b.integers(inverse), b.integers(sorted_counts)};
}

/// Turns round the first `length` steps of every sequence of the batch.
Results reverse_sequence(Call& c) {
  const Shape shape = c.shape(0);
  const Integers lengths = c.needed_integers(1);
  const std::int64_t batch = c.attribute("batch_axis", std::int64_t{1});
  const std::int64_t time = c.attribute("time_axis", std::int64_t{0});
  if (shape.rank() < 2 || !((batch == 0 && time == 1) || (batch == 1 && time == 0))) {
    invalid("axes {} and {} of {}", batch, time, shape.to_string());
  }
  const std::int64_t sequences = shape[static_cast<std::size_t>(batch)];
  const std::int64_t steps = shape[static_cast<std::size_t>(time)];
  if (static_cast<std::int64_t>(lengths.size()) != sequences) invalid("{} lengths", lengths.size());
  c.b.check_room(static_cast<double>(sequences) * static_cast<double>(steps));
  Integers from;
  for (const std::int64_t length : lengths) {
    if (length < 0 || length > steps) invalid("a length of {}", length);
    for (std::int64_t t = 0; t < steps; ++t) from.push_back(t < length ? length - 1 - t : t);
  }
  std::vector<std::size_t> order(shape.rank());
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (batch == 1) std::swap(order[0], order[1]);
  Builder& b = c.b;
  const Value index = b.reshape(b.integers(from), {sequences, steps, 1});
  const Value turned = b.apply(GatherNd{1}, {b.transpose(c.in(0), order), index});
  return {b.transpose(turned, order)};
}

constexpr ImportEntry kEntries[] = {
    {"ArgMax", arg_reduce<true>},
    {"ArgMin", arg_reduce<false>},
    {"Compress", compress},
    {"Gather", gather},
    {"GatherElements", gather_elements},
    {"GatherND", gather_nd},
    {"NonZero", non_zero},
    {"OneHot", one_hot},
    {"ReverseSequence", reverse_sequence},
    {"Scatter", scatter_elements},
    {"ScatterElements", scatter_elements},
    {"ScatterND", scatter_nd},
    {"TensorScatter", tensor_scatter},
    {"TopK", top_k},
    {"Unique", unique},
};

}  // namespace

std::span<const ImportEntry> indexing_imports() { return kEntries; }

}  // namespace metalaudio::nn

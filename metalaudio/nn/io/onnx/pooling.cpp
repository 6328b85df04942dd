#include <metalaudio/nn/io/onnx/import_table.h>
#include <metalaudio/nn/io/onnx/windows.h>

#include <algorithm>

namespace metalaudio::nn {

namespace {

using Results = std::vector<Value>;

/// The room past the end that the last window of ceil_mode reaches into; a window that would begin
/// in it is left out.
std::int64_t room_of_ceil(const SlidingAxis& axis, std::int64_t input) {
  const std::int64_t reach = axis.dilation * (axis.kernel - 1) + 1;
  const std::int64_t span = input + axis.before + axis.after - reach;
  if (span < 0) return 0;
  std::int64_t count = (span + axis.stride - 1) / axis.stride + 1;
  if ((count - 1) * axis.stride >= input + axis.before) --count;
  return std::max(std::int64_t{0}, (count - 1) * axis.stride - span);
}

Pool pool_of(const Call& c, PoolFunction function) {
  const Windows windows = windows_of(c, c.shape(0), {});
  Pool pool{function, windows.axes, false, 2, false, {}};
  pool.count_padding = c.attribute("count_include_pad", std::int64_t{0}) != 0;
  pool.p = c.attribute("p", std::int64_t{2});
  if (c.attribute("ceil_mode", std::int64_t{0}) != 0) {
    for (std::size_t i = 0; i < pool.axes.size(); ++i) {
      pool.uncounted_after.push_back(room_of_ceil(pool.axes[i], c.shape(0)[i + 2]));
    }
  }
  return pool;
}

Results pool(Call& c, PoolFunction function) {
  const Value last = c.b.channels_last(c.in(0));
  return {c.b.channels_first(c.b.apply(pool_of(c, function), {last}))};
}

/// Positions along the axes, [N][C][…], as positions in the whole tensor; column_major counts the
/// axes the other way round.
Value whole_positions(Builder& b, Value positions, const Shape& input, bool column_major) {
  const std::size_t rank = input.rank();
  const auto number = [&](std::int64_t value) {
    return b.number(static_cast<double>(value), DataType::i64);
  };
  std::int64_t plane = 1;
  for (std::size_t i = 2; i < rank; ++i) plane *= input[i];
  if (column_major) {
    Value rest = positions;
    std::vector<Value> digits(rank);
    for (std::size_t axis = rank; axis-- > 2;) {
      digits[axis] = b.binary(BinaryFunction::modulo, rest, number(input[axis]));
      rest = b.divide(rest, number(input[axis]));
    }
    Value sum = digits[rank - 1];
    for (std::size_t axis = rank - 1; axis-- > 2;) {
      sum = b.add(b.multiply(sum, number(input[axis])), digits[axis]);
    }
    positions = sum;
  }
  b.check_room(static_cast<double>(input[0]) * static_cast<double>(input[1]));
  Integers starts;
  for (std::int64_t i = 0; i < input[0] * input[1]; ++i) starts.push_back(i * plane);
  Integers extents(rank, 1);
  extents[0] = input[0];
  extents[1] = input[1];
  return b.add(positions, b.reshape(b.integers(starts), Shape(extents)));
}

Results max_pool(Call& c) {
  if (!c.wants(1)) return pool(c, PoolFunction::maximum);
  Pool pool = pool_of(c, PoolFunction::maximum);
  pool.indices = true;
  const Shape input = c.shape(0);
  const std::vector<Value> results = c.b.apply_all(pool, {c.b.channels_last(c.in(0))});
  const bool column_major = c.attribute("storage_order", std::int64_t{0}) != 0;
  return {c.b.channels_first(results[0]),
          whole_positions(c.b, c.b.channels_first(results[1]), input, column_major)};
}

Results average_pool(Call& c) { return pool(c, PoolFunction::average); }
Results lp_pool(Call& c) { return pool(c, PoolFunction::lp); }

std::vector<std::size_t> space_of(const Call& c) {
  if (c.shape(0).rank() < 2) invalid("input {}", c.shape(0).to_string());
  std::vector<std::size_t> axes;
  for (std::size_t i = 2; i < c.shape(0).rank(); ++i) axes.push_back(i);
  return axes;
}

template <ReduceFunction function>
Results global(Call& c) {
  return {c.b.reduce(function, c.in(0), space_of(c), true)};
}

Results global_lp(Call& c) {
  const std::int64_t p = c.attribute("p", std::int64_t{2});
  if (p == 1) return global<ReduceFunction::l1>(c);
  if (p == 2) return global<ReduceFunction::l2>(c);
  const DataType type = c.type(0);
  const auto power = [&](Value x, double exponent) {
    return c.b.binary(BinaryFunction::power, x, c.b.number(exponent, type));
  };
  const Value raised = power(c.b.unary(UnaryFunction::absolute, c.in(0)), static_cast<double>(p));
  return {power(c.b.reduce(ReduceFunction::sum, raised, space_of(c), true),
                1.0 / static_cast<double>(p))};
}

/// Puts each value where its maximum stood, and zeros elsewhere. The indices count in the shape
/// that the attributes give; a larger output has zeros at the ends of its axes.
Results max_unpool(Call& c) {
  const Shape in = c.shape(0);
  Integers extents = extents_of(in);
  const Windows windows = windows_of(c, in, {});
  for (std::size_t i = 0; i < windows.axes.size(); ++i) {
    const SlidingAxis& axis = windows.axes[i];
    extents[i + 2] = (in[i + 2] - 1) * axis.stride + axis.kernel - axis.before - axis.after;
  }
  const Shape natural(extents);
  Builder& b = c.b;
  const auto flat = [&](Value x) { return b.reshape(x, {b.shape(x).size()}); };
  const Value zeros = b.filled({natural.size()}, 0, c.type(0));
  const ScatterElements scatter{0, ScatterReduction::none};
  const Value put = b.apply(scatter, {zeros, flat(c.in(1)), flat(c.in(0))});
  const Value y = b.reshape(put, natural);
  const Shape wanted = c.has(2) ? Shape(c.needed_integers(2)) : natural;
  if (wanted == natural) return {y};
  if (wanted.rank() != natural.rank()) invalid("an output of {}", wanted.to_string());
  Pad pad{Integers(in.rank()), Integers(in.rank()), PadMode::constant, 0};
  for (std::size_t i = 0; i < in.rank(); ++i) pad.after[i] = wanted[i] - natural[i];
  return {b.apply(pad, {y})};
}

/// The sum of overlapping blocks: torch.nn.Fold. x[N][C · block…][positions] -> [N][C][image…].
Results col2im(Call& c) {
  Builder& b = c.b;
  const Shape in = c.shape(0);
  const Integers image = c.needed_integers(1);
  const Integers block = c.needed_integers(2);
  const std::size_t axes = image.size();
  const auto list = [&](const char* name, std::size_t size, std::int64_t otherwise) {
    const Integers given = c.attribute_integers(name).value_or(Integers(size, otherwise));
    if (given.size() != size) invalid("{} {} for {} axes", given.size(), name, axes);
    return given;
  };
  const Integers dilations = list("dilations", axes, 1);
  const Integers strides = list("strides", axes, 1);
  const Integers pads = list("pads", 2 * axes, 0);
  if (in.rank() != 3 || axes < 1 || block.size() != axes)
    invalid("blocks of {} axes", block.size());
  // Where each value of a block lands in the padded image, block position by block position.
  std::int64_t size = 1;
  Integers padded;
  Integers places;
  Integers taps{0};
  Integers positions{0};
  std::int64_t taps_count = 1;
  for (std::size_t i = 0; i < axes; ++i) {
    const SlidingAxis axis{block[i], strides[i], dilations[i], pads[i], pads[i + axes]};
    constexpr std::int64_t kMost = std::int64_t{1} << 31;
    const std::int64_t greatest = std::max({axis.before, axis.after, axis.stride, image[i]});
    if (!axis.sound() || axis.before < 0 || axis.after < 0 || image[i] < 0 || greatest > kMost)
      invalid("a block of {} in an image of {}", block[i], image[i]);
    const std::int64_t extent = image[i] + axis.before + axis.after;
    const std::int64_t count = axis.output_extent(image[i]);
    if (count < 1 || count > in.size() / block[i]) invalid("an image of {}", image[i]);
    const auto room = [&](std::size_t so_far, std::int64_t more) {
      b.check_room(static_cast<double>(so_far) * static_cast<double>(more));
    };
    room(taps.size(), block[i]);
    room(positions.size(), count);
    room(static_cast<std::size_t>(size), extent);
    size *= extent;
    const auto extend = [&](const Integers& from, std::int64_t steps, std::int64_t width) {
      Integers to;
      for (const std::int64_t at : from) {
        for (std::int64_t k = 0; k < steps; ++k) to.push_back(at * extent + k * width);
      }
      return to;
    };
    taps = extend(taps, block[i], axis.dilation);
    positions = extend(positions, count, axis.stride);
    padded.push_back(extent);
    taps_count *= block[i];
  }
  if (taps_count < 1 || in[1] % taps_count != 0 ||
      in[2] != static_cast<std::int64_t>(positions.size())) {
    invalid("{} for {} blocks of {}", in.to_string(), positions.size(), taps_count);
  }
  b.check_room(static_cast<double>(taps.size()) * static_cast<double>(positions.size()));
  for (const std::int64_t tap : taps) {
    for (const std::int64_t position : positions) places.push_back(tap + position);
  }
  const std::int64_t lines = in[0] * (in[1] / taps_count);
  const auto count = static_cast<std::int64_t>(places.size());
  const Value updates = b.transpose(b.reshape(c.in(0), {lines, count}), {1, 0});
  const Value zeros = b.filled({size, lines}, 0, c.type(0));
  const Value index = b.reshape(b.integers(places), {count, 1});
  const Value sum = b.apply(ScatterNd{ScatterReduction::add}, {zeros, index, updates});
  padded.insert(padded.begin(), {in[0], in[1] / taps_count});
  Value y = b.reshape(b.transpose(sum, {1, 0}), Shape(padded));
  for (std::size_t i = 0; i < axes; ++i) y = b.slice(y, i + 2, pads[i], image[i]);
  return {y};
}

constexpr ImportEntry kEntries[] = {
    {"AveragePool", average_pool},
    {"Col2Im", col2im},
    {"GlobalAveragePool", global<ReduceFunction::mean>},
    {"GlobalLpPool", global_lp},
    {"GlobalMaxPool", global<ReduceFunction::maximum>},
    {"LpPool", lp_pool},
    {"MaxPool", max_pool},
    {"MaxUnpool", max_unpool},
};

}  // namespace

std::span<const ImportEntry> pooling_imports() { return kEntries; }

}  // namespace metalaudio::nn

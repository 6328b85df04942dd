#include <metalaudio/nn/io/onnx/import_table.h>
#include <metalaudio/nn/io/onnx/windows.h>

#include <algorithm>
#include <numeric>

namespace metalaudio::nn {

namespace {

using Results = std::vector<Value>;
using U = UnaryFunction;
using F = BinaryFunction;

enum class Padding { zeros, border, reflection };

/// Between the ends of one axis, for positions and indices beyond them.
struct Ends {
  std::int64_t extent;
  double least;  ///< where a reflection turns
  double most;
};

/// A number of the value's own type beside it.
struct Numbers {
  Builder& b;
  Value number(double value, Value x) const { return b.number(value, b.type(x)); }
  Value plus(Value x, double value) const { return b.add(x, number(value, x)); }
  Value times(Value x, double value) const { return b.multiply(x, number(value, x)); }
};

/// To and fro between the ends until it lies within.
Value reflected(Builder& b, Value x, const Ends& ends) {
  const Numbers n{b};
  const double range = ends.most - ends.least;
  if (range <= 0) return n.times(x, 0);
  const Value from = b.unary(U::absolute, n.plus(x, -ends.least));
  const Value turns = b.unary(U::floor, n.times(from, 1 / range));
  const Value rest = b.subtract(from, n.times(turns, range));
  const Value odd = b.equal(b.binary(F::modulo, turns, n.number(2, x)), n.number(1, x));
  return n.plus(b.where(odd, b.subtract(n.number(range, x), rest), rest), ends.least);
}

/// One neighbour along one axis: its index in range, and what it weighs.
struct Tap {
  Value index;
  Value weight;
};

Tap tap_at(Builder& b, Value at, Value weight, Padding padding, const Ends& ends) {
  const auto last = static_cast<double>(ends.extent - 1);
  if (padding == Padding::reflection) at = b.unary(U::round, reflected(b, at, ends));
  const Value held = b.unary(U::clip, at, 0, last);
  if (padding == Padding::zeros) {
    weight = b.where(b.equal(held, at), weight, b.number(0, b.type(weight)));
  }
  return {b.cast(held, DataType::i64), weight};
}

/// Keys' cubic convolution with a = −0.75 at a distance of up to 2.
Value cubic_weight(Builder& b, Value distance, bool near) {
  constexpr double kA = -0.75;
  const Numbers n{b};
  const auto horner = [&](double third, double second, double first, double constant) {
    Value y = n.plus(n.times(distance, third), second);
    y = n.plus(b.multiply(y, distance), first);
    return n.plus(b.multiply(y, distance), constant);
  };
  return near ? horner(kA + 2, -(kA + 3), 0, 1) : horner(kA, -5 * kA, 8 * kA, -4 * kA);
}

std::vector<Tap> taps_of(Builder& b, Value x, const std::string& mode, Padding padding,
                         const Ends& ends) {
  const Numbers n{b};
  const auto tap = [&](Value at, Value weight) { return tap_at(b, at, weight, padding, ends); };
  if (mode == "nearest") return {tap(x, n.plus(n.times(x, 0), 1))};
  const Value floor = b.unary(U::floor, x);
  const Value fraction = b.subtract(x, floor);
  const Value rest = b.subtract(n.number(1, x), fraction);
  if (mode == "linear") return {tap(floor, rest), tap(n.plus(floor, 1), fraction)};
  return {tap(n.plus(floor, -1), cubic_weight(b, n.plus(fraction, 1), false)),
          tap(floor, cubic_weight(b, fraction, true)),
          tap(n.plus(floor, 1), cubic_weight(b, rest, true)),
          tap(n.plus(floor, 2), cubic_weight(b, n.plus(rest, 1), false))};
}

/// x[N][C][d…] at positions[N][P] along each d -> [N][C][P]: every tap of every axis.
Value sampled(Builder& b, Value x, const std::vector<std::vector<Tap>>& axes) {
  const Shape shape = b.shape(x);
  std::int64_t pixels = 1;
  for (std::size_t i = 2; i < shape.rank(); ++i) pixels *= shape[i];
  const Value rows = b.channels_last(b.reshape(x, {shape[0], shape[1], pixels}));
  std::vector<Tap> all{{b.integers({0}), b.number(1, b.type(x))}};
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    std::vector<Tap> more;
    for (const Tap& before : all) {
      for (const Tap& tap : axes[axis]) {
        const Value width = b.integers({shape[axis + 2]});
        more.push_back({b.add(b.multiply(before.index, width), tap.index),
                        b.multiply(before.weight, tap.weight)});
      }
    }
    all = std::move(more);
  }
  Value sum{};
  for (const Tap& tap : all) {
    const Shape places = b.shape(tap.index);
    const Shape apart{places[0], places[1], 1};
    const Value found = b.apply(GatherNd{1}, {rows, b.reshape(tap.index, apart)});
    const Value part = b.multiply(found, b.reshape(tap.weight, apart));
    sum = sum.present() ? b.add(sum, part) : part;
  }
  return b.channels_first(sum);
}

/// X[N][C][d…], grid[N][o…][axes], the last axis of X first in it.
Results grid_sample(Call& c) {
  Builder& b = c.b;
  const Numbers n{b};
  const Shape in = c.shape(0);
  const Shape grid = c.shape(1);
  const std::size_t axes = in.rank() < 3 ? 0 : in.rank() - 2;
  if (axes == 0 || grid.rank() != in.rank() || grid[0] != in[0] ||
      grid.back() != static_cast<std::int64_t>(axes)) {
    invalid("a grid of {} for {}", grid.to_string(), in.to_string());
  }
  std::string mode = c.attribute("mode", "linear");
  if (mode == "bilinear") mode = "linear";
  if (mode == "bicubic") mode = "cubic";
  const std::string outside = c.attribute("padding_mode", "zeros");
  if ((mode != "linear" && mode != "nearest" && mode != "cubic") ||
      (outside != "zeros" && outside != "border" && outside != "reflection")) {
    invalid("mode \"{}\", padding_mode \"{}\"", mode, outside);
  }
  const Padding padding = outside == "zeros"    ? Padding::zeros
                          : outside == "border" ? Padding::border
                                                : Padding::reflection;
  const bool corners = c.attribute("align_corners", std::int64_t{0}) != 0;
  const DataType type =
      c.type(0) == DataType::f64 || c.type(1) == DataType::f64 ? DataType::f64 : DataType::f32;
  Integers to{in[0], in[1]};
  std::int64_t places = 1;
  for (std::size_t i = 1; i + 1 < grid.rank(); ++i) {
    to.push_back(grid[i]);
    places *= grid[i];
  }
  if (in.size() == 0) unsupported("samples of {}", in.to_string());
  const Value flat =
      b.reshape(b.cast(c.in(1), type), {grid[0], places, static_cast<std::int64_t>(axes)});
  std::vector<std::vector<Tap>> taps;
  for (std::size_t axis = 0; axis < axes; ++axis) {
    const auto extent = static_cast<double>(in[axis + 2]);
    const Ends ends{in[axis + 2], corners ? 0 : -0.5, corners ? extent - 1 : extent - 0.5};
    const Value given = b.pick(flat, 2, static_cast<std::int64_t>(axes - 1 - axis));
    const Value from_start = n.times(n.plus(given, 1), 0.5);
    Value x = corners ? n.times(from_start, extent - 1) : n.plus(n.times(from_start, extent), -0.5);
    if (mode == "nearest") x = b.unary(U::round, x);
    if (padding == Padding::border) {  // between an end and the middle of its pixel it stays
      const Value within = b.equal(b.unary(U::clip, x, ends.least, ends.most), x);
      x = b.where(within, x, b.unary(U::clip, x, 0, extent - 1));
    }
    if (padding == Padding::reflection) x = reflected(b, x, ends);
    taps.push_back(taps_of(b, x, mode, padding, ends));
  }
  return {b.cast(b.reshape(sampled(b, b.cast(c.in(0), type), taps), Shape(to)), c.type(0))};
}

/// theta[N][2][3] or [N][3][4], size -> where each place of that size comes from.
Results affine_grid(Call& c) {
  Builder& b = c.b;
  const Integers size = c.needed_integers(1);
  const Shape theta = c.shape(0);
  const std::size_t axes = size.size() < 4 ? 0 : size.size() - 2;
  const auto count = static_cast<std::int64_t>(axes);
  if (axes < 2 || axes > 3 || theta != Shape{size[0], count, count + 1}) {
    invalid("theta {} for [{}]", theta.to_string(), fmt::join(size, ", "));
  }
  const bool corners = c.attribute("align_corners", std::int64_t{0}) != 0;
  Integers to(size.begin() + 2, size.end());
  std::int64_t places = 1;
  for (const std::int64_t extent : to) {
    if (extent < 0 || extent > 1 << 20) invalid("an extent of {}", extent);
    places *= extent;
  }
  b.check_room(static_cast<double>(places) * static_cast<double>(count + 1));
  std::vector<double> base;
  for (std::int64_t place = 0; place < places; ++place) {
    std::int64_t rest = place;
    for (std::size_t i = axes; i-- > 0;) {  // x first: the last axis
      const auto at = static_cast<double>(rest % to[i]);
      const auto extent = static_cast<double>(to[i]);
      base.push_back(!corners      ? (2 * at + 1) / extent - 1
                     : extent == 1 ? 0
                                   : 2 * at / (extent - 1) - 1);
      rest /= to[i];
    }
    base.push_back(1);
  }
  const Value grid = b.floats(base, {places, count + 1}, c.type(0));
  to.insert(to.begin(), size[0]);
  to.push_back(count);
  return {b.reshape(b.matmul(grid, b.swap_last_two(c.in(0))), Shape(to))};
}

/// X[N][C][d…], W[M][C / group][k…], offset[N][offset groups · k… · axes][o…], B, mask: where each
/// weight of the kernel reads is moved by the offset.
Results deform_conv(Call& c) {
  Builder& b = c.b;
  const Shape in = c.shape(0);
  const Shape w = c.shape(1);
  const std::int64_t groups = c.attribute("group", std::int64_t{1});
  const std::int64_t parts = c.attribute("offset_group", std::int64_t{1});
  if (w.rank() != in.rank() || groups < 1 || parts < 1 || in[1] % parts != 0 ||
      w[1] * groups != in[1] || w[0] % groups != 0) {
    invalid("weight {} for {}", w.to_string(), in.to_string());
  }
  const Windows windows = windows_of(c, in, Integers(w.extents().begin() + 2, w.extents().end()));
  const std::size_t axes = windows.axes.size();
  std::int64_t kernel = 1;
  std::int64_t places = 1;
  Integers to{in[0], w[0]};
  for (std::size_t i = 0; i < axes; ++i) {
    kernel *= windows.axes[i].kernel;
    to.push_back(windows.axes[i].output_extent(in[i + 2]));
    b.check_room(static_cast<double>(places) * static_cast<double>(to.back()) *
                 static_cast<double>(kernel));
    places *= to.back();
  }
  if (in.size() == 0 || places == 0) unsupported("{}", in.to_string());
  const std::int64_t batch = in[0] * parts;
  const auto count = static_cast<std::int64_t>(axes);
  if (c.shape(2).size() != batch * kernel * count * places) {
    invalid("offsets {}", c.shape(2).to_string());
  }
  const Value offsets = b.reshape(c.in(2), {batch, kernel, count, places});
  std::vector<std::vector<Tap>> taps;
  std::int64_t kernel_after = kernel;
  std::int64_t places_after = places;
  for (std::size_t i = 0; i < axes; ++i) {
    const SlidingAxis& axis = windows.axes[i];
    kernel_after /= axis.kernel;
    places_after /= to[i + 2];
    std::vector<double> starts;
    for (std::int64_t k = 0; k < kernel; ++k) {
      for (std::int64_t place = 0; place < places; ++place) {
        const std::int64_t out = place / places_after % to[i + 2];
        const std::int64_t tap = k / kernel_after % axis.kernel;
        starts.push_back(
            static_cast<double>(out * axis.stride + tap * axis.dilation - axis.before));
      }
    }
    const Value start = b.floats(starts, {1, kernel, places}, c.type(0));
    const Value moved = b.add(b.pick(offsets, 2, static_cast<std::int64_t>(i)), start);
    taps.push_back(taps_of(b, b.reshape(moved, {batch, kernel * places}), "linear", Padding::zeros,
                           {in[i + 2], 0, 0}));
  }
  Integers grouped = extents_of(in);
  grouped[0] = batch;
  grouped[1] = in[1] / parts;
  Value read = sampled(b, b.reshape(c.in(0), Shape(grouped)), taps);
  if (c.has(4)) read = b.multiply(read, b.reshape(c.in(4), {batch, 1, kernel * places}));
  read = b.reshape(read, {in[0], groups, w[1] * kernel, places});
  const Value weight = b.reshape(c.in(1), {1, groups, w[0] / groups, w[1] * kernel});
  Value y = b.reshape(b.matmul(weight, read), Shape(to));
  if (c.has(3)) y = b.add(y, b.along_axis(c.in(3), 1, in.rank()));
  return {y};
}

constexpr ImportEntry kEntries[] = {
    {"AffineGrid", affine_grid}, {"DeformConv", deform_conv}, {"GridSample", grid_sample}};

}  // namespace

std::span<const ImportEntry> sampling_imports() { return kEntries; }

}  // namespace metalaudio::nn

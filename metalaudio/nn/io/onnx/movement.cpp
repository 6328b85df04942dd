#include <metalaudio/nn/io/onnx/import_table.h>

#include <algorithm>
#include <numeric>

namespace metalaudio::nn {

namespace {

using Results = std::vector<Value>;

constexpr std::int64_t kMostBlock = 1 << 15;  // its square times an axis stays in 64 bits

/// 0 keeps an extent, unless allowzero; one -1 takes what is left.
Results reshape(Call& c) {
  const Shape from = c.shape(0);
  const auto given = c.axes(1, "shape");
  if (!given) invalid("no shape");
  Integers to = *given;
  const bool zero = c.attribute("allowzero", std::int64_t{0}) != 0;
  std::int64_t known = 1;
  std::optional<std::size_t> free;
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (to[i] == 0 && !zero) {
      if (i >= from.rank()) invalid("axis {} of {} kept", i, from.to_string());
      to[i] = from[i];
    }
    if (to[i] < -1 || (to[i] == -1 && free)) invalid("extents {}", fmt::join(*given, ", "));
    if (to[i] == -1) {
      free = i;
    } else if (__builtin_mul_overflow(known, to[i], &known)) {
      invalid("extents {}", fmt::join(*given, ", "));
    }
  }
  if (free) {
    if (known == 0 ? from.size() != 0 : from.size() % known != 0) {
      invalid("{} to extents {}", from.to_string(), fmt::join(*given, ", "));
    }
    to[*free] = known == 0 ? 0 : from.size() / known;
  }
  return {c.b.reshape(c.in(0), Shape(to))};
}

Results flatten(Call& c) {
  const Shape from = c.shape(0);
  const std::int64_t given = c.attribute("axis", std::int64_t{1});
  const auto rank = static_cast<std::int64_t>(from.rank());
  if (given < -rank || given > rank) invalid("axis {} of {}", given, from.to_string());
  const std::int64_t axis = given < 0 ? given + rank : given;
  Integers sizes{1, 1};
  for (std::int64_t i = 0; i < rank; ++i)
    sizes[i < axis ? 0 : 1] *= from[static_cast<std::size_t>(i)];
  return {c.b.reshape(c.in(0), Shape(sizes))};
}

Results squeeze(Call& c) {
  const Shape from = c.shape(0);
  const std::optional<Integers> given = c.axes(1, "axes");
  std::vector<bool> gone(from.rank());
  if (given) {
    for (const std::size_t axis : axes_in(*given, from.rank())) {
      if (from[axis] != 1) invalid("axis {} of {} is not 1", axis, from.to_string());
      gone[axis] = true;
    }
  }
  Integers to;
  for (std::size_t i = 0; i < from.rank(); ++i) {
    if (!(given ? gone[i] : from[i] == 1)) to.push_back(from[i]);
  }
  return {c.b.reshape(c.in(0), Shape(to))};
}

Results unsqueeze(Call& c) {
  const std::optional<Integers> given = c.axes(1, "axes");
  if (!given) invalid("no axes");
  const Shape from = c.shape(0);
  const std::size_t rank = from.rank() + given->size();
  Integers to(rank, -1);
  for (const std::size_t axis : axes_in(*given, rank)) to[axis] = 1;
  std::size_t next = 0;
  for (std::int64_t& extent : to) {
    if (extent < 0) extent = from[next++];
  }
  return {c.b.reshape(c.in(0), Shape(to))};
}

Results transpose(Call& c) {
  const std::size_t rank = c.shape(0).rank();
  std::vector<std::size_t> order;
  if (const auto given = c.attribute_integers("perm")) {
    if (axes_in(*given, rank).size() != rank) invalid("an order of {} axes", given->size());
    for (const std::int64_t axis : *given) order.push_back(axis_in(axis, rank));
  } else {
    for (std::size_t i = rank; i-- > 0;) order.push_back(i);
  }
  return {c.b.transpose(c.in(0), order)};
}

Results concat(Call& c) {
  const std::size_t rank = c.shape(0).rank();
  const std::size_t axis = axis_in(c.attribute("axis", std::int64_t{1}), rank);
  std::vector<Value> parts;
  for (std::size_t i = 0; i < c.size(); ++i) parts.push_back(c.in(i));
  return {c.b.concat(parts, axis)};
}

/// Sizes as attribute (2, 11) or input (13), or as many equal parts as there are outputs, the last
/// one smaller (18).
Results split(Call& c) {
  const std::size_t axis = axis_in(c.attribute("axis", std::int64_t{0}), c.shape(0).rank());
  const std::int64_t extent = c.shape(0)[axis];
  std::optional<Integers> sizes = c.axes(1, "split");
  if (!sizes) {
    const auto parts = c.attribute("num_outputs", static_cast<std::int64_t>(c.outputs()));
    if (parts < 1 || parts > static_cast<std::int64_t>(c.outputs())) invalid("{} parts", parts);
    const std::int64_t each = (extent + parts - 1) / parts;
    sizes.emplace();
    for (std::int64_t i = 0; i < parts; ++i) {
      sizes->push_back(std::clamp(extent - i * each, std::int64_t{0}, each));
    }
  }
  std::int64_t sum = 0;
  for (const std::int64_t size : *sizes) {
    if (size < 0 || __builtin_add_overflow(sum, size, &sum)) invalid("a part of {}", size);
  }
  if (sum != extent) invalid("parts of {} together, the axis has {}", sum, extent);
  Results results;
  std::int64_t start = 0;
  for (const std::int64_t size : *sizes) {
    results.push_back(c.b.slice(c.in(0), axis, start, size));
    start += size;
  }
  return results;
}

/// numpy's x[start:end:step] along the axes that are named; attributes before opset 10.
Results slice(Call& c) {
  const Shape from = c.shape(0);
  const std::optional<Integers> starts = c.axes(1, "starts");
  const std::optional<Integers> ends = c.axes(2, "ends");
  if (!starts || !ends || starts->size() != ends->size()) invalid("starts and ends do not match");
  std::optional<Integers> axes = c.axes(3, "axes");
  if (!axes) {
    axes.emplace(starts->size());
    std::iota(axes->begin(), axes->end(), std::int64_t{0});
  }
  const Integers steps = c.integers(4).value_or(Integers(starts->size(), 1));
  if (axes->size() != starts->size() || steps.size() != starts->size()) {
    invalid("{} starts, {} axes, {} steps", starts->size(), axes->size(), steps.size());
  }
  axes_in(*axes, from.rank());
  Slice slice{Integers(from.rank()), {}, Integers(from.rank(), 1)};
  Integers extents = extents_of(from);
  for (std::size_t i = 0; i < starts->size(); ++i) {
    const std::size_t axis = axis_in((*axes)[i], from.rank());
    const std::int64_t n = from[axis];
    const std::int64_t step = steps[i];
    if (step == 0) invalid("a step of 0");
    // Backwards a start before the first element is the first one; NumPy takes nothing there.
    const std::int64_t high = step > 0 ? n : n - 1;
    const auto place = [&](std::int64_t at, std::int64_t low) {
      return std::clamp(at < 0 ? at + n : at, std::min(low, high), high);
    };
    const std::int64_t start = place((*starts)[i], 0);
    const std::int64_t end = place((*ends)[i], step > 0 ? 0 : -1);
    const std::int64_t span = step > 0 ? end - start : start - end;
    const std::int64_t stride = std::min(step > 0 ? step : -std::max(step, -n - 1), n + 1);
    extents[axis] = span <= 0 ? 0 : (span + stride - 1) / stride;
    slice.starts[axis] = extents[axis] == 0 ? 0 : start;
    slice.steps[axis] = extents[axis] <= 1 ? 1 : step > 0 ? stride : -stride;
  }
  slice.shape = Shape(extents);
  if (slice.shape == from && std::all_of(slice.steps.begin(), slice.steps.end(),
                                         [](std::int64_t step) { return step == 1; })) {
    return {c.in(0)};
  }
  return {c.b.apply(slice, {c.in(0)})};
}

/// Widths, value and axes were attributes before opset 11. Negative widths cut.
Results pad(Call& c) {
  const std::size_t rank = c.shape(0).rank();
  const std::optional<Integers> widths = c.axes(1, "pads");
  if (!widths) invalid("no widths");
  std::vector<std::size_t> axes(rank);
  std::iota(axes.begin(), axes.end(), std::size_t{0});
  if (const auto given = c.integers(3)) {
    axes_in(*given, rank);
    axes.clear();
    for (const std::int64_t axis : *given) axes.push_back(axis_in(axis, rank));
  }
  if (widths->size() != 2 * axes.size())
    invalid("{} widths for {} axes", widths->size(), axes.size());
  Pad pad{Integers(rank), Integers(rank), PadMode::constant, 0};
  for (std::size_t i = 0; i < axes.size(); ++i) {
    pad.before[axes[i]] = (*widths)[i];
    pad.after[axes[i]] = (*widths)[i + axes.size()];
  }
  const std::string mode = c.attribute("mode", "constant");
  if (mode == "reflect") {
    pad.mode = PadMode::reflect;
  } else if (mode == "edge") {
    pad.mode = PadMode::edge;
  } else if (mode == "wrap") {
    pad.mode = PadMode::wrap;
  } else if (mode == "constant") {
    pad.value = c.has(2) ? c.needed_number(2) : c.attribute("value", 0.0);
  } else {
    invalid("mode \"{}\"", mode);
  }
  const auto nothing = [](std::int64_t width) { return width == 0; };
  if (std::all_of(widths->begin(), widths->end(), nothing)) return {c.in(0)};
  return {c.b.apply(pad, {c.in(0)})};
}

Results expand(Call& c) {
  const Shape wanted(c.needed_integers(1));
  return {c.b.expand(c.in(0), broadcast(c.shape(0), wanted))};
}

/// Each axis as [before][1][extent][after], repeated along the second.
Results tile(Call& c) {
  const Integers repeats = c.needed_integers(1);
  const Shape from = c.shape(0);
  if (repeats.size() != from.rank()) invalid("{} repeats of {}", repeats.size(), from.to_string());
  Integers extents = extents_of(from);
  Value x = c.in(0);
  for (std::size_t axis = 0; axis < repeats.size(); ++axis) {
    if (repeats[axis] == 1) continue;
    if (repeats[axis] < 0) invalid("{} repeats", repeats[axis]);
    std::int64_t before = 1;
    std::int64_t after = 1;
    for (std::size_t i = 0; i < axis; ++i) before *= extents[i];
    for (std::size_t i = axis + 1; i < extents.size(); ++i) after *= extents[i];
    x = c.b.reshape(x, {before, 1, extents[axis], after});
    x = c.b.expand(x, {before, repeats[axis], extents[axis], after});
    if (__builtin_mul_overflow(extents[axis], repeats[axis], &extents[axis])) invalid("too many");
    x = c.b.reshape(x, Shape(extents));
  }
  return {x};
}

/// [N][C][H][W] with b × b blocks of pixels moved between channels and space.
Results depth_to_space(Call& c) {
  const Shape s = c.shape(0);
  const std::int64_t size = c.attribute("blocksize", std::int64_t{0});
  if (s.rank() != 4 || size < 1 || size > kMostBlock || s[1] % (size * size) != 0) {
    invalid("{} with blocks of {}", s.to_string(), size);
  }
  const std::int64_t channels = s[1] / (size * size);
  const bool depth_first = c.attribute("mode", "DCR") == "DCR";
  const Shape parts = depth_first ? Shape{s[0], size, size, channels, s[2], s[3]}
                                  : Shape{s[0], channels, size, size, s[2], s[3]};
  const std::vector<std::size_t> order = depth_first ? std::vector<std::size_t>{0, 3, 4, 1, 5, 2}
                                                     : std::vector<std::size_t>{0, 1, 4, 2, 5, 3};
  const Value moved = c.b.transpose(c.b.reshape(c.in(0), parts), order);
  return {c.b.reshape(moved, {s[0], channels, s[2] * size, s[3] * size})};
}

Results space_to_depth(Call& c) {
  const Shape s = c.shape(0);
  const std::int64_t size = c.attribute("blocksize", std::int64_t{0});
  if (s.rank() != 4 || size < 1 || size > kMostBlock || s[2] % size != 0 || s[3] % size != 0) {
    invalid("{} with blocks of {}", s.to_string(), size);
  }
  const Shape to{s[0], s[1] * size * size, s[2] / size, s[3] / size};
  const Value parts = c.b.reshape(c.in(0), {s[0], s[1], to[2], size, to[3], size});
  const bool depth_first = c.attribute("mode", "DCR") == "DCR";
  const std::vector<std::size_t> order = depth_first ? std::vector<std::size_t>{0, 3, 5, 1, 2, 4}
                                                     : std::vector<std::size_t>{0, 1, 3, 5, 2, 4};
  return {c.b.reshape(c.b.transpose(parts, order), to)};
}

Results trilu(Call& c) {
  const bool upper = c.attribute("upper", std::int64_t{1}) != 0;
  const std::int64_t diagonal = c.has(1) ? c.needed_integer(1) : 0;
  return {c.b.apply(Trilu{upper, diagonal}, {c.in(0)})};
}

/// Cuts or pads with zeros about the middle.
Results center_crop_pad(Call& c) {
  const Shape from = c.shape(0);
  const Integers wanted = c.needed_integers(1);
  Integers all(from.rank());
  std::iota(all.begin(), all.end(), std::int64_t{0});
  const Integers axes = c.attribute_integers("axes").value_or(all);
  axes_in(axes, from.rank());
  if (wanted.size() != axes.size()) invalid("{} extents for {} axes", wanted.size(), axes.size());
  Pad pad{Integers(from.rank()), Integers(from.rank()), PadMode::constant, 0};
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::size_t axis = axis_in(axes[i], from.rank());
    if (wanted[i] < 0) invalid("an extent of {}", wanted[i]);
    const std::int64_t more = wanted[i] - from[axis];
    pad.before[axis] = more / 2;
    pad.after[axis] = more - more / 2;
  }
  return {c.b.apply(pad, {c.in(0)})};
}

constexpr ImportEntry kEntries[] = {
    {"CenterCropPad", center_crop_pad},
    {"Concat", concat},
    {"DepthToSpace", depth_to_space},
    {"Expand", expand},
    {"Flatten", flatten},
    {"Pad", pad},
    {"Reshape", reshape},
    {"Slice", slice},
    {"SpaceToDepth", space_to_depth},
    {"Split", split},
    {"Squeeze", squeeze},
    {"Tile", tile},
    {"Transpose", transpose},
    {"Trilu", trilu},
    {"Unsqueeze", unsqueeze},
};

}  // namespace

std::span<const ImportEntry> movement_imports() { return kEntries; }

}  // namespace metalaudio::nn

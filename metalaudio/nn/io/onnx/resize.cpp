#include <metalaudio/nn/io/onnx/import_table.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace metalaudio::nn {

namespace {

using Results = std::vector<Value>;

ResizeMode mode_of(const std::string& name) {
  if (name == "nearest") return ResizeMode::nearest;
  if (name == "linear" || name == "bilinear") return ResizeMode::linear;
  if (name == "cubic") return ResizeMode::cubic;
  invalid("mode \"{}\"", name);
}

ResizeCoordinates coordinates_of(const std::string& name) {
  using C = ResizeCoordinates;
  if (name == "half_pixel") return C::half_pixel;
  if (name == "half_pixel_symmetric") return C::half_pixel_symmetric;
  if (name == "pytorch_half_pixel") return C::pytorch_half_pixel;
  if (name == "align_corners") return C::align_corners;
  if (name == "asymmetric") return C::asymmetric;
  if (name == "tf_crop_and_resize") return C::tf_crop_and_resize;
  unsupported("coordinates \"{}\"", name);
}

ResizeRounding rounding_of(const std::string& name) {
  using N = ResizeRounding;
  if (name == "round_prefer_floor") return N::round_prefer_floor;
  if (name == "round_prefer_ceil") return N::round_prefer_ceil;
  if (name == "floor") return N::floor;
  if (name == "ceil") return N::ceil;
  invalid("nearest_mode \"{}\"", name);
}

std::int64_t extent_of(std::int64_t from, double scale) {
  const double extent = std::floor(static_cast<double>(from) * scale);
  if (!(scale > 0) || !(extent < 1e9)) invalid("a scale of {}", scale);
  return static_cast<std::int64_t>(extent);
}

/// Extents that are asked for, at the smallest or greatest of their scales where the policy keeps
/// the aspect ratio.
void keep_aspect(const std::string& policy, const Shape& from, const std::vector<std::size_t>& axes,
                 Integers& extents, std::vector<double>& scales) {
  double common = policy == "not_larger" ? 1e30 : 0;
  for (const std::size_t axis : axes) {
    const double scale = static_cast<double>(extents[axis]) / static_cast<double>(from[axis]);
    common = policy == "not_larger" ? std::min(common, scale) : std::max(common, scale);
  }
  for (const std::size_t axis : axes) {
    scales[axis] = common;
    const double extent = std::round(common * static_cast<double>(from[axis]));
    if (!(std::abs(extent) < 1e9)) invalid("a scale of {}", common);
    extents[axis] = static_cast<std::int64_t>(extent);
  }
}

void write_roi(Call& c, const std::vector<std::size_t>& axes, std::size_t rank, Resize& resize) {
  const std::vector<double> given = c.numbers(1).value_or(std::vector<double>{});
  if (given.size() != 2 * axes.size()) invalid("a region of {} numbers", given.size());
  resize.roi.assign(2 * rank, 0);
  std::fill(resize.roi.begin() + static_cast<std::ptrdiff_t>(rank), resize.roi.end(), 1);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    resize.roi[axes[i]] = given[i];
    resize.roi[axes[i] + rank] = given[i + axes.size()];
  }
}

/// X, roi, scales or sizes; axes and policy since 18. In opset 10: X, scales.
Results resize(Call& c) {
  const Shape from = c.shape(0);
  const std::size_t rank = from.rank();
  const bool old = c.opset() < 11;
  Resize resize;
  resize.mode = mode_of(c.attribute("mode", "nearest"));
  resize.coordinates = coordinates_of(
      c.attribute("coordinate_transformation_mode", old ? "asymmetric" : "half_pixel"));
  resize.rounding = rounding_of(c.attribute("nearest_mode", old ? "floor" : "round_prefer_floor"));
  resize.cubic_coefficient = c.attribute("cubic_coeff_a", -0.75);
  resize.exclude_outside = c.attribute("exclude_outside", std::int64_t{0}) != 0;
  resize.antialias = c.attribute("antialias", std::int64_t{0}) != 0;
  resize.extrapolation = c.attribute("extrapolation_value", 0.0);
  std::vector<std::size_t> axes(rank);
  std::iota(axes.begin(), axes.end(), std::size_t{0});
  if (const auto given = c.attribute_integers("axes")) {
    axes_in(*given, rank);
    axes.clear();
    for (const std::int64_t axis : *given) axes.push_back(axis_in(axis, rank));
  }
  Integers extents = extents_of(from);
  std::vector<double> scales(rank, 1);
  const std::size_t at = old ? 1 : 2;
  const std::vector<double> given = c.numbers(at).value_or(std::vector<double>{});
  const std::string policy = c.attribute("keep_aspect_ratio_policy", "stretch");
  if (!given.empty()) {
    if (given.size() != axes.size()) invalid("{} scales for {} axes", given.size(), axes.size());
    for (std::size_t i = 0; i < axes.size(); ++i) {
      scales[axes[i]] = given[i];
      extents[axes[i]] = extent_of(from[axes[i]], given[i]);
    }
    resize.scales = scales;
  } else {
    const Integers sizes = c.integers(3).value_or(Integers{});
    if (sizes.size() != axes.size()) invalid("{} sizes for {} axes", sizes.size(), axes.size());
    for (std::size_t i = 0; i < axes.size(); ++i) extents[axes[i]] = sizes[i];
    if (policy != "stretch") {
      keep_aspect(policy, from, axes, extents, scales);
      resize.scales = scales;
    }
  }
  if (resize.coordinates == ResizeCoordinates::tf_crop_and_resize) write_roi(c, axes, rank, resize);
  resize.shape = Shape(extents);
  if (resize.shape == from && resize.coordinates != ResizeCoordinates::tf_crop_and_resize)
    return {c.in(0)};
  return {c.b.apply(resize, {c.in(0)})};
}

/// Scales as attribute (7) or input (9).
Results upsample(Call& c) {
  const Shape from = c.shape(0);
  std::vector<double> scales;
  if (c.has(1)) {
    scales = c.needed_numbers(1);
  } else if (const auto given = c.attribute_floats("scales")) {
    scales.assign(given->begin(), given->end());
  }
  if (scales.size() != from.rank()) invalid("{} scales for {}", scales.size(), from.to_string());
  Resize resize;
  resize.mode = mode_of(c.attribute("mode", "nearest"));
  resize.coordinates = ResizeCoordinates::asymmetric;
  resize.rounding = ResizeRounding::floor;
  resize.scales = scales;
  Integers extents;
  for (std::size_t i = 0; i < from.rank(); ++i) extents.push_back(extent_of(from[i], scales[i]));
  resize.shape = Shape(extents);
  return {c.b.apply(resize, {c.in(0)})};
}

constexpr ImportEntry kEntries[] = {{"Resize", resize}, {"Upsample", upsample}};

}  // namespace

std::span<const ImportEntry> resize_imports() { return kEntries; }

}  // namespace metalaudio::nn

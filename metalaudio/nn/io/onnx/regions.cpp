#include <metalaudio/nn/io/onnx/import_table.h>

#include <algorithm>
#include <cmath>

namespace metalaudio::nn {

namespace {

using Results = std::vector<Value>;

constexpr double kMostBins = 1 << 16;

// Where the regions lie must be known: their number and size are extents here.

/// The four pixels around a place, and what each weighs.
struct Corners {
  Integers pixels;
  std::vector<double> weights;
};

void add_corners(Corners& to, double y, double x, std::int64_t height, std::int64_t width) {
  const bool inside = y >= -1 && y <= static_cast<double>(height) && x >= -1 &&
                      x <= static_cast<double>(width);  // not so of NaN
  if (!inside) {
    to.pixels.insert(to.pixels.end(), 4, 0);
    to.weights.insert(to.weights.end(), 4, 0.0);
    return;
  }
  const auto low_of = [](double at, std::int64_t extent) {
    return std::min(static_cast<std::int64_t>(std::max(at, 0.0)), extent - 1);
  };
  const std::int64_t top = low_of(y, height);
  const std::int64_t left = low_of(x, width);
  const std::int64_t bottom = std::min(top + 1, height - 1);
  const std::int64_t right = std::min(left + 1, width - 1);
  const double down = top == bottom ? 0 : std::max(y, 0.0) - static_cast<double>(top);
  const double across = left == right ? 0 : std::max(x, 0.0) - static_cast<double>(left);
  to.pixels.insert(to.pixels.end(), {top * width + left, top * width + right, bottom * width + left,
                                     bottom * width + right});
  to.weights.insert(to.weights.end(), {(1 - down) * (1 - across), (1 - down) * across,
                                       down * (1 - across), down * across});
}

/// X[N][C][H][W], rois[R][x1, y1, x2, y2], the image of each: the mean (or the greatest weighted
/// pixel) of a grid of places in each bin.
Results roi_align(Call& c) {
  Builder& b = c.b;
  const Shape in = c.shape(0);
  const std::vector<double> rois = c.needed_numbers(1);
  const Integers images = c.needed_integers(2);
  if (in.rank() != 4 || in.size() == 0 || rois.size() != images.size() * 4) {
    invalid("{} regions of {}", images.size(), in.to_string());
  }
  const std::int64_t rows = c.attribute("output_height", std::int64_t{1});
  const std::int64_t columns = c.attribute("output_width", std::int64_t{1});
  const std::int64_t ratio = c.attribute("sampling_ratio", std::int64_t{0});
  const double scale = c.attribute("spatial_scale", 1.0);
  const char* const usual = c.opset() >= 16 ? "half_pixel" : "output_half_pixel";
  const bool half = c.attribute("coordinate_transformation_mode", usual) == "half_pixel";
  const bool mean = c.attribute("mode", "avg") == "avg";
  constexpr std::int64_t kMost = 1 << 16;
  if (rows < 1 || columns < 1 || rows > kMost || columns > kMost || rows * columns > kMost ||
      ratio < 0) {
    invalid("{} by {} bins", rows, columns);
  }
  const Value flat = b.reshape(c.in(0), {in[0], in[1], in[2] * in[3]});
  std::vector<Value> results;
  for (std::size_t roi = 0; roi < images.size(); ++roi) {
    if (images[roi] < 0 || images[roi] >= in[0]) invalid("image {}", images[roi]);
    const auto edge = [&](std::size_t i) { return rois[roi * 4 + i] * scale - (half ? 0.5 : 0); };
    const auto extent = [&](std::size_t i) {
      const double wide = edge(i + 2) - edge(i);
      return half ? wide : std::max(wide, 1.0);
    };
    const double bin_height = extent(1) / static_cast<double>(rows);
    const double bin_width = extent(0) / static_cast<double>(columns);
    const auto grid = [&](double bin) {
      const double count = ratio > 0 ? static_cast<double>(ratio) : std::ceil(bin);
      if (!(count <= 1024)) unsupported("{} places in a bin", count);
      return static_cast<std::int64_t>(std::max(count, 1.0));
    };
    const std::int64_t down = grid(bin_height);
    const std::int64_t across = grid(bin_width);
    b.check_room(static_cast<double>(rows * columns * down * across * 4) *
                 static_cast<double>(images.size()));
    Corners corners;
    for (std::int64_t bin = 0; bin < rows * columns; ++bin) {
      for (std::int64_t i = 0; i < down * across; ++i) {
        const auto place = [](std::int64_t n, std::int64_t at, std::int64_t of) {
          return static_cast<double>(n) + (static_cast<double>(at) + 0.5) / static_cast<double>(of);
        };
        add_corners(corners, edge(1) + place(bin / columns, i / across, down) * bin_height,
                    edge(0) + place(bin % columns, i % across, across) * bin_width, in[2], in[3]);
      }
    }
    const std::int64_t each = down * across * 4;
    const Shape apart{1, rows * columns, each};
    const Value pixels =
        b.apply(Gather{1}, {b.pick(flat, 0, images[roi]), b.integers(corners.pixels)});
    const Value weighted = b.multiply(b.reshape(pixels, {in[1], rows * columns, each}),
                                      b.floats(corners.weights, apart, c.type(0)));
    Value y = b.reduce(mean ? ReduceFunction::sum : ReduceFunction::maximum, weighted, {2}, false);
    if (mean) y = b.scaled(y, 1 / static_cast<double>(down * across));
    results.push_back(b.reshape(y, {1, in[1], rows, columns}));
  }
  if (results.empty()) return {b.filled({0, in[1], rows, columns}, 0, c.type(0))};
  return {b.concat(results, 0)};
}

/// X[N][C][H][W], rois[R][image, x1, y1, x2, y2]: the greatest of each bin, whose edges are whole.
Results max_roi_pool(Call& c) {
  Builder& b = c.b;
  const Shape in = c.shape(0);
  const std::vector<double> rois = c.needed_numbers(1);
  const Integers bins = c.attribute_integers("pooled_shape").value_or(Integers{});
  const double scale = c.attribute("spatial_scale", 1.0);
  if (in.rank() != 4 || rois.size() % 5 != 0 || bins.size() != 2 || bins[0] < 1 || bins[1] < 1 ||
      bins[0] > 1024 || bins[1] > 1024) {
    invalid("{} by bins of [{}]", in.to_string(), fmt::join(bins, ", "));
  }
  // Each bin is written out.
  if (const double all = static_cast<double>(rois.size() / 5 * bins[0] * bins[1]); all > kMostBins)
    unsupported("{:.0f} bins", all);
  std::vector<Value> results;
  for (std::size_t roi = 0; roi < rois.size() / 5; ++roi) {
    const auto image = static_cast<std::int64_t>(rois[roi * 5]);
    if (image < 0 || image >= in[0]) invalid("image {}", image);
    const auto range = [&](std::size_t axis, std::int64_t bin) {  // 0: y, 1: x
      const auto whole = [&](std::size_t i) { return std::round(rois[roi * 5 + i] * scale); };
      const double start = whole(2 - axis);
      const double size = std::max(whole(4 - axis) - start + 1, 1.0);
      const double each = size / static_cast<double>(bins[axis]);
      const auto extent = static_cast<double>(in[axis + 2]);
      const auto at = static_cast<double>(bin);
      return std::pair(std::clamp(std::floor(at * each) + start, 0.0, extent),
                       std::clamp(std::ceil((at + 1) * each) + start, 0.0, extent));
    };
    const Value x = b.pick(c.in(0), 0, image);
    for (std::int64_t bin = 0; bin < bins[0] * bins[1]; ++bin) {
      const auto [top, bottom] = range(0, bin / bins[1]);
      const auto [left, right] = range(1, bin % bins[1]);
      if (bottom <= top || right <= left) {
        results.push_back(b.filled({in[1]}, 0, c.type(0)));
        continue;
      }
      const auto whole = [](double value) { return static_cast<std::int64_t>(value); };
      const Value rows = b.slice(x, 1, whole(top), whole(bottom - top));
      results.push_back(b.reduce(ReduceFunction::maximum,
                                 b.slice(rows, 2, whole(left), whole(right - left)), {1, 2},
                                 false));
    }
  }
  const auto count = static_cast<std::int64_t>(rois.size() / 5);
  if (results.empty()) return {b.filled({0, in[1], bins[0], bins[1]}, 0, c.type(0))};
  const Value all = b.reshape(b.concat(results, 0), {count, bins[0], bins[1], in[1]});
  return {b.channels_first(all)};
}

/// A box by its edges, the lesser first.
struct Box {
  double top, left, bottom, right;
  double area() const { return (bottom - top) * (right - left); }
};

Box box_of(const double* at, bool centred) {
  if (centred) {
    return {at[1] - at[3] / 2, at[0] - at[2] / 2, at[1] + at[3] / 2, at[0] + at[2] / 2};
  }
  return {std::min(at[0], at[2]), std::min(at[1], at[3]), std::max(at[0], at[2]),
          std::max(at[1], at[3])};
}

bool overlap(const Box& a, const Box& b, double most) {
  const double height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  const double width = std::min(a.right, b.right) - std::max(a.left, b.left);
  if (height <= 0 || width <= 0 || a.area() <= 0 || b.area() <= 0) return false;
  return height * width / (a.area() + b.area() - height * width) > most;
}

/// boxes[N][B][4], scores[N][classes][B], most boxes of a class, greatest overlap, least score: the
/// best boxes that do not overlap a better one. Their number must be known.
Results non_max_suppression(Call& c) {
  const Shape boxes = c.shape(0);
  const Shape scores = c.shape(1);
  if (boxes.rank() != 3 || scores.rank() != 3 || boxes[2] != 4 || boxes[0] != scores[0] ||
      boxes[1] != scores[2]) {
    invalid("boxes {}, scores {}", boxes.to_string(), scores.to_string());
  }
  const std::vector<double> places = c.needed_numbers(0);
  const std::vector<double> values = c.needed_numbers(1);
  const double most = c.number(2).value_or(0);
  const double threshold = c.number(3).value_or(0);
  const std::optional<double> least = c.number(4);
  const bool centred = c.attribute("center_point_box", std::int64_t{0}) != 0;
  const std::int64_t count = boxes[1];
  Integers picked;
  for (std::int64_t group = 0; group < scores[0] * scores[1]; ++group) {
    const double* score = values.data() + group * count;
    const double* place = places.data() + group / scores[1] * count * 4;
    Integers order;
    for (std::int64_t i = 0; i < count; ++i) {
      if (!least || score[i] > *least) order.push_back(i);
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](std::int64_t a, std::int64_t b) { return score[a] > score[b]; });
    std::vector<Box> kept;
    for (const std::int64_t i : order) {
      if (!(static_cast<double>(kept.size()) < most)) break;
      const Box box = box_of(place + i * 4, centred);
      if (std::any_of(kept.begin(), kept.end(),
                      [&](const Box& better) { return overlap(better, box, threshold); })) {
        continue;
      }
      kept.push_back(box);
      picked.insert(picked.end(), {group / scores[1], group % scores[1], i});
    }
  }
  const auto found = static_cast<std::int64_t>(picked.size() / 3);
  return {c.b.reshape(c.b.integers(picked), {found, 3})};
}

constexpr ImportEntry kEntries[] = {{"MaxRoiPool", max_roi_pool},
                                    {"NonMaxSuppression", non_max_suppression},
                                    {"RoiAlign", roi_align}};

}  // namespace

std::span<const ImportEntry> region_imports() { return kEntries; }

}  // namespace metalaudio::nn

#include <metalaudio/nn/io/onnx/convolution.h>
#include <metalaudio/nn/io/onnx/import_table.h>
#include <metalaudio/nn/io/onnx/windows.h>

#include <algorithm>

namespace metalaudio::nn {

Windows windows_of(const Call& c, const Shape& input, const Integers& kernel) {
  if (input.rank() < 3) invalid("input {}: at least 3 axes", input.to_string());
  const std::size_t count = input.rank() - 2;
  const auto list = [&](const char* name, std::size_t size, std::int64_t otherwise) {
    const Integers given = c.attribute_integers(name).value_or(Integers{});
    if (!given.empty() && given.size() != size) {
      invalid("{} {} for {} axes", given.size(), name, count);
    }
    return given.empty() ? Integers(size, otherwise) : given;
  };
  Integers sizes = c.attribute_integers("kernel_shape").value_or(kernel);
  if (sizes.size() != count || (!kernel.empty() && sizes != kernel)) {
    invalid("a kernel of [{}] for input {}", fmt::join(sizes, ", "), input.to_string());
  }
  const Integers strides = list("strides", count, 1);
  const Integers dilations = list("dilations", count, 1);
  const Integers pads = list("pads", 2 * count, 0);
  Windows windows{{}, c.attribute("auto_pad", "NOTSET")};
  for (std::size_t i = 0; i < count; ++i) {
    SlidingAxis axis{sizes[i], strides[i], dilations[i], pads[i], pads[i + count]};
    constexpr std::int64_t kMost = std::int64_t{1} << 31;
    if (!axis.sound() || axis.before < 0 || axis.after < 0 || axis.before > kMost ||
        axis.after > kMost || axis.stride > kMost) {
      invalid("kernel {}, stride {}, dilation {}, pads {} and {}", axis.kernel, axis.stride,
              axis.dilation, axis.before, axis.after);
    }
    if (windows.auto_pad == "VALID") axis.before = axis.after = 0;
    if (windows.auto_pad.starts_with("SAME")) {
      pad_same(axis, input[i + 2], windows.auto_pad == "SAME_UPPER");
    }
    windows.axes.push_back(axis);
  }
  return windows;
}

void pad_same(SlidingAxis& axis, std::int64_t input, bool upper) {
  const std::int64_t output = (input + axis.stride - 1) / axis.stride;
  const std::int64_t reach = axis.dilation * (axis.kernel - 1) + 1;
  const std::int64_t all = std::max(std::int64_t{0}, (output - 1) * axis.stride + reach - input);
  axis.before = upper ? all / 2 : all - all / 2;
  axis.after = all - axis.before;
}

/// x[N][C][…], weight[M][C / groups][kernels…] -> [N][M][…].
Value convolve(Call& c, Value x, Value weight, Value bias) {
  Builder& b = c.b;
  const Shape w = b.shape(weight);
  if (w.rank() != b.rank(x)) invalid("weight {} for {}", w.to_string(), b.shape(x).to_string());
  const Integers kernel(w.extents().begin() + 2, w.extents().end());
  const Windows windows = windows_of(c, b.shape(x), kernel);
  const Conv conv{windows.axes, c.attribute("group", std::int64_t{1})};
  const Value last = b.apply(conv, {b.channels_last(x), b.channels_last(weight), bias});
  return b.channels_first(last);
}

namespace {

using Results = std::vector<Value>;

Results conv(Call& c) {
  return {convolve(c, c.in(0), c.weight(1), c.has(2) ? c.weight(2) : Value{})};
}

/// Crops and extents from pads, or pads from the extents that are asked for.
TransposeAxis transposed(const Call& c, const SlidingAxis& axis, std::int64_t input,
                         std::int64_t more, std::optional<std::int64_t> extent,
                         const std::string& auto_pad) {
  constexpr std::int64_t kMost = std::int64_t{1} << 31;
  if (more < 0 || more > kMost || (extent && (*extent < 0 || *extent > kMost))) {
    invalid("an extent of {}, and {} more", extent.value_or(0), more);
  }
  TransposeAxis made{axis.kernel, axis.stride, axis.before, 0, axis.dilation};
  const std::int64_t full = made.full_extent(input) + more;
  if (auto_pad.starts_with("SAME") && !extent) extent = input * axis.stride;
  if (!extent) {
    made.extent = full - axis.before - axis.after;
  } else {
    const std::int64_t all = std::max(std::int64_t{0}, full - *extent);
    made.crop = auto_pad == "SAME_UPPER" ? all / 2 : all - all / 2;
    made.extent = *extent;
  }
  if (made.extent < 0) invalid("an extent of {} from {}", made.extent, input);
  static_cast<void>(c);
  return made;
}

/// x[N][C][…], weight[C][M / groups][kernels…] -> [N][M][…].
Results conv_transpose(Call& c) {
  Builder& b = c.b;
  const Shape in = c.shape(0);
  const Value weight = c.weight(1);
  const Shape w = b.shape(weight);
  const std::int64_t groups = c.attribute("group", std::int64_t{1});
  if (w.rank() != in.rank() || in.rank() < 3 || w[0] != in[1] || groups < 1 || w[0] % groups != 0) {
    invalid("weight {} in {} groups for {}", w.to_string(), groups, in.to_string());
  }
  const std::size_t count = in.rank() - 2;
  const Integers kernel(w.extents().begin() + 2, w.extents().end());
  const Windows windows = windows_of(c, in, kernel);
  const Integers more = c.attribute_integers("output_padding").value_or(Integers(count));
  std::optional<Integers> wanted = c.attribute_integers("output_shape");
  if (wanted && wanted->size() == in.rank()) wanted->erase(wanted->begin(), wanted->begin() + 2);
  if (more.size() != count || (wanted && wanted->size() != count))
    invalid("sizes for {} axes", count);
  ConvTranspose operation{{}, groups};
  for (std::size_t i = 0; i < count; ++i) {
    operation.axes.push_back(transposed(c, windows.axes[i], in[i + 2], more[i],
                                        wanted ? std::optional((*wanted)[i]) : std::nullopt,
                                        windows.auto_pad));
  }
  // [g · C/g][M/g][k…] to [g · M/g][k…][C/g]
  Integers split{groups, w[0] / groups, w[1]};
  split.insert(split.end(), kernel.begin(), kernel.end());
  std::vector<std::size_t> order{0, 2};
  for (std::size_t i = 0; i < count; ++i) order.push_back(3 + i);
  order.push_back(1);
  Integers packed{groups * w[1]};
  packed.insert(packed.end(), kernel.begin(), kernel.end());
  packed.push_back(w[0] / groups);
  const Value turned = b.transpose(b.reshape(weight, Shape(split)), order);
  const Value bias = c.has(2) ? c.weight(2) : Value{};
  const Value last =
      b.apply(operation, {b.channels_last(c.in(0)), b.reshape(turned, Shape(packed)), bias});
  return {b.channels_first(last)};
}

constexpr ImportEntry kEntries[] = {{"Conv", conv}, {"ConvTranspose", conv_transpose}};

}  // namespace

std::span<const ImportEntry> convolution_imports() { return kEntries; }

}  // namespace metalaudio::nn

#include <metalaudio/models/htdemucs/layers.h>
#include <metalaudio/nn/layers/functional.h>

#include <cmath>

namespace metalaudio::models {

using nn::Graph;
using nn::Value;
using nn::Weights;

namespace {

Value vector_of(Graph& graph, const Weights& weights, const std::string& name, std::int64_t size) {
  return graph.constant(weights.constant(name, {size}));
}

/// Over the last `axes` axes before the channels: 1 normalises every row by itself.
Value group_norm(Graph& graph, const Weights& weights, Value x, std::int64_t groups,
                 std::size_t axes) {
  const std::int64_t channels = graph.shape(x).back();
  return graph.apply(nn::GroupNorm{groups, axes}, {x, vector_of(graph, weights, "weight", channels),
                                                   vector_of(graph, weights, "bias", channels)});
}

/// demucs.demucs.DConv: layers x + scale · glu(norm(conv1x1(gelu(norm(conv3(x)))))), every row
/// alone.
Value dconv(Graph& graph, const Weights& weights, const HTDemucsConfig& config, Value x) {
  const std::int64_t channels = graph.shape(x).back();
  const auto hidden = static_cast<std::int64_t>(static_cast<double>(channels) / config.dconv_comp);
  for (std::int64_t d = 0; d < std::abs(config.dconv_depth); ++d) {
    const Weights layer = weights("layers", static_cast<int>(d));
    const std::int64_t dilation = config.dconv_depth > 0 ? std::int64_t{1} << d : 1;
    const nn::SlidingAxis axis{3, 1, dilation, dilation, dilation};
    Value y = graph.apply(nn::Conv{{{}, axis}},
                          {x, graph.constant(conv_weight(layer("0"), hidden, channels, {3})),
                           vector_of(graph, layer("0"), "bias", hidden)});
    y = gelu(graph, group_norm(graph, layer("1"), y, 1, 1));
    y = graph.apply(nn::Conv{{{}, {}}},
                    {y, graph.constant(conv_weight(layer("3"), 2 * channels, hidden, {1})),
                     vector_of(graph, layer("3"), "bias", 2 * channels)});
    y = graph.apply(nn::Glu{}, {group_norm(graph, layer("4"), y, 1, 1)});
    x = add(graph, x, multiply(graph, y, vector_of(graph, layer("6"), "scale", channels)));
  }
  return x;
}

/// The convolution to twice the channels and the gate, with `context` neighbours on each side.
Value rewrite(Graph& graph, const Weights& weights, const HTDemucsConfig& config,
              const HybridLayer& layer, const char* norm, std::int64_t context, Value x) {
  const std::int64_t channels = graph.shape(x).back();
  const std::int64_t kernel = 1 + 2 * context;
  const nn::SlidingAxis axis{kernel, 1, 1, context, context};
  const Shape shape = layer.freq ? Shape{kernel, kernel} : Shape{kernel};
  Value y = graph.apply(
      nn::Conv{{layer.freq ? axis : nn::SlidingAxis{}, axis}},
      {x, graph.constant(conv_weight(weights("rewrite"), 2 * channels, channels, shape)),
       vector_of(graph, weights("rewrite"), "bias", 2 * channels)});
  if (layer.norm) y = group_norm(graph, weights(norm), y, config.norm_groups, 2);
  return graph.apply(nn::Glu{}, {y});
}

Shape kernel_shape(const HybridLayer& layer) {
  return layer.freq ? Shape{layer.kernel, 1} : Shape{layer.kernel};
}

/// Positions [first, first + extent) of the axis that lies so far before the channels.
Value crop(Graph& graph, Value x, std::size_t axis, std::int64_t first, std::int64_t extent) {
  const Shape shape = graph.shape(x);
  std::vector<std::int64_t> starts(shape.rank());
  std::vector<std::int64_t> extents(shape.extents().begin(), shape.extents().end());
  starts[shape.rank() - 1 - axis] = first;
  extents[shape.rank() - 1 - axis] = extent;
  return graph.apply(nn::Slice{starts, Shape(extents), {}}, {x});
}

}  // namespace

Value encode(Graph& graph, const Weights& weights, const HTDemucsConfig& config,
             const HybridLayer& layer, Value x, std::optional<Value> inject) {
  graph.set_label(weights.prefix());
  const std::int64_t pad = layer.pad ? layer.kernel / 4 : 0;
  nn::SlidingAxis axis{layer.kernel, layer.stride, 1, pad, pad};
  if (!layer.freq) {
    const std::int64_t excess = extent_before_channels(graph.shape(x), 1) % layer.stride;
    if (excess != 0) axis.after += layer.stride - excess;
  }
  const Weights conv = weights("conv");
  Value y = graph.apply(
      layer.freq ? nn::Conv{{axis, {}}} : nn::Conv{{{}, axis}},
      {x, graph.constant(conv_weight(conv, layer.inner, layer.outer, kernel_shape(layer))),
       vector_of(graph, conv, "bias", layer.inner)});
  if (layer.empty) return y;
  if (inject) y = add(graph, y, *inject);
  if (layer.norm) y = group_norm(graph, weights("norm1"), y, config.norm_groups, 2);
  y = gelu(graph, y);
  if ((config.dconv_mode & 1) != 0) y = dconv(graph, weights("dconv"), config, y);
  if (config.rewrite) y = rewrite(graph, weights, config, layer, "norm2", config.context_enc, y);
  return y;
}

Decoded decode(Graph& graph, const Weights& weights, const HTDemucsConfig& config,
               const HybridLayer& layer, Value x, std::optional<Value> skip, std::int64_t length) {
  graph.set_label(weights.prefix());
  Value y = x;
  if (!layer.empty) {
    if (skip) y = add(graph, y, *skip);
    if (config.rewrite) y = rewrite(graph, weights, config, layer, "norm1", config.context, y);
    if ((config.dconv_mode & 2) != 0) y = dconv(graph, weights("dconv"), config, y);
  }
  const std::int64_t pad = layer.pad ? layer.kernel / 4 : 0;
  const Shape in = graph.shape(y);
  const std::int64_t full =
      layer.stride * (extent_before_channels(in, layer.freq ? 2 : 1) - 1) + layer.kernel;
  const std::int64_t extent = layer.freq ? full - 2 * pad : length;
  // Where a norm follows, it sees what is cropped afterwards.
  const nn::TransposeAxis axis = layer.norm
                                     ? nn::TransposeAxis{layer.kernel, layer.stride, 0, full}
                                     : nn::TransposeAxis{layer.kernel, layer.stride, pad, extent};
  const nn::TransposeAxis other{1, 1, 0, extent_before_channels(in, layer.freq ? 1 : 2)};
  const Weights conv = weights("conv_tr");
  Value z = graph.apply(
      layer.freq ? nn::ConvTranspose{{axis, other}} : nn::ConvTranspose{{other, axis}},
      {y,
       graph.constant(conv_transpose_weight(conv, layer.inner, layer.outer, kernel_shape(layer))),
       vector_of(graph, conv, "bias", layer.outer)});
  if (layer.norm) {
    z = group_norm(graph, weights("norm2"), z, config.norm_groups, 2);
    z = crop(graph, z, layer.freq ? 2 : 1, pad, extent);
  }
  if (!layer.last) z = gelu(graph, z);
  return {z, y};
}

Value pointwise(Graph& graph, const Weights& weights, Value x, std::int64_t out,
                const Shape& kernel) {
  graph.set_label(weights.prefix());
  return graph.apply(nn::Conv{{{}, {}}},
                     {x, graph.constant(conv_weight(weights, out, graph.shape(x).back(), kernel)),
                      vector_of(graph, weights, "bias", out)});
}

}  // namespace metalaudio::models

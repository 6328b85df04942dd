#include <metalaudio/models/htdemucs/layers.h>

#include <cmath>

namespace metalaudio::models {

using nn::Activation;
using nn::Graph;
using nn::Value;
using nn::Weights;

namespace {

Value vector_of(Graph& graph, const Weights& weights, const std::string& name, std::int64_t size) {
  return graph.constant(weights.tensor(name, {size}));
}

Value group_norm(Graph& graph, const Weights& weights, Value x, std::int64_t groups, bool per_row) {
  const std::int64_t channels = graph.shape(x).back();
  return graph.group_norm(x, vector_of(graph, weights, "weight", channels),
                          vector_of(graph, weights, "bias", channels), {groups, per_row, 1e-5F});
}

/// demucs.demucs.DConv: layers x + scale · glu(norm(conv1x1(gelu(norm(conv3(x)))))), every row
/// alone.
Value dconv(Graph& graph, const Weights& weights, const HTDemucsConfig& config, Value x) {
  const std::int64_t channels = graph.shape(x).back();
  const auto hidden = static_cast<std::int64_t>(static_cast<double>(channels) / config.dconv_comp);
  for (std::int64_t d = 0; d < std::abs(config.dconv_depth); ++d) {
    const Weights layer = weights("layers", static_cast<int>(d));
    const std::int64_t dilation = config.dconv_depth > 0 ? std::int64_t{1} << d : 1;
    const nn::Axis axis{3, 1, dilation, dilation, dilation};
    Value y = graph.conv(x, graph.constant(conv_weight(layer("0"), hidden, channels, {3})),
                         vector_of(graph, layer("0"), "bias", hidden), {{}, axis});
    y = graph.activation(group_norm(graph, layer("1"), y, 1, true), Activation::gelu);
    y = graph.conv(y, graph.constant(conv_weight(layer("3"), 2 * channels, hidden, {1})),
                   vector_of(graph, layer("3"), "bias", 2 * channels), {});
    y = graph.activation(group_norm(graph, layer("4"), y, 1, true), Activation::glu);
    const Value scale =
        graph.reshape(vector_of(graph, layer("6"), "scale", channels), {1, 1, channels});
    x = graph.add(x, graph.multiply(y, scale));
  }
  return x;
}

/// The convolution to twice the channels and the gate, with `context` neighbours on each side.
Value rewrite(Graph& graph, const Weights& weights, const HTDemucsConfig& config,
              const HybridLayer& layer, const char* norm, std::int64_t context, Value x) {
  const std::int64_t channels = graph.shape(x).back();
  const std::int64_t kernel = 1 + 2 * context;
  const nn::Axis axis{kernel, 1, 1, context, context};
  const Shape shape = layer.freq ? Shape{kernel, kernel} : Shape{kernel};
  Value y =
      graph.conv(x, graph.constant(conv_weight(weights("rewrite"), 2 * channels, channels, shape)),
                 vector_of(graph, weights("rewrite"), "bias", 2 * channels),
                 {layer.freq ? axis : nn::Axis{}, axis});
  if (layer.norm) y = group_norm(graph, weights(norm), y, config.norm_groups, false);
  return graph.activation(y, Activation::glu);
}

Shape kernel_shape(const HybridLayer& layer) {
  return layer.freq ? Shape{layer.kernel, 1} : Shape{layer.kernel};
}

}  // namespace

Value encode(Graph& graph, const Weights& weights, const HTDemucsConfig& config,
             const HybridLayer& layer, Value x, std::optional<Value> inject) {
  graph.set_label(weights.prefix());
  const std::int64_t pad = layer.pad ? layer.kernel / 4 : 0;
  nn::Axis axis{layer.kernel, layer.stride, 1, pad, pad};
  if (!layer.freq) {
    const std::int64_t excess = graph.shape(x)[1] % layer.stride;
    if (excess != 0) axis.after += layer.stride - excess;
  }
  const Weights conv = weights("conv");
  Value y = graph.conv(
      x, graph.constant(conv_weight(conv, layer.inner, layer.outer, kernel_shape(layer))),
      vector_of(graph, conv, "bias", layer.inner),
      layer.freq ? nn::ConvAttributes{axis, {}} : nn::ConvAttributes{{}, axis});
  if (layer.empty) return y;
  if (inject) y = graph.add(y, *inject);
  if (layer.norm) y = group_norm(graph, weights("norm1"), y, config.norm_groups, false);
  y = graph.activation(y, Activation::gelu);
  if ((config.dconv_mode & 1) != 0) y = dconv(graph, weights("dconv"), config, y);
  if (config.rewrite) y = rewrite(graph, weights, config, layer, "norm2", config.context_enc, y);
  return y;
}

Decoded decode(Graph& graph, const Weights& weights, const HTDemucsConfig& config,
               const HybridLayer& layer, Value x, std::optional<Value> skip, std::int64_t length) {
  graph.set_label(weights.prefix());
  Value y = x;
  if (!layer.empty) {
    if (skip) y = graph.add(y, *skip);
    if (config.rewrite) y = rewrite(graph, weights, config, layer, "norm1", config.context, y);
    if ((config.dconv_mode & 2) != 0) y = dconv(graph, weights("dconv"), config, y);
  }
  const std::int64_t pad = layer.pad ? layer.kernel / 4 : 0;
  const Shape in = graph.shape(y);
  const std::int64_t full = layer.stride * (in[layer.freq ? 0 : 1] - 1) + layer.kernel;
  const std::int64_t extent = layer.freq ? full - 2 * pad : length;
  // Where a norm follows, it sees what is cropped afterwards.
  const nn::TransposeAxis axis = layer.norm
                                     ? nn::TransposeAxis{layer.kernel, layer.stride, 0, full}
                                     : nn::TransposeAxis{layer.kernel, layer.stride, pad, extent};
  const nn::TransposeAxis other{1, 1, 0, in[layer.freq ? 1 : 0]};
  const Weights conv = weights("conv_tr");
  Value z = graph.conv_transpose(
      y, graph.constant(conv_transpose_weight(conv, layer.inner, layer.outer, kernel_shape(layer))),
      vector_of(graph, conv, "bias", layer.outer),
      layer.freq ? nn::ConvTransposeAttributes{axis, other}
                 : nn::ConvTransposeAttributes{other, axis});
  if (layer.norm) {
    z = group_norm(graph, weights("norm2"), z, config.norm_groups, false);
    z = layer.freq ? graph.slice(z, pad, 0, {extent, in[1], layer.outer})
                   : graph.slice(z, 0, pad, {1, extent, layer.outer});
  }
  if (!layer.last) z = graph.activation(z, Activation::gelu);
  return {z, y};
}

Value pointwise(Graph& graph, const Weights& weights, Value x, std::int64_t out,
                const Shape& kernel) {
  graph.set_label(weights.prefix());
  return graph.conv(x, graph.constant(conv_weight(weights, out, graph.shape(x).back(), kernel)),
                    vector_of(graph, weights, "bias", out), {});
}

}  // namespace metalaudio::models

#pragma once

#include <metalaudio/models/htdemucs/config.h>
#include <metalaudio/nn/graph/graph.h>
#include <metalaudio/nn/weights.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace metalaudio::models {

/// What upstream hands to HEncLayer and HDecLayer, which are built from the same arguments.
struct HybridLayer {
  std::int64_t inner = 0;  ///< channels on the side of the bottleneck
  std::int64_t outer = 0;  ///< channels on the side of the audio
  std::int64_t kernel = 8;
  std::int64_t stride = 4;
  bool freq = true;  ///< slides along frequencies; otherwise along time
  bool pad = true;
  bool norm = false;
  bool empty = false;  ///< nothing but the (transposed) convolution: where the branches merge
  bool last = false;   ///< decoder: no activation at the end
};

/// The extent of an axis counted from the channels: 1 is along time, 2 along frequencies.
inline std::int64_t extent_before_channels(const Shape& shape, std::size_t axis) {
  return shape[shape.rank() - 1 - axis];
}

/// demucs.hdemucs.HEncLayer.forward.
nn::Value encode(nn::Graph& graph, const nn::Weights& weights, const HTDemucsConfig& config,
                 const HybridLayer& layer, nn::Value x, std::optional<nn::Value> inject);

struct Decoded {
  nn::Value z;
  nn::Value pre;  ///< before the transposed convolution
};

/// demucs.hdemucs.HDecLayer.forward; length crops layers along time.
Decoded decode(nn::Graph& graph, const nn::Weights& weights, const HTDemucsConfig& config,
               const HybridLayer& layer, nn::Value x, std::optional<nn::Value> skip,
               std::int64_t length);

/// The two branches in and out of demucs.transformer.CrossTransformerEncoder.
struct Branches {
  nn::Value x;
  nn::Value xt;
};
/// tap is told of the tokens that enter the first layer and of every layer's output.
using Tap = std::function<void(const std::string& name, nn::Value value)>;
Branches cross_transformer(nn::Graph& graph, const nn::Weights& weights,
                           const HTDemucsConfig& config, std::int64_t channels, Branches branches,
                           const Tap& tap);

/// A 1x1 convolution, as upstream's channel_upsampler.
nn::Value pointwise(nn::Graph& graph, const nn::Weights& weights, nn::Value x, std::int64_t out,
                    const Shape& kernel);

}  // namespace metalaudio::models

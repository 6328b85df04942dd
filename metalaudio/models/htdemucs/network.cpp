#include <metalaudio/models/htdemucs/layers.h>
#include <metalaudio/models/htdemucs/network.h>

#include <metalaudio/core/error.h>
#include <metalaudio/nn/layers/functional.h>

#include <algorithm>
#include <cmath>

namespace metalaudio::models {

using nn::Graph;
using nn::Value;
using nn::Weights;

namespace {

/// The layers of both branches, outermost first, as HTDemucs.__init__ makes them.
struct Structure {
  std::vector<HybridLayer> encoder;
  std::vector<HybridLayer> tencoder;  ///< as long as the branches are apart
  std::vector<HybridLayer> decoder;   ///< by the index of its encoder
  std::vector<HybridLayer> tdecoder;
};

Structure structure_of(const HTDemucsConfig& config) {
  Structure structure;
  const auto sources = static_cast<std::int64_t>(config.sources.size());
  std::int64_t in = config.audio_channels;
  std::int64_t in_z = 2 * config.audio_channels;
  std::int64_t out = config.channels_time > 0 ? config.channels_time : config.channels;
  std::int64_t out_z = config.channels;
  std::int64_t freqs = config.nfft / 2;
  for (std::int64_t index = 0; index < config.depth; ++index) {
    const bool freq = freqs > 1;
    const bool last_freq = freq && freqs <= config.kernel_size;
    HybridLayer layer{out_z, in_z, config.kernel_size, config.stride, freq};
    if (!freq) {
      layer.kernel = 2 * config.time_stride;
      layer.stride = config.time_stride;
    }
    if (last_freq) {
      layer.kernel = freqs;
      layer.pad = false;
      layer.inner = out_z = out = std::max(out, out_z);
    }
    layer.norm = index >= config.norm_starts;
    structure.encoder.push_back(layer);
    HybridLayer time{out,   in,   config.kernel_size, config.stride,
                     false, true, layer.norm,         last_freq};
    if (freq) structure.tencoder.push_back(time);
    if (index == 0) {
      in = config.audio_channels * sources;
      in_z = 2 * in;
    }
    layer.outer = in_z;
    time.outer = in;
    layer.last = time.last = index == 0;
    structure.decoder.push_back(layer);
    if (freq) structure.tdecoder.push_back(time);
    in = out;
    in_z = out_z;
    out = static_cast<std::int64_t>(config.growth * static_cast<double>(out));
    out_z = static_cast<std::int64_t>(config.growth * static_cast<double>(out_z));
    if (out < 1 || out_z < 1 || out_z > (1 << 20) || out > (1 << 20)) {
      fail(ErrorCode::invalid_data, "[HTDemucs] growth {} leads to {} channels at level {}",
           config.growth, out_z, index + 1);
    }
    if (freq) freqs = last_freq ? 1 : freqs / config.stride;
  }
  return structure;
}

/// Builds one network; its members are the variables of HTDemucs.forward.
class Builder {
 public:
  Builder(const HTDemucsConfig& config, const Weights& weights, std::int64_t batch,
          const std::vector<std::string>& taps)
      : config_(config),
        weights_(weights),
        batch_(batch),
        taps_(taps),
        layers_(structure_of(config)) {}

  Graph build(Mode mode) {
    xt_ =
        graph_.input("waveform", segments({1, config_.segment_samples(), config_.audio_channels}));
    if (mode == Mode::full) {
      x_ = graph_.input("spectrogram",
                        segments({config_.nfft / 2, config_.frames(), 2 * config_.audio_channels}));
      encode_both();
      if (config_.t_layers > 0) transform();
      decode_both();
      graph_.output("spectrogram", x_);
    } else {
      time_only();
    }
    graph_.output("waveform", xt_);
    return std::move(graph_);
  }

 private:
  Shape segments(const Shape& one) const {
    if (batch_ == 1) return one;
    std::vector<std::int64_t> extents{batch_};
    extents.insert(extents.end(), one.extents().begin(), one.extents().end());
    return Shape(extents);
  }

  void tap(const std::string& name, Value value) {
    if (std::find(taps_.begin(), taps_.end(), name) != taps_.end()) graph_.output(name, value);
  }

  void encode_time(int index) {
    const HybridLayer& layer = layers_.tencoder[static_cast<std::size_t>(index)];
    lengths_t_.push_back(extent_before_channels(graph_.shape(xt_), 1));
    xt_ = encode(graph_, weights_("tencoder", index), config_, layer, xt_, {});
    if (!layer.empty) saved_t_.push_back(xt_);
    tap(fmt::format("tencoder.{}", index), xt_);
  }

  void encode_both() {
    for (int index = 0; index < config_.depth; ++index) {
      std::optional<Value> inject;
      if (static_cast<std::size_t>(index) < layers_.tencoder.size()) {
        encode_time(index);
        if (layers_.tencoder[static_cast<std::size_t>(index)].empty) inject = xt_;
      }
      lengths_.push_back(extent_before_channels(graph_.shape(x_), 1));
      const HybridLayer& layer = layers_.encoder[static_cast<std::size_t>(index)];
      x_ = encode(graph_, weights_("encoder", index), config_, layer, x_, inject);
      tap(fmt::format("encoder.{}", index), x_);
      if (index == 0 && config_.freq_emb != 0) add_frequency_embedding();
      saved_.push_back(x_);
    }
  }

  void add_frequency_embedding() {
    const Shape shape = graph_.shape(x_);
    const std::int64_t rows = extent_before_channels(shape, 2);
    Tensor embedding({rows, 1, shape.back()});
    const Tensor table = weights_("freq_emb.embedding").tensor("weight", {rows, shape.back()});
    const auto scale = static_cast<float>(config_.emb_scale);
    const auto weight = static_cast<float>(config_.freq_emb);
    for (std::size_t i = 0; i < embedding.size(); ++i) {
      embedding.data()[i] = weight * (table.data()[i] * scale);
    }
    x_ = add(graph_, x_, graph_.constant(std::move(embedding)));
    tap("freq_emb", x_);
  }

  void transform() {
    std::int64_t channels = graph_.shape(x_).back();
    const std::int64_t outer = channels;
    if (config_.bottom_channels > 0) {
      channels = config_.bottom_channels;
      x_ = pointwise(graph_, weights_("channel_upsampler"), x_, channels, {1});
      xt_ = pointwise(graph_, weights_("channel_upsampler_t"), xt_, channels, {1});
    }
    if (graph_.shape(xt_).back() != channels) {
      fail(ErrorCode::invalid_data, "[HTDemucs] the branches meet with {} and {} channels",
           channels, graph_.shape(xt_).back());
    }
    tap("transformer_in", x_);
    tap("transformer_in_t", xt_);
    const Branches out =
        cross_transformer(graph_, weights_("crosstransformer"), config_, channels, {x_, xt_},
                          [this](const std::string& name, Value value) { tap(name, value); });
    x_ = out.x;
    xt_ = out.xt;
    tap("transformer_out", x_);
    tap("transformer_out_t", xt_);
    if (config_.bottom_channels > 0) {
      x_ = pointwise(graph_, weights_("channel_downsampler"), x_, outer, {1});
      xt_ = pointwise(graph_, weights_("channel_downsampler_t"), xt_, outer, {1});
    }
  }

  void decode_time(int index, std::optional<Value> pre) {
    const std::size_t level = layers_.tdecoder.size() - 1 - static_cast<std::size_t>(index);
    const HybridLayer& layer = layers_.tdecoder[level];
    const std::int64_t length = lengths_t_[level];
    const Weights weights = weights_("tdecoder", index);
    if (layer.empty) {
      xt_ = decode(graph_, weights, config_, layer, pre.value_or(xt_), {}, length).z;
    } else {
      const Value skip = saved_t_.back();
      saved_t_.pop_back();
      xt_ = decode(graph_, weights, config_, layer, xt_, skip, length).z;
    }
    tap(fmt::format("tdecoder.{}", index), xt_);
  }

  void decode_both() {
    const auto offset = static_cast<int>(layers_.decoder.size() - layers_.tdecoder.size());
    for (int index = 0; index < config_.depth; ++index) {
      const auto level = static_cast<std::size_t>(config_.depth - 1 - index);
      // The waveform first, where it does not need the other branch: it is done with its saved value
      // before the spectrogram takes most memory.
      const bool waits = index == offset && layers_.tdecoder.back().empty;
      if (index >= offset && !waits) decode_time(index - offset, {});
      const Decoded decoded = decode(graph_, weights_("decoder", index), config_,
                                     layers_.decoder[level], x_, saved_[level], lengths_[level]);
      x_ = decoded.z;
      tap(fmt::format("decoder.{}", index), x_);
      if (waits) decode_time(0, decoded.pre);
    }
  }

  /// The time branch from its encoder straight to its decoder: no spectrogram, no transformer, no
  /// 1x1 convolutions around it.
  void time_only() {
    for (int index = 0; index < static_cast<int>(layers_.tencoder.size()); ++index) {
      encode_time(index);
    }
    for (int index = 0; index < static_cast<int>(layers_.tdecoder.size()); ++index) {
      decode_time(index, {});
    }
  }

  const HTDemucsConfig& config_;
  const Weights& weights_;
  std::int64_t batch_;
  const std::vector<std::string>& taps_;
  Structure layers_;
  Graph graph_;
  Value x_;
  Value xt_;
  std::vector<Value> saved_;
  std::vector<Value> saved_t_;
  std::vector<std::int64_t> lengths_;
  std::vector<std::int64_t> lengths_t_;
};

}  // namespace

Graph build_htdemucs(const HTDemucsConfig& config, const Weights& weights, Mode mode,
                     std::int64_t batch, const std::vector<std::string>& taps) {
  return Builder(config, weights, batch, taps).build(mode);
}

}  // namespace metalaudio::models

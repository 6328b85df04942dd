#include <metalaudio/core/error.h>
#include <metalaudio/models/amp/nam.h>
#include <metalaudio/models/amp/wavenet_config.h>

#include <algorithm>

namespace metalaudio::models::amp {
namespace {

/// Writes one array of layers; sizes are those of the slimmed network, the file's are `full`.
class LayerArrayWriter {
 public:
  LayerArrayWriter(ProgramBuilder& builder, WeightList& weights, const LayerArrayConfig& full,
                   const LayerArrayConfig& size, const Plane& condition, const NamPart& part)
      : builder_(builder),
        weights_(weights),
        full_(full),
        size_(size),
        condition_(condition),
        part_(part),
        head_(builder.ring(size.head_inputs(), size.head_past())) {}

  /// head starts the sum of the layers' heads; without channels at zero. Both are replaced by what
  /// the array gives; `last` arrays give no signal.
  void write(Plane& x, Plane& head, bool last) {
    const ConvWeights rechannel =
        take(full_.input_size, full_.channels, size_.input_size, size_.channels, 1, 1, false);
    Plane signal = layer_input(0);
    builder_.convolution(x, rechannel, signal);
    builder_.complete(signal);
    bool first = head.channels == 0;
    if (!first) builder_.add(Modulate{head, {}, {}, head_});
    for (std::size_t l = 0; l < size_.layers.size(); ++l) {
      const bool needed = !last || l + 1 < size_.layers.size();
      signal = layer(l, signal, first, needed);
      first = false;
    }
    x = signal;
    builder_.complete(head_);
    head_weights_ = take(full_.head_inputs(), full_.head_size, size_.head_inputs(), size_.head_size,
                         size_.head_kernel, 1, size_.head_bias);
    head_weights_.dilation = size_.head_dilation;
    head = builder_.plane(size_.head_size);
    builder_.need_past(size_.head_past());
  }

  /// The last convolution, once its scale is known.
  void write_head(const Plane& out, float scale) {
    for (float& w : head_weights_.weights) w *= scale;
    for (float& b : head_weights_.bias) b *= scale;
    builder_.convolution(head_, head_weights_, out);
  }

 private:
  /// The signal before layer l, with the past that its convolution needs; a modulated one has it
  /// behind the modulation.
  Plane layer_input(std::size_t l) {
    if (l >= size_.layers.size() || size_.film(Film::conv_pre).active)
      return builder_.plane(size_.channels);
    return builder_.ring(size_.channels, size_.layers[l].dilation * (size_.layers[l].kernel - 1));
  }

  /// The first rows and columns of a stored convolution.
  ConvWeights take(std::size_t full_in, std::size_t full_out, std::size_t in, std::size_t out,
                   std::size_t kernel, std::size_t groups, bool bias) {
    if (full_in % groups != 0 || full_out % groups != 0)
      fail(ErrorCode::invalid_data, "[Amp] {} groups of {} to {} channels", groups, full_in,
           full_out);
    ConvWeights conv{in, out, kernel, 1, groups, {}, {}};
    const std::vector<float> all = weights_.take(full_in / groups * full_out * kernel);
    for (std::size_t m = 0; m < out; ++m) {
      const auto row = all.begin() + static_cast<std::ptrdiff_t>(m * (full_in / groups) * kernel);
      conv.weights.insert(conv.weights.end(), row,
                          row + static_cast<std::ptrdiff_t>(in / groups * kernel));
    }
    if (bias) {
      conv.bias = weights_.take(full_out);
      conv.bias.resize(out);
    }
    return conv;
  }

  struct Modulation {
    FilmConfig config;
    ConvWeights weights;
  };

  Modulation take_film(Film film, std::size_t full, std::size_t size) {
    const FilmConfig& config = size_.film(film);
    if (!config.active) return {};
    const std::size_t factor = config.shift ? 2 : 1;
    return {config, take(size_.condition_size, factor * full, size_.condition_size, factor * size,
                         1, config.groups, true)};
  }

  /// out = x modulated by the condition.
  void modulate(const Modulation& film, const Plane& x, const Plane& out) {
    const Plane both = builder_.plane(film.weights.out);
    builder_.convolution(condition_, film.weights, both);
    Modulate step{x, both.part(0, x.channels), {}, out};
    if (film.config.shift) step.shift = both.part(x.channels, x.channels);
    builder_.add(step);
  }

  Plane layer(std::size_t l, const Plane& signal, bool first, bool needed) {
    const LayerConfig& config = size_.layers[l];
    const std::size_t gates = config.gating == Gating::none ? 1 : 2;
    const std::size_t full_z = gates * full_.bottleneck;
    const std::size_t z_size = gates * size_.bottleneck;
    ConvWeights conv = take(full_.channels, full_z, size_.channels, z_size, config.kernel,
                            size_.groups_input, true);
    conv.dilation = config.dilation;
    const ConvWeights mixin = take(size_.condition_size, full_z, size_.condition_size, z_size, 1,
                                   size_.groups_mixin, false);
    ConvWeights residual;
    if (size_.layer1x1)
      residual = take(full_.bottleneck, full_.channels, size_.bottleneck, size_.channels, 1,
                      size_.layer1x1_groups, true);
    ConvWeights head;
    if (size_.head1x1)
      head = take(full_.bottleneck, size_.head1x1_size, size_.bottleneck, size_.head1x1_size, 1,
                  size_.head1x1_groups, true);
    const Modulation conv_pre = take_film(Film::conv_pre, full_.channels, size_.channels);
    const Modulation conv_post = take_film(Film::conv_post, full_z, z_size);
    const Modulation mixin_pre =
        take_film(Film::mixin_pre, size_.condition_size, size_.condition_size);
    const Modulation mixin_post = take_film(Film::mixin_post, full_z, z_size);
    const Modulation activation_pre = take_film(Film::activation_pre, full_z, z_size);
    const Modulation activation_post =
        take_film(Film::activation_post, full_.bottleneck, size_.bottleneck);
    const Modulation layer1x1_post = take_film(Film::layer1x1_post, full_.channels, size_.channels);
    const Modulation head1x1_post =
        take_film(Film::head1x1_post, size_.head1x1_size, size_.head1x1_size);

    builder_.need_past(conv.past_frames());
    Plane source = signal;
    if (conv_pre.config.active) {
      source = builder_.ring(size_.channels, conv.past_frames());
      modulate(conv_pre, signal, source);
      builder_.complete(source);
    }
    const Plane z = builder_.plane(z_size);
    mix(source, conv, conv_post, mixin, mixin_pre, mixin_post, z);
    if (activation_pre.config.active) modulate(activation_pre, z, z);
    const Plane a = z.part(0, size_.bottleneck);
    // Without more in between, the sum of the heads is taken on the way.
    const bool direct =
        config.gating == Gating::none && !activation_post.config.active && !size_.head1x1;
    curve(config, z, direct ? head_ : Plane{}, first);
    if (activation_post.config.active) modulate(activation_post, a, a);
    if (size_.head1x1) {
      if (head1x1_post.config.active) {
        const Plane modulated = builder_.plane(size_.head1x1_size);
        builder_.convolution(a, head, modulated);
        modulate(head1x1_post, modulated, modulated);
        builder_.activate({}, modulated, head_, first);
      } else {
        builder_.convolution(a, head, head_, {}, first ? Plane{} : head_);
      }
    } else if (!direct) {
      builder_.activate({}, a, head_, first);
    }
    if (!needed) return signal;
    return next(l, signal, a, residual, layer1x1_post);
  }

  /// z = conv(source) + mixin(condition), with their modulations.
  void mix(const Plane& source, const ConvWeights& conv, const Modulation& conv_post,
           const ConvWeights& mixin, const Modulation& mixin_pre, const Modulation& mixin_post,
           const Plane& z) {
    const bool plain = !conv_post.config.active && !mixin_pre.config.active &&
                       !mixin_post.config.active && conv.groups == 1 && mixin.groups == 1;
    if (plain) {
      Term term{{{condition_, 0}}, Matrix(mixin.out, mixin.in)};
      term.matrix.values = mixin.weights;
      builder_.convolution(source, conv, z, {term});
      return;
    }
    builder_.convolution(source, conv, z);
    if (conv_post.config.active) modulate(conv_post, z, z);
    Plane condition = condition_;
    if (mixin_pre.config.active) {
      condition = builder_.plane(condition_.channels);
      modulate(mixin_pre, condition_, condition);
    }
    if (!mixin_post.config.active) {
      builder_.convolution(condition, mixin, z, {}, z);
      return;
    }
    const Plane mixed = builder_.plane(z.channels);
    builder_.convolution(condition, mixin, mixed);
    modulate(mixin_post, mixed, mixed);
    builder_.activate({}, mixed, z, false);
  }

  void curve(const LayerConfig& config, const Plane& z, const Plane& sum, bool first) {
    const Plane a = z.part(0, size_.bottleneck);
    if (config.gating == Gating::none) {
      builder_.activate(read_curve(builder_, config.activation, a.channels), a, sum, first);
      return;
    }
    const Plane gate = z.part(size_.bottleneck, size_.bottleneck);
    Gate step{a, gate, {}};
    if (config.gating == Gating::blended) {
      step.before = builder_.plane(a.channels);
      builder_.add(Modulate{a, {}, {}, step.before});
    }
    builder_.activate(read_curve(builder_, config.activation, a.channels), a);
    builder_.activate(read_curve(builder_, config.secondary, a.channels), gate);
    builder_.add(step);
  }

  Plane next(std::size_t l, const Plane& signal, const Plane& a, const ConvWeights& residual,
             const Modulation& film) {
    const Plane out = layer_input(l + 1);
    const bool modulated = film.config.active && (size_.layers[l].gating == Gating::blended ||
                                                  part_.options.film_in_every_mode);
    if (!size_.layer1x1) {
      builder_.add(Modulate{signal, {}, {}, out});
    } else if (modulated) {
      builder_.convolution(a, residual, out);
      modulate(film, out, out);
      builder_.activate({}, signal, out, false);
    } else {
      builder_.convolution(a, residual, out, {}, signal);
    }
    builder_.complete(out);
    return out;
  }

  ProgramBuilder& builder_;
  WeightList& weights_;
  const LayerArrayConfig& full_;
  const LayerArrayConfig& size_;
  Plane condition_;
  const NamPart& part_;
  Plane head_;
  ConvWeights head_weights_;
};

/// After the arrays: an activation and a convolution, several times.
Plane write_post_stack(ProgramBuilder& builder, const PostStackConfig& config, WeightList& weights,
                       Plane x) {
  for (std::size_t i = 0; i < config.kernels.size(); ++i) {
    const bool last = i + 1 == config.kernels.size();
    builder.activate(read_curve(builder, config.activation, x.channels), x);
    ConvWeights conv{
        x.channels, last ? config.out_channels : config.channels, config.kernels[i], 1, 1, {}, {}};
    conv.weights = weights.take(conv.in * conv.out * conv.kernel);
    conv.bias = weights.take(conv.out);
    const Plane y = builder.plane(conv.out);
    builder.convolution(builder.remembered(x, conv.past_frames()), conv, y);
    builder.need_past(conv.past_frames());
    x = y;
  }
  return x;
}

}  // namespace

Plane write_wavenet(ProgramBuilder& builder, const Json& json, WeightList& weights, Plane& in,
                    NamPart& part) {
  const WaveNetConfig full = read_wavenet_config(json);
  const std::vector<LayerArrayConfig> sizes = slimmed(full, part.options.slim);
  require_inputs(builder, in, full.in_channels);
  Plane condition = in;
  if (full.condition != nullptr) {
    const ReadOptions whole{part.options.fast, 1.0, part.options.film_in_every_mode};
    NamPart inner{whole, part.sample_rate_hz, part.depth, 0};
    condition = write_nam(builder, *full.condition, in, inner);
    part.prewarm_frames += inner.prewarm_frames;
  }
  Plane x = in;
  Plane head;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i].condition_size != condition.channels)
      fail(ErrorCode::invalid_data, "[Amp] condition_size {} where there are {} channels",
           sizes[i].condition_size, condition.channels);
    const bool last = i + 1 == sizes.size();
    LayerArrayWriter array(builder, weights, full.arrays[i], sizes[i], condition, part);
    array.write(x, head, last);
    if (!last) {
      array.write_head(head, 1.0F);
      continue;
    }
    // The scale comes after the weights of the last convolutions, and before them in the signal.
    if (!full.post_stack) {
      array.write_head(head, weights.take_one());
      return head;
    }
    array.write_head(head, weights.last());
    head = write_post_stack(builder, *full.post_stack, weights, head);
    weights.take_one();
  }
  return head;
}

}  // namespace metalaudio::models::amp

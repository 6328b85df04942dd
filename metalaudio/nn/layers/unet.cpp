#include <metalaudio/nn/layers/skip_connection_pool.h>
#include <metalaudio/nn/layers/unet.h>

#include <type_traits>

namespace metalaudio::nn::layers {

namespace {

/// The layer classes and options for a number of axes.
template <std::size_t kAxes>
struct Family;

template <>
struct Family<1> {
  using ConvClass = Conv1d;
  using TransposeClass = ConvTranspose1d;
  static Conv1d conv(std::int64_t in, std::int64_t out, std::array<std::int64_t, 1> kernel,
                     std::array<std::int64_t, 1> stride, std::array<std::int64_t, 1> padding,
                     PadMode mode) {
    Conv1dOptions o{in, out, kernel[0], stride[0], padding[0]};
    o.padding_mode = mode;
    return Conv1d(o);
  }
  static ConvTranspose1d transpose(std::int64_t in, std::int64_t out,
                                   std::array<std::int64_t, 1> kernel,
                                   std::array<std::int64_t, 1> stride,
                                   std::array<std::int64_t, 1> padding) {
    return ConvTranspose1d({in, out, kernel[0], stride[0], padding[0]});
  }
};

template <>
struct Family<2> {
  using ConvClass = Conv2d;
  using TransposeClass = ConvTranspose2d;
  static Conv2d conv(std::int64_t in, std::int64_t out, std::array<std::int64_t, 2> kernel,
                     std::array<std::int64_t, 2> stride, std::array<std::int64_t, 2> padding,
                     PadMode mode) {
    Conv2dOptions o{in, out, kernel, stride, padding};
    o.padding_mode = mode;
    return Conv2d(o);
  }
  static ConvTranspose2d transpose(std::int64_t in, std::int64_t out,
                                   std::array<std::int64_t, 2> kernel,
                                   std::array<std::int64_t, 2> stride,
                                   std::array<std::int64_t, 2> padding) {
    return ConvTranspose2d({in, out, kernel, stride, padding});
  }
};

template <std::size_t kAxes>
std::array<std::int64_t, kAxes> paddings(const UNetLevelOptions<kAxes>& options) {
  std::array<std::int64_t, kAxes> padding{};
  for (std::size_t i = 0; i < kAxes; ++i) padding[i] = options.padding_of(i);
  return padding;
}

template <std::size_t kAxes>
GroupNorm norm_of(std::int64_t channels, const UNetLevelOptions<kAxes>& options) {
  return GroupNorm({options.num_groups, channels, options.eps, true, options.algorithm});
}

Value activate(const Scope& scope, UnaryFunction function, Value x) {
  return scope.graph.apply(Unary{function}, {x});
}

}  // namespace

template <std::size_t kAxes>
UNetEncoderBlock<kAxes>::UNetEncoderBlock(std::int64_t in, std::int64_t out,
                                          const UNetLevelOptions<kAxes>& options)
    : options_(options) {
  conv_ = this->inner("conv", Family<kAxes>::conv(in, out, options.kernel_size, options.stride,
                                                  paddings(options), options.padding_mode));
  norm_ = this->inner("norm", norm_of(out, options));
}

template <std::size_t kAxes>
std::string UNetEncoderBlock<kAxes>::name() const {
  return fmt::format("UNetEncoderBlock{}d", kAxes);
}

template <std::size_t kAxes>
Value UNetEncoderBlock<kAxes>::do_write(const Scope& scope, Value x) const {
  const Value y = norm_->write(scope("norm"), conv_->write(scope("conv"), x));
  return activate(scope, options_.activation, y);
}

template <std::size_t kAxes>
UNetDecoderBlock<kAxes>::UNetDecoderBlock(std::int64_t in, std::int64_t skip, std::int64_t out,
                                          const UNetLevelOptions<kAxes>& options)
    : options_(options), in_(in), out_(out) {
  const auto three = UNetLevelOptions<kAxes>::filled(3);
  const auto one = UNetLevelOptions<kAxes>::filled(1);
  upsample_ = this->inner("upsample", Family<kAxes>::transpose(in, out, options.kernel_size,
                                                               options.stride, paddings(options)));
  conv_ = this->inner("conv",
                      Family<kAxes>::conv(out + skip, out, three, one, one, options.padding_mode));
  norm_ = this->inner("norm", norm_of(out, options));
}

template <std::size_t kAxes>
std::string UNetDecoderBlock<kAxes>::name() const {
  return fmt::format("UNetDecoderBlock{}d({}, {})", kAxes, in_, out_);
}

template <std::size_t kAxes>
Value UNetDecoderBlock<kAxes>::do_write(const Scope& scope, Value) const {
  this->refuse(ErrorCode::unsupported, scope, "it needs a skip connection");
}

template <std::size_t kAxes>
Value UNetDecoderBlock<kAxes>::write(const Scope& scope, Value x, Value skip) const {
  Graph& graph = scope.graph;
  const std::span<const std::int64_t> extents = graph.shape(skip).extents();
  if (extents.size() != kAxes + 2) {
    this->refuse(ErrorCode::invalid_argument, scope, "the skip connection is {}, the input {}",
                 graph.shape(skip).to_string(), graph.shape(x).to_string());
  }
  const std::vector<std::int64_t> size(extents.begin() + 1, extents.end() - 1);
  const Value upsampled = upsample_->write(scope("upsample"), x, size);
  const Value both = graph.apply(Concat{-1}, {upsampled, skip});
  const Value y = norm_->write(scope("norm"), conv_->write(scope("conv"), both));
  return activate(scope, options_.activation, y);
}

template <std::size_t kAxes>
UNet<kAxes>::UNet(const UNetOptions<kAxes>& options) : options_(options) {
  if (options.channels.empty()) {
    fail(ErrorCode::invalid_argument, "[UNet{}d] no levels", kAxes);
  }
  const auto in_of = [&](std::size_t level) {
    return level == 0 ? options_.in_channels : options_.channels[level - 1];
  };
  for (std::size_t i = 0; i < options.channels.size(); ++i) {
    encoder_.push_back(
        this->inner(fmt::format("encoder.{}", i),
                    UNetEncoderBlock<kAxes>(in_of(i), options.channels[i], options.level)));
  }
  for (std::size_t i = 0; i < options.channels.size(); ++i) {
    // The outermost block keeps as many channels as its encoder had: in_channels are few.
    const std::int64_t out = i == 0 ? options.channels[0] : in_of(i);
    decoder_.push_back(
        this->inner(fmt::format("decoder.{}", i),
                    UNetDecoderBlock<kAxes>(options.channels[i], in_of(i), out, options.level)));
  }
  const auto one = UNetLevelOptions<kAxes>::filled(1);
  const auto none = UNetLevelOptions<kAxes>::filled(0);
  head_ = this->inner("head", Family<kAxes>::conv(options.channels[0], options.out_channels, one,
                                                  one, none, PadMode::constant));
}

template <std::size_t kAxes>
std::string UNet<kAxes>::name() const {
  return fmt::format("UNet{}d({}, {}, {} levels)", kAxes, options_.in_channels,
                     options_.out_channels, options_.channels.size());
}

template <std::size_t kAxes>
Value UNet<kAxes>::do_write(const Scope& scope, Value x) const {
  this->expect_offline(scope);
  this->expect(scope, x, kAxes + 2, options_.in_channels);
  BasicSkipConnectionPool<kAxes + 2> skips;
  for (std::size_t i = 0; i < encoder_.size(); ++i) {
    skips.store(scope.graph, i, x);
    x = encoder_[i]->write(scope(fmt::format("encoder.{}", i)), x);
  }
  for (std::size_t i = decoder_.size(); i-- > 0;) {
    x = decoder_[i]->write(scope(fmt::format("decoder.{}", i)), x, skips.take(i));
  }
  return head_->write(scope("head"), x);
}

template class UNetEncoderBlock<1>;
template class UNetEncoderBlock<2>;
template class UNetDecoderBlock<1>;
template class UNetDecoderBlock<2>;
template class UNet<1>;
template class UNet<2>;

}  // namespace metalaudio::nn::layers

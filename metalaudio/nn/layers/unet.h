#pragma once

#include <metalaudio/nn/layers/conv1d.h>
#include <metalaudio/nn/layers/conv2d.h>
#include <metalaudio/nn/layers/conv_transpose1d.h>
#include <metalaudio/nn/layers/conv_transpose2d.h>
#include <metalaudio/nn/layers/norm.h>
#include <metalaudio/nn/operations/unary.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace metalaudio::nn::layers {

/// Sizes of a level, the same in encoder and decoder, over `kAxes` axes: unless told otherwise
/// kernels of 8 with stride 4 along one axis, of 3x3 with stride (2, 2) along two.
template <std::size_t kAxes>
struct UNetLevelOptions {
  std::array<std::int64_t, kAxes> kernel_size = filled(kAxes == 1 ? 8 : 3);
  std::array<std::int64_t, kAxes> stride = filled(kAxes == 1 ? 4 : 2);
  PadMode padding_mode = PadMode::reflect;
  std::int64_t num_groups = 8;
  float eps = 1e-5F;
  MomentsAlgorithm algorithm = MomentsAlgorithm::standard;
  UnaryFunction activation = UnaryFunction::gelu;  ///< exact; or gelu_tanh, or any other
  std::int64_t padding_of(std::size_t axis) const {
    return (kernel_size[axis] - stride[axis] + 1) / 2;
  }

  static constexpr std::array<std::int64_t, kAxes> filled(std::int64_t size) {
    std::array<std::int64_t, kAxes> sizes{};
    sizes.fill(size);
    return sizes;
  }
};

/// activation(GroupNorm(Conv(x))), where the convolution pads (kernel − stride + 1) / 2 on either
/// side, so that strides divide what they can.
/// Shapes:   [batch][axes…][in] -> [batch][axes / stride…][out]; weights conv.…, norm.….
/// Threads:  as Layer.
template <std::size_t kAxes>
class UNetEncoderBlock final : public Layer {
 public:
  UNetEncoderBlock(std::int64_t in, std::int64_t out, const UNetLevelOptions<kAxes>& options);
  std::string name() const override;

 protected:
  Value do_write(const Scope& scope, Value x) const override;

 private:
  UNetLevelOptions<kAxes> options_;
  std::shared_ptr<Layer> conv_;
  std::shared_ptr<GroupNorm> norm_;
};

/// activation(GroupNorm(Conv(cat(ConvTranspose(x, output_size=skip), skip)))): upsampled to the
/// extents of the skip connection, concatenated with it, and merged by a convolution with three
/// taps and one of padding on either side of every axis.
/// Shapes:   x[batch][axes / stride…][in], skip[batch][axes…][skip] -> [batch][axes…][out]; weights
///           upsample.…, conv.…, norm.….
/// Threads:  as Layer.
template <std::size_t kAxes>
class UNetDecoderBlock final : public Layer {
 public:
  UNetDecoderBlock(std::int64_t in, std::int64_t skip, std::int64_t out,
                   const UNetLevelOptions<kAxes>& options);
  std::string name() const override;

  using Layer::write;
  Value write(const Scope& scope, Value x, Value skip) const;

 protected:
  Value do_write(const Scope& scope, Value x) const override;

 private:
  UNetLevelOptions<kAxes> options_;
  std::int64_t in_;
  std::int64_t out_;
  std::shared_ptr<ConvTransposeLayer> upsample_;
  std::shared_ptr<Layer> conv_;
  std::shared_ptr<GroupNorm> norm_;
};

template <std::size_t kAxes>
struct UNetOptions {
  std::int64_t in_channels = 1;
  std::int64_t out_channels = 1;
  std::vector<std::int64_t> channels = {};  ///< of the levels, outermost first
  UNetLevelOptions<kAxes> level = {};
};

/// Encoder blocks down, decoder blocks up, each decoder joined to the input of its encoder, and a
/// 1x1 convolution to the output's channels.
/// Shapes:   [batch][axes…][in_channels] -> [batch][axes…][out_channels]; weights encoder.0.…,
///           decoder.0.…, head.….
/// Threads:  as Layer.
template <std::size_t kAxes>
class UNet final : public Layer {
 public:
  explicit UNet(const UNetOptions<kAxes>& options);
  std::string name() const override;

 protected:
  Value do_write(const Scope& scope, Value x) const override;

 private:
  UNetOptions<kAxes> options_;
  std::vector<std::shared_ptr<UNetEncoderBlock<kAxes>>> encoder_;
  std::vector<std::shared_ptr<UNetDecoderBlock<kAxes>>> decoder_;
  std::shared_ptr<Layer> head_;
};

using UNetEncoderBlock1d = UNetEncoderBlock<1>;
using UNetEncoderBlock2d = UNetEncoderBlock<2>;
using UNetDecoderBlock1d = UNetDecoderBlock<1>;
using UNetDecoderBlock2d = UNetDecoderBlock<2>;
using UNet1d = UNet<1>;
using UNet2d = UNet<2>;
using UNet1dOptions = UNetOptions<1>;
using UNet2dOptions = UNetOptions<2>;

extern template class UNetEncoderBlock<1>;
extern template class UNetEncoderBlock<2>;
extern template class UNetDecoderBlock<1>;
extern template class UNetDecoderBlock<2>;
extern template class UNet<1>;
extern template class UNet<2>;

}  // namespace metalaudio::nn::layers

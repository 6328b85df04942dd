#pragma once

#include <metalaudio/nn/cuda/cuda_step.h>
#include <metalaudio/nn/cuda/kernels/conv.h>
#include <metalaudio/nn/cuda/steps/conv_geometry.h>

#include <memory>
#include <vector>

namespace metalaudio::nn::cuda {

/// What multiplies values of a type in a plan's precision.
Product product_of(Precision precision, DataType values);
/// A weight as a product takes it.
float rounded(Product product, float value);
DeviceArray stored(Product product, const std::vector<float>& values,
                   const std::shared_ptr<AudioDevice>& device);

/// A convolution with its weights as the kernel reads them, in the memory of a device.
/// Threads:  a constant.
class PackedConv {
 public:
  /// weight[out][kernels…][in / groups]; bias may be empty. With glu the halves of its output
  /// channels are paired. own_tiles: each batch has tiles of its own, so that moments can be had.
  PackedConv(const ConvGeometry& geometry, Activation activation, DataType type,
             Precision precision, const std::vector<float>& weight, const std::vector<float>& bias,
             const std::shared_ptr<AudioDevice>& device, bool own_tiles = false);

  /// `at` names everything but the weights, taps and bias.
  void launch(const ConvShape& shape, ConvPointers at, cudaStream_t stream) const noexcept;

  /// For launch(); what it says about residual and norm may be changed.
  const ConvShape& shape() const noexcept { return shape_; }
  /// What the moments of all batches' own tiles take.
  std::size_t moments_bytes() const noexcept;
  std::size_t bytes() const noexcept { return weight_.bytes() + taps_.bytes() + bias_.bytes(); }

 private:
  int padded_vectors() const;
  void pack(const ConvGeometry& geometry, const std::vector<float>& weight,
            const std::shared_ptr<AudioDevice>& device);
  void list_taps(const ConvGeometry& geometry, const std::shared_ptr<AudioDevice>& device);

  DataType type_;
  Product product_;
  ConvShape shape_;
  DeviceArray weight_;
  DeviceArray taps_;
  DeviceArray bias_;
};

}  // namespace metalaudio::nn::cuda

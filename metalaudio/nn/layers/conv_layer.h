#pragma once

#include <metalaudio/nn/layers/layer.h>
#include <metalaudio/nn/operations/pad.h>

#include <cstdint>
#include <string>
#include <vector>

namespace metalaudio::nn::layers {

constexpr std::int64_t kSame = -1;  ///< padding="same"

/// The sizes of a convolution over any number of axes, one entry of each list per axis. The first
/// axis is time.
struct ConvSizes {
  std::string kind = {};  ///< "Conv1d"
  std::int64_t in = 1;
  std::int64_t out = 1;
  std::vector<std::int64_t> kernel = {};
  std::vector<std::int64_t> stride = {};
  std::vector<std::int64_t> padding = {};
  std::vector<std::int64_t> output_padding = {};  ///< of a transposed one
  std::vector<std::int64_t> dilation = {};
  std::int64_t groups = 1;
  bool bias = true;
  PadMode padding_mode = PadMode::constant;
  bool causal = false;

  std::int64_t reach(std::size_t axis) const { return dilation[axis] * (kernel[axis] - 1); }
  std::string name() const;
};

/// What Conv1d and Conv2d have in common.
/// Threads:  as Layer.
class ConvLayer : public Layer {
 public:
  std::string name() const override { return sizes_.name(); }
  Rate rate() const override { return {sizes_.stride[0], 1}; }

 protected:
  explicit ConvLayer(ConvSizes sizes);
  Value do_write(const Scope& scope, Value x) const override;

 private:
  Value pad(const Scope& scope, Value x) const;
  Value with_past(const Scope& scope, Value x) const;

  ConvSizes sizes_;
};

/// What ConvTranspose1d and ConvTranspose2d have in common.
/// Threads:  as Layer.
class ConvTransposeLayer : public Layer {
 public:
  std::string name() const override { return sizes_.name(); }
  Rate rate() const override { return {1, sizes_.stride[0]}; }

  using Layer::write;
  /// module(x, output_size): the extents of the axes, at most a stride longer than they must be.
  Value write(const Scope& scope, Value x, const std::vector<std::int64_t>& output_size) const;

 protected:
  explicit ConvTransposeLayer(ConvSizes sizes);
  Value do_write(const Scope& scope, Value x) const override;

 private:
  Value add(const Scope& scope, Value x, std::vector<TransposeAxis> axes) const;

  ConvSizes sizes_;
};

/// The last `frames` frames of earlier blocks before x, along axis 1: a state that starts as zeros.
Value prepend_past(const Scope& scope, Value x, std::int64_t frames);

}  // namespace metalaudio::nn::layers

#pragma once

#include <metalaudio/nn/layers/layer.h>
#include <metalaudio/nn/operations/pool.h>

#include <cstdint>
#include <string>
#include <vector>

namespace metalaudio::nn::layers {

/// One entry of each list per axis, or one for all of them; time is the first axis.
struct PoolOptions {
  std::vector<std::int64_t> kernel_size = {};
  std::vector<std::int64_t> stride = {};  ///< empty: kernel_size
  std::vector<std::int64_t> padding = {};
  std::vector<std::int64_t> dilation = {};  ///< of a maximum
  bool count_include_pad = true;            ///< of an average
};

/// torch.nn.MaxPool1d, MaxPool2d, AvgPool1d, AvgPool2d with ceil_mode=False, for as many axes as
/// kernel_size has entries. Without padding, and with kernels that fit their strides, it can be
/// streamed.
/// Shapes:   [batch][axes…][channels] -> [batch][axes'…][channels].
/// Threads:  as Layer.
class Pooling : public Layer {
 public:
  std::string name() const override;
  Rate rate() const override { return {axes_[0].stride, 1}; }

 protected:
  Pooling(PoolFunction function, const PoolOptions& options);
  Value do_write(const Scope& scope, Value x) const override;

 private:
  PoolFunction function_;
  std::vector<SlidingAxis> axes_;
  bool count_padding_;
};

/// Threads:  as Layer.
class MaxPool final : public Pooling {
 public:
  explicit MaxPool(const PoolOptions& options) : Pooling(PoolFunction::maximum, options) {}
};

/// Threads:  as Layer.
class AvgPool final : public Pooling {
 public:
  explicit AvgPool(const PoolOptions& options) : Pooling(PoolFunction::average, options) {}
};

/// torch.nn.AdaptiveAvgPool1d(1) and 2d(1): the mean over all axes but batch and channels.
/// Shapes:   [batch][axes…][channels] -> [batch][1…][channels].
/// Threads:  as Layer.
class GlobalAvgPool final : public Layer {
 public:
  std::string name() const override { return "GlobalAvgPool"; }

 protected:
  Value do_write(const Scope& scope, Value x) const override;
};

}  // namespace metalaudio::nn::layers

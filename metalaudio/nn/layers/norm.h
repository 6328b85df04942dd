#pragma once

#include <metalaudio/nn/layers/layer.h>
#include <metalaudio/nn/operations/group_norm.h>
#include <metalaudio/nn/operations/rms_norm.h>

#include <cstdint>
#include <string>

namespace metalaudio::nn::layers {

struct GroupNormOptions {
  std::int64_t num_groups = 1;
  std::int64_t num_channels = 1;
  float eps = 1e-5F;
  bool affine = true;
  MomentsAlgorithm algorithm = MomentsAlgorithm::standard;
};

/// torch.nn.GroupNorm, over all axes but the batch.
/// Shapes:   [batch][…][num_channels] -> the same; weight, bias[num_channels].
/// Threads:  as Layer.
class GroupNorm final : public Layer {
 public:
  explicit GroupNorm(const GroupNormOptions& options);
  std::string name() const override;

 protected:
  Value do_write(const Scope& scope, Value x) const override;

 private:
  GroupNormOptions options_;
};

struct InstanceNormOptions {
  std::int64_t num_features = 1;
  float eps = 1e-5F;
  bool affine = false;
};

/// torch.nn.InstanceNorm1d and 2d(track_running_stats=False).
/// Shapes:   as GroupNorm.
/// Threads:  as Layer.
class InstanceNorm final : public Layer {
 public:
  explicit InstanceNorm(const InstanceNormOptions& options);
  std::string name() const override;

 protected:
  Value do_write(const Scope& scope, Value x) const override;

 private:
  InstanceNormOptions options_;
};

struct BatchNormOptions {
  std::int64_t num_features = 1;
  float eps = 1e-5F;
  bool affine = true;
};

/// torch.nn.BatchNorm1d and 2d in eval(): x · scale + shift per channel, from the running moments.
/// Shapes:   […][num_features] -> the same; weight, bias, running_mean, running_var[num_features].
/// Threads:  as Layer.
class BatchNorm final : public Layer {
 public:
  explicit BatchNorm(const BatchNormOptions& options);
  std::string name() const override;

 protected:
  Value do_write(const Scope& scope, Value x) const override;

 private:
  BatchNormOptions options_;
};

struct LayerNormOptions {
  Shape normalized_shape = {1};  ///< the last axes, channels last
  float eps = 1e-5F;
  bool elementwise_affine = true;
  bool bias = true;
};

/// torch.nn.LayerNorm.
/// Shapes:   […][normalized_shape] -> the same; weight, bias[normalized_shape].
/// Threads:  as Layer.
class LayerNorm final : public Layer {
 public:
  explicit LayerNorm(const LayerNormOptions& options);
  std::string name() const override;

 protected:
  Value do_write(const Scope& scope, Value x) const override;

 private:
  LayerNormOptions options_;
};

struct RmsNormOptions {
  Shape normalized_shape = {1};
  float eps = 1.1920929e-07F;  ///< torch's None: that of float32
  bool elementwise_affine = true;
  RmsForm form = RmsForm::mean_square;
};

/// torch.nn.RMSNorm, or with RmsForm::l2 the RoFormers'.
/// Shapes:   […][normalized_shape] -> the same; weight[normalized_shape].
/// Threads:  as Layer.
class RmsNorm final : public Layer {
 public:
  explicit RmsNorm(const RmsNormOptions& options);
  std::string name() const override;

 protected:
  Value do_write(const Scope& scope, Value x) const override;

 private:
  RmsNormOptions options_;
};

}  // namespace metalaudio::nn::layers

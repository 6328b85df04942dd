#pragma once

#include <metalaudio/nn/layers/layer.h>
#include <metalaudio/nn/operations/pad.h>

#include <cstdint>
#include <string>
#include <vector>

namespace metalaudio::nn::layers {

struct PaddingOptions {
  std::vector<std::int64_t> before = {};  ///< per axis between batch and channels
  std::vector<std::int64_t> after = {};
  PadMode mode = PadMode::constant;
  double value = 0;
};

/// torch.nn.ConstantPad1d and 2d, ZeroPad, ReflectionPad, ReplicationPad (edge), CircularPad
/// (wrap).
/// Shapes:   [batch][axes…][channels] -> the axes wider by `before` and `after`.
/// Threads:  as Layer.
class Padding final : public Layer {
 public:
  explicit Padding(PaddingOptions options) : options_(std::move(options)) {}
  std::string name() const override { return "Padding"; }

 protected:
  Value do_write(const Scope& scope, Value x) const override;

 private:
  PaddingOptions options_;
};

}  // namespace metalaudio::nn::layers

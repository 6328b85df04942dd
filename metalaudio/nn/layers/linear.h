#pragma once

#include <metalaudio/nn/layers/layer.h>

#include <cstdint>
#include <string>

namespace metalaudio::nn::layers {

struct LinearOptions {
  std::int64_t in_features = 1;
  std::int64_t out_features = 1;
  bool bias = true;
};

/// torch.nn.Linear over the last axis. A weight that is set as f16 or bf16 stays in 16 bits and is
/// multiplied in float32, as x @ weight.float().T.
/// Shapes:   […][in_features] -> […][out_features]; weight[out][in], bias[out].
/// Threads:  as Layer.
class Linear final : public Layer {
 public:
  explicit Linear(const LinearOptions& options);
  std::string name() const override;
  const LinearOptions& options() const noexcept { return options_; }

 protected:
  Value do_write(const Scope& scope, Value x) const override;

 private:
  LinearOptions options_;
};

}  // namespace metalaudio::nn::layers

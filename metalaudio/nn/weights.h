#pragma once

#include <metalaudio/nn/graph/graph.h>
#include <metalaudio/nn/io/checkpoint.h>

#include <string>

namespace metalaudio::nn {

/// A checkpoint's tensors below a prefix, as a layer asks for them: weights("conv").tensor("bias", …).
/// Errors:   tensor() throws Error{invalid_data} that names a tensor that is missing or has another
///           shape than the layer needs.
/// Threads:  a value; it refers to the checkpoint.
class Weights {
 public:
  explicit Weights(const Checkpoint& checkpoint) : checkpoint_(&checkpoint) {}

  Weights operator()(const std::string& name) const;
  Weights operator()(const std::string& name, int index) const;
  bool has(const std::string& name) const;
  const Tensor& tensor(const std::string& name, const Shape& shape) const;
  const std::string& prefix() const noexcept { return prefix_; }

 private:
  const Checkpoint* checkpoint_;
  std::string prefix_;
};

/// A layer's Conv2d weight[out][in][rows][positions], or Conv1d weight[out][in][positions], in the
/// order of Graph::conv: [out][rows][positions][in].
Tensor conv_weight(const Weights& weights, std::int64_t out, std::int64_t in, const Shape& kernel);
/// The same from ConvTranspose weight[in][out][…].
Tensor conv_transpose_weight(const Weights& weights, std::int64_t in, std::int64_t out,
                             const Shape& kernel);

}  // namespace metalaudio::nn

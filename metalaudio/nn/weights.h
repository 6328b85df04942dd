#pragma once

#include <metalaudio/nn/graph/graph.h>
#include <metalaudio/nn/io/state_file.h>

#include <cstdint>
#include <map>
#include <random>
#include <string>

namespace metalaudio::nn {

/// The tensors that a network asks for, made the first time that it asks: values at which
/// activations stay near 1, the same for the same seed. For benchmarks and tests of structure.
/// Threads:  one.
struct RandomState {
  explicit RandomState(std::uint32_t seed) : random(seed) {}

  std::mt19937 random;
  StateFile file;
};

/// A state's tensors below a prefix, as a layer asks for them: weights("conv").tensor("bias", …).
/// Errors:   tensor() throws Error{invalid_data} that names a tensor that is missing, has another
///           shape than the layer needs, or is not float32.
/// Threads:  a value; it refers to the file or the random state.
class Weights {
 public:
  explicit Weights(const StateFile& file) : state_(&file.state) {}

  explicit Weights(RandomState& random) : state_(&random.file.state), random_(&random) {}

  Weights operator()(const std::string& name) const;
  Weights operator()(const std::string& name, int index) const;
  bool has(const std::string& name) const;
  const Tensor& tensor(const std::string& name, const Shape& shape) const;
  const std::string& prefix() const noexcept { return prefix_; }

 private:
  const std::map<std::string, Tensor>* state_ = nullptr;
  RandomState* random_ = nullptr;
  std::string prefix_;
};

/// A layer's Conv2d weight[out][in][rows][positions], or Conv1d weight[out][in][positions], in the
/// order of Graph::conv: [out][rows][positions][in].
Tensor conv_weight(const Weights& weights, std::int64_t out, std::int64_t in, const Shape& kernel);
/// The same from ConvTranspose weight[in][out][…].
Tensor conv_transpose_weight(const Weights& weights, std::int64_t in, std::int64_t out,
                             const Shape& kernel);

}  // namespace metalaudio::nn

#pragma once

#include <metalaudio/nn/graph/graph.h>
#include <metalaudio/nn/io/state_file.h>
#include <metalaudio/nn/io/state_reader.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
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
/// Errors:   tensor() and constant() throw Error{invalid_data} that names a tensor that is missing,
///           has another shape than the layer needs, or is not float32.
/// Threads:  a value; it refers to the state or the random state, and shares the reader.
class Weights {
 public:
  explicit Weights(const StateFile& file) : state_(&file.state) {}

  explicit Weights(RandomState& random) : state_(&random.file.state), random_(&random) {}
  explicit Weights(std::shared_ptr<const StateReader> reader) : reader_(std::move(reader)) {}

  Weights operator()(const std::string& name) const;
  Weights operator()(const std::string& name, int index) const;
  bool has(const std::string& name) const;
  Tensor tensor(const std::string& name, const Shape& shape) const;
  /// The same for a graph. Of a reader it is read when it is needed, and so is what `change` makes
  /// of it, a tensor of the shape `changed`.
  Constant constant(const std::string& name, const Shape& shape) const;
  Constant constant(const std::string& name, const Shape& shape, const Shape& changed,
                    std::function<Tensor(const Tensor&)> change) const;
  /// `count` rows of its first axis from one on.
  Constant rows(const std::string& name, const Shape& shape, std::int64_t first,
                std::int64_t count) const;
  const std::string& prefix() const noexcept { return prefix_; }

 private:
  void check(const std::string& name, const Shape* found, const Shape& shape) const;
  const Tensor& at_hand(const std::string& name, const Shape& shape) const;

  const std::map<std::string, Tensor>* state_ = nullptr;
  RandomState* random_ = nullptr;
  std::shared_ptr<const StateReader> reader_;
  std::string prefix_;
};

/// A layer's Conv2d weight[out][in][rows][positions], or Conv1d weight[out][in][positions], in the
/// order of Graph::conv: [out][rows][positions][in].
Constant conv_weight(const Weights& weights, std::int64_t out, std::int64_t in,
                     const Shape& kernel);
/// The same from ConvTranspose weight[in][out][…].
Constant conv_transpose_weight(const Weights& weights, std::int64_t in, std::int64_t out,
                               const Shape& kernel);

}  // namespace metalaudio::nn

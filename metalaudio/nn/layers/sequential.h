#pragma once

#include <metalaudio/nn/layers/layer.h>
#include <metalaudio/nn/layers/stream.h>
#include <metalaudio/nn/plan.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace metalaudio::nn::layers {

/// torch.nn.Sequential: layers one after the other, named "0", "1", …; itself a layer.
///
///     Sequential model;
///     model.add(Conv1d({.in_channels = 1, .out_channels = 8, .kernel_size = 9, .padding = kSame,
///                       .causal = true})).add(layers::tanh());
///     model.load(Weights(checkpoint));
///     model.build_stream({.channels = 1});
///
/// Errors:   build() and build_stream() throw Error with the layer that does not fit and both
///           shapes, run() throws Error{invalid_argument} before build() and on another shape.
/// Threads:  one caller at a time.
/// Realtime: process and reset, after build_stream().
class Sequential final : public Layer {
 public:
  /// Adds a copy that shares the weights.
  template <typename L>
  requires std::is_base_of_v<Layer, L> Sequential& add(L layer) {
    return add(std::shared_ptr<Layer>(std::make_shared<L>(std::move(layer))));
  }
  Sequential& add(std::shared_ptr<Layer> layer);
  std::size_t size() const noexcept { return layers_.size(); }

  std::string name() const override { return "Sequential"; }
  Rate rate() const override;

  /// Plans whole signals of one shape, for run().
  void build(const Shape& input, const PlanOptions& options = {});
  Tensor run(const Tensor& x);

  /// Plans blocks of audio, for process().
  void build_stream(const StreamOptions& options);
  METALAUDIO_REALTIME std::size_t process(ConstAudioView in, AudioView out) noexcept {
    return stream_->process(in, out);
  }
  METALAUDIO_REALTIME void reset() noexcept;
  std::size_t latency_samples() const noexcept { return stream_ ? stream_->latency_samples() : 0; }
  Stream& stream() { return *stream_; }

  /// "10 layers, 2 buffers (80 % reduction)", of what was built last.
  std::string statistics() const;

 protected:
  Value do_write(const Scope& scope, Value x) const override;

 private:
  std::vector<std::shared_ptr<Layer>> layers_;
  std::optional<Plan> plan_;
  std::optional<Stream> stream_;
  PlanStatistics built_;
};

}  // namespace metalaudio::nn::layers
